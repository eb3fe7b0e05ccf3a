# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What comes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

from .parts import MAX_PAGE

_INT64 = 2**63 - 1


class PartSchema(Schema):
    """A registered part.

    Two spellings: ``{"part", "size", "checksum": "md5:hex"}``, and that of the
    Duke Data Service, ``{"number", "size", "hash": {"value", "algorithm"}}``.
    """

    part = fields.Integer(required=True, validate=validate.Range(1, 10_000))
    size = fields.Integer(required=True, validate=validate.Range(0, _INT64))
    checksum = fields.String(load_default=None, allow_none=True)

    @pre_load
    def _other_spelling(self, data: Any, **kwargs: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        entry = dict(data)
        if "number" in entry:
            entry["part"] = entry.pop("number")
        digest = entry.pop("hash", None)
        if digest is not None:
            if not isinstance(digest, Mapping):
                raise ValidationError("Not an object.", "hash")
            entry["checksum"] = f"{digest.get('algorithm')}:{digest.get('value')}"
        return entry


class PageOfPartsSchema(Schema):
    """Query of the parts resource."""

    class Meta:
        """Other parameters are not ours to refuse."""

        unknown = EXCLUDE

    status = fields.String(
        load_default="all", validate=validate.OneOf(["all", "missing", "uploaded"])
    )
    from_ = fields.Integer(
        data_key="from",
        attribute="from",
        load_default=1,
        validate=validate.Range(1, 10_000),
    )
    size = fields.Integer(load_default=MAX_PAGE, validate=validate.Range(1, MAX_PAGE))


class DeadlineSchema(Schema):
    """Body of a new deadline; the time is read by ``core.expiry``."""

    expires_at = fields.Raw(required=True)


class CommitSchema(Schema):
    """Body of a commit; the stock UI sends an empty object."""

    class Meta:
        """Other members are ignored, as upstream ignores the whole body."""

        unknown = EXCLUDE

    checksum = fields.String(load_default=None, allow_none=True)


def parse(schema: Schema, data: Any) -> Any:
    """The loaded data.

    :raises marshmallow.ValidationError: with the field at fault.
    """
    return schema.load(data)
