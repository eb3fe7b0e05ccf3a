# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What clients announce and send: each part held against the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from invenio_db import db

from ...core.digests import Digest, parse_part_digest
from ...core.ledger import PartLedger, RegisteredPart
from ...core.plan import PlanLimits
from ...core.states import TAKES_PARTS
from ...errors import InvalidPart, NotAllowedHere, StateConflict
from ...records import uploads
from ...records.models import SENT_AS_OBJECT, Upload
from ...storage.factory import multipart_storage


def register(upload: Upload, announced: Sequence[Mapping[str, Any]]) -> None:
    """Record what the client will send; a repeated registration replaces.

    The caller holds the row lock.

    :param announced: ``part``, ``size`` and optionally ``checksum`` each.
    :raises InvalidPart: number or size outside what this upload may have.
    :raises InvalidDigest: no MD5.
    :raises StateConflict: the upload takes no parts any more.
    """
    require_parts_welcome(upload)
    if upload.sent_as == SENT_AS_OBJECT:
        raise NotAllowedHere("This file is sent whole, by the link of its batch.")
    limits = multipart_storage(upload.uri, upload.size).limits
    parts = [_checked(upload, limits, entry) for entry in announced]
    uploads.register_parts(upload.id, parts)


def require_parts_welcome(upload: Upload) -> None:
    """:raises StateConflict: when the upload takes no parts (any more)."""
    if upload.status not in TAKES_PARTS:
        raise StateConflict(
            f"The upload is {upload.state} and takes no parts.", upload.state
        )


def take_part(
    upload: Upload,
    number: int,
    stream: Any,
    size: int | None,
    content_md5: Digest | None,
) -> None:
    """Receive a part through the server, for storages that have it so.

    :param size: Content-Length; required, nothing is read beyond it.
    :param content_md5: the request's own digest; a registered one holds as well.
    :raises InvalidPart: number or size are not this upload's.
    :raises PartRefused: other bytes than announced; an earlier part stays.
    """
    require_parts_welcome(upload)
    ledger = uploads.ledger_of(upload)
    size = _announced_size(upload, ledger, number, size)
    md5 = _announced_md5(ledger.registered.get(number), content_md5)
    plan, storage = upload.plan, multipart_storage(upload.uri, upload.size)
    # Planned parts have places of their own that never overlap.
    in_plan = number <= plan.parts and size == plan.size_of(number)
    upload_ref = upload.upload_ref
    # The connection goes back to the pool while the client takes its time.
    db.session.commit()
    storage.put_part(
        upload_ref,
        number,
        stream,
        size,
        md5=md5,
        offset=plan.offset_of(number) if in_plan else None,
    )


def _announced_size(
    upload: Upload, ledger: PartLedger, number: int, size: int | None
) -> int:
    """Content-Length, when it is what the part must have."""
    if size is None and not upload.size:
        # An empty request need not say that it is empty.
        size = 0
    if size is None:
        raise InvalidPart("A part needs a Content-Length.", field="part")
    expected = _expected_size(upload, ledger, number)
    if expected is not None and size != expected:
        raise InvalidPart(
            f"Part {number} must have {expected} bytes, not {size}.", field="size"
        )
    if size > upload.size:
        raise InvalidPart(f"The whole file has only {upload.size} bytes.", field="size")
    return size


def _announced_md5(
    registered: RegisteredPart | None, content_md5: Digest | None
) -> str | None:
    """What the bytes must have, by registration or header; both must agree."""
    md5s = {content_md5.hex} if content_md5 else set()
    if registered and registered.md5:
        md5s.add(registered.md5)
    if len(md5s) > 1:
        raise InvalidPart("Content-MD5 is not the registered MD5.", field="checksum")
    return next(iter(md5s), None)


def _expected_size(upload: Upload, ledger: PartLedger, number: int) -> int | None:
    limit = upload.parts if upload.plan_fixed else 10_000
    if number not in ledger.registered and not ledger.custom:
        limit = upload.parts
    if not 1 <= number <= limit:
        raise InvalidPart(f"Part {number} is outside 1..{limit}.", field="part")
    return ledger.size_of(number)


def _checked(
    upload: Upload, limits: PlanLimits, entry: Mapping[str, Any]
) -> RegisteredPart:
    number, size = entry["part"], entry["size"]
    limit = upload.parts if upload.plan_fixed else limits.max_parts
    if not 1 <= number <= limit:
        raise InvalidPart(f"Part {number} is outside 1..{limit}.", field="part")
    planned = upload.plan.size_of(number) if number <= upload.parts else None
    if upload.plan_fixed and size != planned:
        raise InvalidPart(
            f"Part {number} has {planned} bytes in this upload, not {size}.",
            field="size",
        )
    largest = min(upload.size, limits.max_part_size)
    if not 0 <= size <= largest or (size == 0 and upload.size):
        raise InvalidPart(f"A part has 1 to {largest} bytes, not {size}.", field="size")
    checksum = entry.get("checksum")
    md5 = parse_part_digest(checksum).hex if checksum is not None else None
    return RegisteredPart(number, size, md5)
