# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What comes over the wire about batches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from ...core.states import BatchState
from ...records.matches import CHECKSUM
from ..links.targets import TargetName

PRESIGNED = "s3-presigned-url"
CREDENTIALS = "sts-credentials"
MODES = (PRESIGNED, CREDENTIALS)

_INT64 = 2**63 - 1

_MAX_FIELDS = 10
"""Fields that the checks of one announcement name; each is a query."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_NAMES = r"[\w@: -]+(\.[\w@: -]+)*\Z"


class Md5Of(NamedTuple):
    """A file of this record's versions, by an MD5.

    :param field: ``checksum``, or a path in the file's metadata, with dots.
    :param md5: 32 hexadecimal digits, in small letters.
    """

    field: str
    md5: str

    def __str__(self) -> str:
        return f"{self.field} {self.md5}"


class Target(NamedTuple):
    """The file that a link entry will share bytes with.

    :param checksum: None while nobody has computed it.
    """

    name: TargetName
    size: int
    checksum: str | None


@dataclass(frozen=True)
class AnnouncedFile:
    """One file of an announcement.

    :param size: bytes; None when the client does not say.
    :param checksum: digest of the whole file, as it came; None likewise.
    :param sha256: hex SHA-256 beside it, for links that are bound by it; None likewise.
    :param check: which file it is to be a link to; None for one that is sent.
    :param otherwise_upload: whether it is sent when there is no such file.
    :param target: that file, once it is found.
    """

    key: str
    size: int | None = None
    checksum: str | None = None
    sha256: str | None = None
    metadata: Mapping[str, Any] | None = None
    check: TargetName | Md5Of | None = None
    otherwise_upload: bool = False
    target: Target | None = None


class _LinkValueSchema(Schema):
    id = fields.String(required=True, validate=validate.Length(1, 255))
    key = fields.String(required=True, validate=validate.Length(1))


class _Md5ValueSchema(Schema):
    field = fields.String(
        load_default=CHECKSUM,
        validate=[validate.Length(1, 255), validate.Regexp(_NAMES)],
    )
    md5sum = fields.String(
        required=True, validate=validate.Regexp(r"[0-9a-fA-F]{32}\Z")
    )


class _DigestsSchema(Schema):
    sha256 = fields.String(validate=validate.Regexp(_SHA256))


class _FileSchema(Schema):
    key = fields.String(required=True)
    size = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(0, _INT64)
    )
    checksum = fields.String(allow_none=True)
    digests = fields.Nested(_DigestsSchema)
    metadata = fields.Dict(keys=fields.String(), allow_none=True)
    check = fields.String(validate=validate.OneOf(["link", "md5"]))
    value = fields.Raw()
    otherwise = fields.String(validate=validate.Equal("upload"))


_FILE = _FileSchema()
_VALUES = {"link": _LinkValueSchema(), "md5": _Md5ValueSchema()}
_PLAIN = frozenset({"key", "size", "checksum", "digests"})


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
        named = {file.check.field for file in found if isinstance(file.check, Md5Of)}
        if len(named) > _MAX_FIELDS:
            raise ValidationError(f"Checks name {_MAX_FIELDS} fields at most.")
        return found


def _file(entry: Any) -> AnnouncedFile:
    if isinstance(entry, str):
        return AnnouncedFile(entry)
    if not isinstance(entry, Mapping):
        raise ValidationError("A file is a key or an object.")
    loaded = dict(entry) if _is_plain(entry) else _FILE.load(entry)
    loaded["sha256"] = loaded.pop("digests", {}).get("sha256")
    kind = loaded.pop("check", None)
    value, otherwise = loaded.pop("value", None), loaded.pop("otherwise", None)
    if kind is not None:
        loaded["check"] = _check(kind, value)
        loaded["otherwise_upload"] = otherwise is not None
    elif value is not None or otherwise is not None:
        raise ValidationError({"check": ["Say what is checked: link or md5."]})
    return AnnouncedFile(**loaded)


def _check(kind: str, value: Any) -> TargetName | Md5Of:
    try:
        loaded = _VALUES[kind].load(value)
    except ValidationError as error:
        raise ValidationError({"value": error.messages}) from error
    if kind == "link":
        return TargetName(loaded["id"], loaded["key"])
    return Md5Of(loaded["field"], loaded["md5sum"].lower())


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
        and ("digests" not in entry or _is_sha256(entry["digests"]))
    )


def _is_sha256(digests: Any) -> bool:
    if type(digests) is not dict or digests.keys() != {"sha256"}:
        return False
    value = digests["sha256"]
    return type(value) is str and _SHA256.match(value) is not None


class AnnouncementSchema(Schema):
    """Body of an announcement; times are read by ``core.expiry``."""

    files = _Files(required=True)
    completed_by = fields.Raw(load_default=None, allow_none=True)
    expires_in = fields.Raw(load_default=None, allow_none=True)
    mode = fields.String(load_default=PRESIGNED, validate=validate.OneOf(MODES))


class DeadlineSchema(Schema):
    """Body of a new deadline; the time is read by ``core.expiry``."""

    completed_by = fields.Raw(required=True)


class MoreFilesSchema(Schema):
    """Further files for an open batch."""

    files = _Files(required=True)


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
