# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Credentials for one batch and nothing else.

A grant is 80 characters that are safe in URLs: batch id (16 bytes), allowed verbs
(4 bytes, one bit each), expiry (8 bytes, seconds since 1970, big-endian like the
verbs) and an HMAC-SHA256 (32 bytes) over all of these and the subject. 60 bytes
need no base64 padding and leave no bit unused, so each grant has one spelling.

Nothing is stored. That a batch is over, and its grants with it, is known from the
batch and is for its service to say (``GrantRevoked``).
"""

from __future__ import annotations

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from uuid import UUID

from ..errors import GrantExpired, GrantInvalid, GrantRefused

_CLAIMS = struct.Struct(">16sIQ")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{80}")

_CONTEXT = b"invenio-multipart batch grant 1"
"""Sets our key apart from whatever else is signed with the same secret."""


class Verb(Enum):
    """What a grant may allow. The values are bits of the token: never reuse one."""

    READ = 1 << 0
    """See the batch and its files."""
    COMPLETE = 1 << 1
    ABORT = 1 << 2
    UPLOAD = 1 << 3
    """Send bytes, register parts, get fresh links."""
    CREDENTIALS = 1 << 4
    """Refresh temporary credentials of the object store."""
    LINK = 1 << 5
    """Make a link entry."""
    SCRIPT = 1 << 6
    """Get the upload script, which holds a grant to send, link, and complete."""


@dataclass(frozen=True)
class Grant:
    """What a checked token says.

    :param expires_at: the first moment at which it is no longer good, UTC, whole
        seconds.
    """

    batch_id: UUID
    verbs: frozenset[Verb]
    expires_at: datetime


def issue(
    secret: bytes,
    batch_id: UUID,
    verbs: frozenset[Verb],
    expires_at: datetime,
    *,
    subject: str = "",
) -> str:
    """A token of 80 characters ``A-Z a-z 0-9 - _``.

    :param secret: the site's secret; the signing key is derived from it.
    :param verbs: what it allows, one at least.
    :param expires_at: with a zone, after 1970; fractions of a second are cut off.
    :param subject: what the token is bound to beside the batch (the two ends of a
        link); it is not in the token and must be given again to check it.
    :raises ValueError: for an empty secret or no verbs.
    """
    if not verbs:
        raise ValueError("A grant that allows nothing is none.")
    bits = sum(verb.value for verb in verbs)
    claims = _CLAIMS.pack(batch_id.bytes, bits, int(expires_at.timestamp()))
    signature = _sign(secret, claims, subject)
    return urlsafe_b64encode(claims + signature).decode("ascii")


def check(
    secrets: Sequence[bytes],
    token: object,
    batch_id: UUID,
    verb: Verb,
    now: datetime,
    *,
    subject: str = "",
) -> Grant:
    """The grant of a token that allows ``verb`` on this batch at this moment.

    Nothing in the token is looked at before its signature has been compared, in
    constant time.

    :param secrets: the site's secret, and older ones whose grants are still good.
    :param token: what the request brought; anything but a good text is refused.
    :param now: with a zone.
    :param subject: as given to :func:`issue`.
    :raises GrantInvalid: malformed, forged, or bound to another subject.
    :raises GrantExpired: its time is over.
    :raises GrantRefused: for another batch, or does not allow the verb.
    :raises ValueError: for an empty secret.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise GrantInvalid("This is not an upload credential.")
    raw = urlsafe_b64decode(token)
    claims, signature = raw[: _CLAIMS.size], raw[_CLAIMS.size :]
    # All are compared: which secret was the right one takes no part in the time.
    matches = [
        hmac.compare_digest(_sign(secret, claims, subject), signature)
        for secret in secrets
    ]
    if not any(matches):
        raise GrantInvalid("The upload credential is not valid here.")
    grant = _read(claims)
    if now >= grant.expires_at:
        raise GrantExpired(
            f"The upload credential expired at {grant.expires_at.isoformat()}."
        )
    if grant.batch_id != batch_id:
        raise GrantRefused("The upload credential is for another batch.")
    if verb not in grant.verbs:
        raise GrantRefused(
            f"The upload credential does not allow this ({verb.name.lower()})."
        )
    return grant


def _sign(secret: bytes, claims: bytes, subject: str) -> bytes:
    if not secret:
        raise ValueError("An empty secret signs nothing.")
    key = hmac.digest(secret, _CONTEXT, "sha256")
    # The claims have a fixed length, so no two pairs give the same bytes. Lone
    # surrogates may come out of a URL and are no reason to fail.
    bound = claims + subject.encode("utf-8", "surrogatepass")
    return hmac.digest(key, bound, "sha256")


def _read(claims: bytes) -> Grant:
    batch, bits, expiry = _CLAIMS.unpack(claims)
    return Grant(
        batch_id=UUID(bytes=batch),
        verbs=frozenset(verb for verb in Verb if verb.value & bits),
        expires_at=datetime.fromtimestamp(expiry, timezone.utc),
    )
