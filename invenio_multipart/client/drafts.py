# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Calls about drafts: make, look into, link what is known, publish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .api import TRANSIENT, Api, draft_path, items_of
from .content_links import ContentLinks
from .errors import ProtocolError, RefusedError
from .wire import FileEntry, quote_key, read_entry

BUSY = TRANSIENT | {409}
"""Another request is at the same file, or the same draft, just now."""


@dataclass(frozen=True)
class Content:
    """A file by what is in it."""

    key: str
    size_bytes: int
    md5: str
    """Hex."""
    sha256: str | None = None
    """Hex; None while nobody has computed it."""

    def as_announced(self) -> dict[str, Any]:
        """As the server wants a file that is to come."""
        more = {"digests": {"sha256": self.sha256}} if self.sha256 else {}
        return {**self.as_json(), **more}

    def as_json(self) -> dict[str, Any]:
        """As the server wants it otherwise."""
        return {
            "key": self.key,
            "size": self.size_bytes,
            "checksum": f"md5:{self.md5}",
        }


class Drafts:
    """Drafts of one instance."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, title: str, metadata: Mapping[str, Any] | None = None) -> str:
        """Id of a new draft, visible to its owner only until it is published.

        :param metadata: metadata of the record, with precedence over ``title``.
        """
        body = {
            "access": {"record": "public", "files": "public"},
            "files": {"enabled": True},
            "metadata": {
                "title": title,
                "publication_date": dt.datetime.now().astimezone().date().isoformat(),
                **(metadata or {}),
            },
        }
        # Not repeated blindly: a lost answer would leave a draft nobody knows of.
        reply = self._api.call_once("POST", "/records", body)
        draft_id = reply.get("id") if isinstance(reply, dict) else None
        if not isinstance(draft_id, str):
            raise ProtocolError("The server's new draft has no id.")
        return draft_id

    def read(self, draft_id: str) -> Mapping[str, Any]:
        """The draft as it is.

        :raises RefusedError: there is none, or not for this account.
        """
        try:
            reply = self._api.call("GET", draft_path(draft_id))
        except RefusedError as error:
            if error.status in (404, 410):
                raise RefusedError(
                    f"There is no draft {draft_id}. Was it published or deleted?",
                    status=error.status,
                    code="no_draft",
                ) from error
            raise
        if not isinstance(reply, dict):
            raise ProtocolError("The server's draft cannot be read.")
        return reply

    def page_url(self, draft_id: str) -> str | None:
        """Where a person finds the draft; None when the server does not say."""
        links = self.read(draft_id).get("links") or {}
        url = links.get("self_html")
        return url if isinstance(url, str) else None

    def files(self, draft_id: str) -> dict[str, FileEntry]:
        """All files of a draft by key, complete or not."""
        path = draft_path(draft_id)
        items: Iterable[Mapping[str, Any]]
        try:
            items = list(ContentLinks(f"{path}/content-links", self._list).files())
        except RefusedError as error:
            if error.status not in (404, 405):
                raise
            # A stock InvenioRDM; or there is no such draft, which it says as well.
            items = items_of(self._list(f"{path}/files"), "entries")
        return {str(item.get("key")): read_entry(item) for item in items}

    def _list(self, url: str) -> Any:
        reply = self._api.call("GET", url)
        if isinstance(reply, dict) and reply.get("enabled") is False:
            raise RefusedError(
                "Files are switched off in this draft.", code="files_disabled"
            )
        return reply

    def delete_file(self, draft_id: str, key: str) -> None:
        """The file is not in the draft (any more)."""
        url = f"{draft_path(draft_id)}/files/{quote_key(key)}"
        try:
            self._api.call("DELETE", url, transient=BUSY)
        except RefusedError as error:
            # Of a repeated request the first has done it.
            if error.status != 404:
                raise

    def known(self, draft_id: str, files: Sequence[Content]) -> set[str]:
        """Keys of those files whose bytes the repository has, and may give us."""
        body = {"files": [file.as_json() for file in files]}
        reply = self._api.call("POST", f"{draft_path(draft_id)}/links/known", body)
        return {str(item.get("key")) for item in items_of(reply, "files")}

    def link(self, draft_id: str, files: Sequence[Content]) -> None:
        """The draft has these files, all of whose bytes were there; or none of them.

        :raises RefusedError: one of them is not there any more.
        """
        body = {"files": [file.as_json() for file in files]}
        self._api.call("POST", f"{draft_path(draft_id)}/links", body, BUSY)

    def publish(self, draft_id: str) -> str | None:
        """Address of the published record's page.

        :raises RefusedError: naming what the record lacks.
        """
        url = f"{draft_path(draft_id)}/actions/publish"
        try:
            reply = self._api.call("POST", url)
        except RefusedError as error:
            if error.status == 404 and (published := self._published(draft_id)):
                # The answer to an earlier attempt got lost.
                return published
            raise
        links = reply.get("links") if isinstance(reply, dict) else None
        page = (links or {}).get("self_html")
        return page if isinstance(page, str) else None

    def _published(self, draft_id: str) -> str | None:
        try:
            record = self._api.call("GET", draft_path(draft_id).removesuffix("/draft"))
        except RefusedError:
            return None
        page = (record.get("links") or {}).get("self_html")
        return page if isinstance(page, str) else None
