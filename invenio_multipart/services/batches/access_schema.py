# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the completion of a batch may say about access and publishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flask import current_app
from invenio_accounts.models import User
from invenio_db import db
from invenio_records_resources.proxies import current_service_registry
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import or_, select

MAX_NAMES = 100
"""People in one list; as many as InvenioRDM takes grants in one request."""

READERS = ("public", "viewers", "owners")
WRITERS = ("owners", "viewers")
SCOPES = ("version", "record", "project")

_MAX_NAME = 255
_MAX_ID = 2**31 - 1


@dataclass(frozen=True)
class AccessChange:
    """What a completion asks for, in the repository's own terms.

    :param access: access object of the version as InvenioRDM has it, None to leave it.
    :param by_readers: whether ``read_access`` asked for it, which then has a scope.
    :param owners: user ids; the first becomes the owner, the others may manage.
        Empty: nobody is added.
    :param viewers: user ids; empty likewise.
    :param viewers_write: whether the viewers may also edit.
    :param whole_record: whether it is meant for all versions.
    :param publish: whether the draft shall be published.
    """

    access: Mapping[str, Any] | None = None
    by_readers: bool = False
    owners: tuple[int, ...] = ()
    viewers: tuple[int, ...] = ()
    viewers_write: bool = False
    whole_record: bool = False
    publish: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the batch."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> AccessChange:
        """What :meth:`to_json` gave; None asks for nothing."""
        values = dict(kept or {})
        for people in {"owners", "viewers"} & values.keys():
            values[people] = tuple(values[people])
        return cls(**values)


def parse_completion(body: Any) -> AccessChange:
    """What the body of a completion asks for; without a body, nothing.

    Looks the people up, so it needs an application context. Whether the caller may
    ask for it is another question, see :func:`.access.check`.

    :raises marshmallow.ValidationError: with the fields at fault: unknown members,
        people without a usable account, members that contradict each other.
    """
    said = CompletionSchema().load({} if body is None else body)
    readers, access = said["read_access"], said["access"]
    return AccessChange(
        access=access if access or not readers else _access_for(readers),
        by_readers=readers is not None,
        owners=said["owners"],
        viewers=said["viewers"],
        viewers_write=said["write_access"] == "viewers",
        whole_record=said["scope"] != "version",
        publish=said["publish"],
    )


class People(fields.Field):
    """User ids of accounts that may be used: one name, or a list of names.

    A name is a user id, an e-mail address or a user name. No two of these look
    alike: user names begin with a letter and have no ``@``.
    """

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> tuple[int, ...]:
        names = [
            _name(name) for name in (value if isinstance(value, list) else [value])
        ]
        if not 1 <= len(names) <= MAX_NAMES:
            raise ValidationError(f"Name 1 to {MAX_NAMES} people.")
        found = _accounts(names)
        missing = [name for name in names if name not in found]
        if missing:
            # One message for all of them: whether an account is unknown, blocked or
            # not confirmed yet is nobody's business.
            shown = ", ".join(repr(name) for name in missing[:5])
            raise ValidationError(f"No account can be used for {shown}.")
        return tuple(dict.fromkeys(found[name] for name in names))


class RecordAccess(fields.Field):
    """InvenioRDM's access object of a version, held against the site's own schema."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        schema = current_service_registry.get("records").config.schema
        loaded = dict(schema().fields["access"].schema.load(value))
        # What it comes to is computed; clients send back what they were shown.
        loaded.pop("status", None)
        if loaded["record"] == "restricted":
            # So says InvenioRDM: the files of a restricted record are restricted.
            loaded["files"] = "restricted"
        return loaded


class CompletionSchema(Schema):
    """Body of ``PUT completion_url``; every member may be left out."""

    access = RecordAccess(load_default=None, allow_none=True)
    owners = People(load_default=())
    viewers = People(load_default=())
    read_access = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(READERS)
    )
    write_access = fields.String(
        load_default="owners", validate=validate.OneOf(WRITERS)
    )
    scope = fields.String(load_default="version", validate=validate.OneOf(SCOPES))
    publish = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema
    def _no_contradiction(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        readers, access = data["read_access"], data["access"]
        if readers and access and not _agree(readers, access):
            raise ValidationError(
                "This is not what access says; leave one of them out.", "read_access"
            )
        if readers == "owners" and data["viewers"]:
            raise ValidationError(
                "Viewers are named, but read_access is for owners only.", "viewers"
            )
        if data["write_access"] == "viewers" and not data["viewers"]:
            raise ValidationError("No viewers are named.", "write_access")


def _access_for(readers: str) -> dict[str, Any]:
    # No embargo: one that ends would open what was asked to be closed.
    level = "public" if readers == "public" else "restricted"
    none = {"active": False, "until": None, "reason": None}
    return {"record": level, "files": level, "embargo": none}


def _agree(readers: str, access: Mapping[str, Any]) -> bool:
    if readers != "public":
        return bool(access["record"] == "restricted")
    embargo = access.get("embargo") or {}
    return access["record"] == access["files"] == "public" and not embargo.get("active")


def _name(value: Any) -> str:
    # True is an int in Python, and no name.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or "\0" in value:
        raise ValidationError("A name is a user id, an e-mail address or a user name.")
    name = value.strip()
    if not 1 <= len(name) <= _MAX_NAME:
        raise ValidationError(f"A name has 1 to {_MAX_NAME} characters.")
    return name


def _accounts(names: list[str]) -> dict[str, int]:
    """User ids of those names that have a usable account, in one query."""
    # The columns hold lower case. Comparing them by themselves uses their indices.
    lower = {name.lower() for name in names}
    ids = {int(name) for name in names if name.isascii() and name.isdigit()}
    query = select(User).where(
        or_(
            User.id.in_([number for number in ids if number <= _MAX_ID]),
            User._email.in_(lower),
            User._username.in_(lower),
        )
    )
    found: dict[str, int] = {}
    for user in db.session.execute(query).scalars():
        if _usable(user):
            known = {str(user.id), user._email, user._username}
            found |= {name: user.id for name in names if name.lower() in known}
    return found


def _usable(user: User) -> bool:
    if not user.active:
        return False
    confirms = current_app.config.get("SECURITY_CONFIRMABLE", False)
    return user.confirmed_at is not None or not confirms
