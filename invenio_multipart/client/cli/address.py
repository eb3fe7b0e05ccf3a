# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which draft or record is meant: an address out of a browser, or an identifier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ..credentials import TokenStore, default_url, site_of
from ..errors import UsageError

_PAGE = re.compile(
    r"(?P<base>.*?)(?P<api>/api)?/(?P<kind>uploads|records)/(?P<id>[^/]+)(?:/.*)?"
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


@dataclass(frozen=True)
class Target:
    """A draft or a record on a server.

    :param site: the server's address, without ``/api``.
    """

    site: str
    identifier: str

    @property
    def draft_page(self) -> str:
        """Where a person sees the draft."""
        return f"{self.site}/uploads/{self.identifier}"


def target_of(
    text: str, url: str | None, store: TokenStore, *, what: str = "draft"
) -> Target:
    """What ``text`` names: an address, or an identifier on the server ``url``.

    :param what: the thing that is looked for, for messages.
    :raises UsageError: when it names nothing, or nobody can tell where.
    """
    if "://" in text:
        return parse_address(text, what)
    if not _IDENTIFIER.fullmatch(text):
        raise UsageError(
            f"{text!r} is neither the identifier nor the address of a {what}."
        )
    return Target(site_of(url or default_url(store)), text)


def parse_address(text: str, what: str = "draft") -> Target:
    """The draft or record that a page, or an address of the API, belongs to.

    :raises UsageError: when there is none in it.
    """
    try:
        parts = urlsplit(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is not an address.") from error
    found = _PAGE.fullmatch(parts.path)
    identifier = unquote(found["id"]) if found else ""
    if found is None or not _IDENTIFIER.fullmatch(identifier):
        raise UsageError(
            f"{text!r} is not the address of a {what}, such as "
            "https://repository.example.org/uploads/abcde-12345."
        )
    if found["kind"] == "uploads" and found["api"]:
        raise UsageError(f"{text!r} is the address of a batch, not of a {what}.")
    if found["kind"] == "uploads" and identifier == "new":
        raise UsageError(
            "That page makes a new draft, which has no identifier yet. Save it and "
            "copy the address again, or use --new."
        )
    return Target(
        site_of(f"{parts.scheme}://{parts.netloc}{found['base']}"), identifier
    )
