# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What comes over the wire about batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from ...core.states import BatchState

PRESIGNED = "s3-presigned-url"
CREDENTIALS = "sts-credentials"
MODES = (PRESIGNED, CREDENTIALS)

_INT64 = 2**63 - 1


@dataclass(frozen=True)
class AnnouncedFile:
    """One file of an announcement.

    :param size: bytes; None when the client does not say.
    :param checksum: digest of the whole file, as it came; None likewise.
    """

    key: str
    size: int | None = None
    checksum: str | None = None
    metadata: Mapping[str, Any] | None = None


class _FileSchema(Schema):
    key = fields.String(required=True)
    size = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(0, _INT64)
    )
    checksum = fields.String(allow_none=True)
    metadata = fields.Dict(keys=fields.String(), allow_none=True)
    check = fields.String(validate=validate.OneOf(["link", "md5"]))
    value = fields.Dict()


_FILE = _FileSchema()
_PLAIN = frozenset({"key", "size", "checksum"})


class _Files(fields.Field):
    """A list of texts (keys) and objects."""

    def _deserialize(
        self, value: Any, attr: Any, data: Any, **kwargs: Any
    ) -> list[AnnouncedFile]:
        if not isinstance(value, list):
            raise ValidationError("Send a list of files.")
        errors: dict[int, Any] = {}
        found = []
        for index, entry in enumerate(value):
            try:
                found.append(_file(entry))
            except ValidationError as error:
                errors[index] = error.messages
                if len(errors) == 20:
                    # As many as anybody reads.
                    break
        if errors:
            raise ValidationError(errors)  # type: ignore[arg-type]
        return found


def _file(entry: Any) -> AnnouncedFile:
    if isinstance(entry, str):
        return AnnouncedFile(entry)
    if not isinstance(entry, Mapping):
        raise ValidationError("A file is a key or an object.")
    if _is_plain(entry):
        return AnnouncedFile(**entry)
    loaded = _FILE.load(entry)
    if "check" in loaded or "value" in loaded:
        raise ValidationError({"check": ["Link entries are not offered here."]})
    return AnnouncedFile(**loaded)


def _is_plain(entry: Mapping[str, Any]) -> bool:
    """Whether it is as nearly all are, so that the schema has nothing to add.

    It takes 40 microseconds for each of thousands, a tenth of an announcement.
    """
    return (
        entry.keys() <= _PLAIN
        and type(entry.get("key")) is str
        and type(entry.get("size", 0)) is int
        and 0 <= entry.get("size", 0) <= _INT64
        and type(entry.get("checksum", "")) is str
    )


class AnnouncementSchema(Schema):
    """Body of an announcement; times are read by ``core.expiry``."""

    files = _Files(required=True)
    completed_by = fields.Raw(load_default=None, allow_none=True)
    expires_in = fields.Raw(load_default=None, allow_none=True)
    mode = fields.String(load_default=PRESIGNED, validate=validate.OneOf(MODES))


class _RecordSchema(Schema):
    """A record as its own service takes it.

    Only that these are objects is held here: the service breaks on others.
    """

    class Meta:
        """What else there is, the service knows."""

        unknown = INCLUDE

    access = fields.Dict(keys=fields.String())
    custom_fields = fields.Dict(keys=fields.String(), allow_none=True)
    files = fields.Dict(keys=fields.String())
    media_files = fields.Dict(keys=fields.String())
    metadata = fields.Dict(keys=fields.String())
    parent = fields.Dict(keys=fields.String())
    pids = fields.Dict(keys=fields.String(), values=fields.Dict())


class ProvisioningSchema(AnnouncementSchema):
    """The same with the metadata of the record that is to be made."""

    record = fields.Nested(_RecordSchema, load_default=dict)


class PageOfBatchesSchema(Schema):
    """Query of "my batches"."""

    state = fields.String(
        load_default="",
        validate=validate.OneOf(["", *(state.value for state in BatchState)]),
    )
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))
    size = fields.Integer(load_default=25, validate=validate.Range(1, 100))


class PageOfFilesSchema(Schema):
    """Query of a batch's files: a page begins after a key."""

    after = fields.String(load_default="", validate=validate.ContainsNoneOf("\x00"))
    size = fields.Integer(load_default=1000, validate=validate.Range(1, 1000))
