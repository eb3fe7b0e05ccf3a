# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is there, what is missing, and where to send it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any

from flask import current_app
from invenio_db import db
from sqlalchemy import update

from ...core.bindings import PartBinding
from ...core.digests import Digest, is_md5
from ...core.ledger import PartLedger, RegisteredPart, StoredPart
from ...core.states import TAKES_PARTS
from ...errors import StorageUnavailable, UploadGone
from ...records import uploads
from ...records.folding import unfold
from ...records.models import SENT_AS_OBJECT, Upload, utc_now
from ...storage.base import Ability, MultipartUploadMixin, PartLink
from ...storage.factory import multipart_storage
from .whole import whole_link, whole_part

MAX_PAGE = 1000
"""Parts per page at most: one ListParts call on most stores."""


@dataclass(frozen=True)
class Seen:
    """What the store holds of an open upload.

    :param prefix: parts 1..prefix are all there.
    :param beyond: the parts there above that, by number.
    :param size: bytes of all of them.
    """

    prefix: int
    beyond: Mapping[int, StoredPart]
    size: int

    @property
    def count(self) -> int:
        """Number of parts in the store."""
        return self.prefix + len(self.beyond)

    def __contains__(self, number: int) -> bool:
        return number <= self.prefix or number in self.beyond


def look(upload: Upload, storage: MultipartUploadMixin) -> Seen:
    """Ask the store what has arrived, at the cost of what arrived since.

    Parts are never taken away, and they mostly arrive in order. The row remembers
    up to where all were there, and the store lists only what lies above.
    """
    finished = unfold(upload.folded)
    if finished:
        return Seen(len(finished), {}, sum(part.size for part in finished))
    if upload.sent_as == SENT_AS_OBJECT:
        whole = whole_part(upload)
        return Seen(0, {1: whole}, whole.size) if whole else Seen(0, {}, 0)
    prefix, size = upload.uploaded_parts, upload.uploaded_prefix_bytes
    if upload.upload_ref is None:
        return Seen(0, {}, 0)
    beyond: dict[int, StoredPart] = {}
    for part in storage.list_parts(upload.upload_ref, after=prefix):
        if part.number == prefix + 1 and not beyond:
            prefix, size = part.number, size + part.size
        else:
            beyond[part.number] = part
    if prefix > upload.uploaded_parts:
        _remember(upload, prefix, size)
    return Seen(prefix, beyond, size + sum(part.size for part in beyond.values()))


def _remember(upload: Upload, prefix: int, size: int) -> None:
    # Only forward: a slower request may know less than one that has written.
    statement = (
        update(Upload)
        .where(Upload.id == upload.id, Upload.uploaded_parts < prefix)
        .values(uploaded_parts=prefix, uploaded_prefix_bytes=size)
    )
    db.session.execute(statement)
    db.session.commit()


def page_of_parts(
    upload: Upload, self_url: str, status: str, start: int, size: int, *, links: bool
) -> dict[str, Any]:
    """One page of parts and the totals, as the wire contract has them.

    :param status: all, missing or uploaded.
    :param start: smallest part number of the page, from 1.
    :param size: parts in the page, 1..1000.
    :param links: whether the caller may upload; only missing parts get a link.
    """
    storage = multipart_storage(upload.uri, upload.size)
    ledger = uploads.ledger_of(upload)
    seen = _look_or_know(upload, storage)
    total = max(ledger.count, max(seen.beyond, default=0), seen.prefix)
    wanted = (
        number
        for number in range(start, total + 1)
        if status == "all" or (number in seen) == (status == "uploaded")
    )
    numbers = list(islice(wanted, size + 1))
    page, rest = numbers[:size], numbers[size:]
    stored = _details(upload, storage, seen, page)
    missing = [number for number in page if number not in seen]
    urls: dict[int, PartLink] = {}
    if links and upload.status in TAKES_PARTS:
        urls = {
            link.part: link for link in part_links(upload, self_url, ledger, missing)
        }
    return {
        "parts": [
            _entry(n, ledger, stored.get(n), n in seen, urls.get(n)) for n in page
        ],
        "total": total,
        "uploaded": seen.count,
        "missing": max(total - seen.count, 0),
        "next": rest[0] if rest else None,
    }


def part_links(
    upload: Upload,
    self_url: str,
    ledger: PartLedger,
    numbers: Iterable[int],
) -> Iterator[PartLink]:
    """Links for these parts; a registered part's is bound to its size and MD5.

    One at a time: tens of thousands of objects at once would have Python look for
    garbage in the whole application, which takes longer than signing. Where all of
    an upload's are wanted, :func:`link_entries` is faster still.

    :param self_url: address of the file entry, which local parts are sent below.
    """
    if upload.sent_as == SENT_AS_OBJECT:
        return whole_link(upload, link_seconds(upload)) if 1 in numbers else iter(())
    registered = ledger.registered
    bindings = (_binding(number, registered.get(number)) for number in numbers)
    storage = multipart_storage(upload.uri, upload.size)
    if Ability.PRESIGNED_PARTS in storage.abilities:
        expires = link_seconds(upload)
        return storage.sign_parts(upload.upload_ref, bindings, expires)
    return (
        PartLink(
            binding.number,
            f"{self_url}/content/{binding.number}",
            upload.expires_at,
            binding.headers,
        )
        for binding in bindings
    )


