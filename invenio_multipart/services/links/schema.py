# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What comes over the wire about links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from .targets import TargetName

_INT64 = 2**63 - 1


@dataclass(frozen=True)
class ObjectName:
    """An object in a bucket, or all below a folder.

    :param url: ``s3://bucket/key``, or ``s3://bucket/folder/`` for all below.
    :param version_ref: the store's name of the version; None for the newest.
    """

    url: str
    version_ref: str | None = None


@dataclass(frozen=True)
class Content:
    """Bytes by what they are.

    :param checksum: ``algorithm:hex`` as it came.
    :param size: bytes.
    """

    checksum: str
    size: int


@dataclass(frozen=True)
class WantedLink:
    """One file that a draft is to have without bytes.

    :param key: of the new file; of the folder it goes to for a folder of objects.
    """

    key: str
    target: TargetName | ObjectName | Content
    metadata: Mapping[str, Any] | None = None


class _RecordFileSchema(Schema):
    id = fields.String(required=True, validate=validate.Length(1, 255))
    key = fields.String(required=True, validate=validate.Length(1))


class LinkTargetSchema(Schema):
    """One of ``record``, ``url`` and ``checksum``: where the bytes are."""

    record = fields.Nested(_RecordFileSchema)
    url = fields.String(validate=validate.Length(1, 8192))
    version_id = fields.String(validate=validate.Length(1, 1024))
    checksum = fields.String()

    @validates_schema
    def _one_of(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if len(data.keys() & {"record", "url", "checksum"}) != 1:
            raise ValidationError(
                "Say one of record, url and checksum.", field_name="record"
            )
        if "version_id" in data and "url" not in data:
            raise ValidationError(
                "Only objects of a bucket have one.", field_name="version_id"
            )


class _LinkSchema(LinkTargetSchema):
    key = fields.String(required=True)
    size = fields.Integer(strict=True, validate=validate.Range(0, _INT64))
    metadata = fields.Dict(keys=fields.String(), allow_none=True)


class _PreviousSchema(Schema):
    without = fields.List(
        fields.String(validate=validate.Length(1)),
        data_key="except",
        load_default=list,
    )


class LinksSchema(Schema):
    """Body of a call that links many files: single ones, or what did not change."""

    files = fields.List(fields.Nested(_LinkSchema), load_default=list)
    previous = fields.Nested(_PreviousSchema, load_default=None, allow_none=True)

    @validates_schema
    def _something(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if not data["files"] and data["previous"] is None:
            raise ValidationError("Say which files.", field_name="files")


class _KnownFileSchema(Schema):
    key = fields.String()
    checksum = fields.String(required=True)
    size = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, _INT64)
    )


class KnownSchema(Schema):
    """Body of the question which files are there already."""

    files = fields.List(fields.Nested(_KnownFileSchema), required=True)


def wanted_link(entry: Mapping[str, Any], target: Mapping[str, Any]) -> WantedLink:
    """A validated entry in our terms.

    :param entry: ``key`` and, where given, ``size`` and ``metadata``.
    :param target: as :class:`LinkTargetSchema` has it.
    :raises marshmallow.ValidationError: a checksum without a size.
    """
    found: TargetName | ObjectName | Content
    if "record" in target:
        found = TargetName(target["record"]["id"], target["record"]["key"])
    elif "url" in target:
        found = ObjectName(target["url"], target.get("version_id"))
    elif entry.get("size") is None:
        raise ValidationError({"size": ["Say how large the file is."]})
    else:
        found = Content(target["checksum"], entry["size"])
    return WantedLink(entry["key"], found, entry.get("metadata"))