def link_seconds(upload: Upload) -> int:
    """How long a link lives: not beyond the deadline of the file's batch."""
    longest: int = current_app.config["MULTIPART_LINK_EXPIRES_SECONDS"]
    if upload.batch_id is None:
        return longest
    left = int((upload.expires_at - utc_now()).total_seconds())
    return max(1, min(left, longest))


def _binding(number: int, announced: RegisteredPart | None) -> PartBinding:
    if announced is None:
        return PartBinding(number)
    md5 = Digest("md5", announced.md5).base64 if announced.md5 else None
    return PartBinding(number, announced.size, md5)


def _look_or_know(upload: Upload, storage: MultipartUploadMixin) -> Seen:
    try:
        return look(upload, storage)
    except UploadGone:
        # Freed behind our back: nothing is there, and the commit will say so.
        return Seen(0, {}, 0)


def last_known(upload: Upload, storage: MultipartUploadMixin) -> Seen:
    """Like :func:`look`, but a store that is down does not hide the status."""
    try:
        return _look_or_know(upload, storage)
    except StorageUnavailable:
        return Seen(upload.uploaded_parts, {}, upload.uploaded_prefix_bytes)


def _details(
    upload: Upload, storage: MultipartUploadMixin, seen: Seen, page: Sequence[int]
) -> Mapping[int, StoredPart]:
    """Sizes and ETags of the page's parts: at most one more page of the store."""
    finished = unfold(upload.folded)
    if finished:
        return {part.number: part for part in finished}
    found = dict(seen.beyond)
    inside = [number for number in page if number <= seen.prefix]
    if inside and upload.upload_ref is not None:
        for part in storage.list_parts(upload.upload_ref, after=inside[0] - 1):
            if part.number > inside[-1]:
                break
            found[part.number] = part
            if part.number == inside[-1]:
                break
    return found


def _entry(
    number: int,
    ledger: PartLedger,
    stored: StoredPart | None,
    uploaded: bool,
    link: PartLink | None,
) -> dict[str, Any]:
    announced = ledger.registered.get(number)
    etag = stored.etag if stored else None
    md5 = etag if etag and is_md5(etag) else (announced.md5 if announced else None)
    entry: dict[str, Any] = {
        "part": number,
        "size": stored.size if stored else ledger.size_of(number),
        "status": "uploaded" if uploaded else "missing",
        "checksum": f"md5:{md5}" if md5 else None,
        "etag": etag,
        "uploaded_at": iso(stored.uploaded_at) if stored else None,
    }
    if link is not None:
        entry |= link_entry(link)
    return entry


def link_entry(link: PartLink) -> dict[str, Any]:
    """A link on the wire; ``headers`` must be sent exactly so."""
    return {
        "part": link.part,
        "url": link.url,
        "expiration": iso(link.expires_at),
        "headers": link.headers,
    }


def link_entries(
    upload: Upload, self_url: str, ledger: PartLedger, numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """Links of these parts on the wire, ascending; headers only where bound.

    Mostly no part is registered. Those links have no more than they need until here:
    two objects and a date for each took longer than to sign them.
    """
    registered = ledger.registered
    bound: list[int] = []
    if upload.sent_as == SENT_AS_OBJECT:
        numbers, bound = (), [number for number in numbers if number == 1]
    elif registered:
        bound = [number for number in numbers if number in registered]
        numbers = [number for number in numbers if number not in registered]
    entries: list[dict[str, Any]] = []
    if numbers:
        expires_at, urls = _unbound(upload, self_url, numbers)
        end = iso(expires_at)
        entries = [
            {"part": number, "url": url, "expiration": end}
            for number, url in zip(numbers, urls)
        ]
    if bound:
        text = cache(iso)
        entries += (
            {
                "part": link.part,
                "url": link.url,
                "expiration": text(link.expires_at),
                "headers": link.headers,
            }
            for link in part_links(upload, self_url, ledger, bound)
        )
        entries.sort(key=itemgetter("part"))
    return entries


def _unbound(
    upload: Upload, self_url: str, numbers: Sequence[int]
) -> tuple[datetime, Iterator[str]]:
    storage = multipart_storage(upload.uri, upload.size)
    if Ability.PRESIGNED_PARTS in storage.abilities:
        return storage.sign_unbound(upload.upload_ref, numbers, link_seconds(upload))
    return upload.expires_at, (f"{self_url}/content/{number}" for number in numbers)


def iso(moment: datetime | None) -> str | None:
    """UTC in the form the stock deposit UI reads, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
