# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a batch's credential opens, and everything it does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.grants import Grant, Verb, check, issue
from invenio_multipart.errors import (
    GrantError,
    GrantExpired,
    GrantInvalid,
    GrantRefused,
)

SECRET = b"the site's secret"
BATCH = UUID("6f1ecb3c-5b0e-4bb7-9d34-7d1f0c8a2e11")
NOW = datetime(2026, 2, 28, 12, 0, 0, tzinfo=timezone.utc)
END = NOW + timedelta(hours=1)
ALL = frozenset(Verb)
SECOND = timedelta(seconds=1)


def granted(token, verb=Verb.READ, *, now=NOW, batch=BATCH, secrets=(SECRET,), **more):
    """Check with everything as it should be unless said otherwise."""
    return check(secrets, token, batch, verb, now, **more)


@pytest.mark.parametrize("verb", Verb)
def test_what_was_granted(verb):
    """A token of everything is good for each verb, and says what it holds."""
    token = issue(SECRET, BATCH, ALL, END)
    assert granted(token, verb) == Grant(BATCH, ALL, END)


def test_tokens_go_into_urls():
    """A token is 80 characters that need no quoting anywhere."""
    token = issue(SECRET, BATCH, ALL, END)
    assert re.fullmatch(r"[A-Za-z0-9_-]{80}", token)
    assert token == issue(SECRET, BATCH, ALL, END)


@pytest.mark.parametrize("allowed", Verb)
def test_one_verb_does_nothing_else(allowed):
    """A token of one verb opens that one and is refused for all others."""
    token = issue(SECRET, BATCH, frozenset({allowed}), END)
    assert granted(token, allowed).verbs == {allowed}
    for verb in ALL - {allowed}:
        with pytest.raises(GrantRefused, match=verb.name.lower()):
            granted(token, verb)


def test_another_batch():
    """A token of one batch is refused for any other."""
    token = issue(SECRET, BATCH, ALL, END)
    with pytest.raises(GrantRefused, match="another batch"):
        granted(token, batch=uuid4())


def test_the_last_moment():
    """A token is good until its expiry and not at it."""
    token = issue(SECRET, BATCH, ALL, END)
    assert granted(token, now=END - timedelta(microseconds=1))
    for now in (END, END + SECOND, END + timedelta(days=10_000)):
        with pytest.raises(GrantExpired):
            granted(token, now=now)


def test_expiry_is_in_whole_seconds():
    """A fraction of a second is cut off, never added."""
    token = issue(SECRET, BATCH, ALL, END + timedelta(microseconds=999_999))
    assert granted(token).expires_at == END


def test_expiry_in_any_zone():
    """The moment counts, not the zone it is written in."""
    abroad = timezone(timedelta(hours=-9, minutes=-30))
    assert issue(SECRET, BATCH, ALL, END.astimezone(abroad)) == issue(
        SECRET, BATCH, ALL, END
    )


@pytest.mark.parametrize("verbs", [frozenset({Verb.READ}), ALL])
@given(bit=st.integers(0, 60 * 8 - 1))
def test_no_bit_may_differ(verbs, bit):
    """A token with any bit turned over, in claims or signature, is forged."""
    raw = bytearray(base64.urlsafe_b64decode(issue(SECRET, BATCH, verbs, END)))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(GrantInvalid):
        granted(base64.urlsafe_b64encode(raw).decode())


@given(at=st.integers(0, 79), character=st.characters())
def test_no_character_may_differ(at, character):
    """Each token has one spelling: any other character anywhere is refused."""
    token = issue(SECRET, BATCH, ALL, END)
    other = token[:at] + character + token[at + 1 :]
    if other == token:
        return
    with pytest.raises(GrantInvalid):
        granted(other)


TOKEN = issue(SECRET, BATCH, ALL, END)


@pytest.mark.parametrize(
    "token",
    [
        None,
        1,
        TOKEN.encode(),
        [TOKEN],
        "",
        "x",
        TOKEN[:-1],
        TOKEN[:-4],
        TOKEN + "A",
        TOKEN + "AAAA",
        TOKEN + "\n",
        TOKEN + "=",
        " " + TOKEN,
        TOKEN[:40] + "\n" + TOKEN[40:],
        TOKEN * 2,
        "A" * 10**6,
        "A" * 80,
        "ü" * 80,
        "\ud800" * 80,
        "=" * 80,
    ],
)
def test_what_is_no_token(token):
    """Wrong types, lengths and characters are refused without a look inside."""
    with pytest.raises(GrantInvalid):
        granted(token)


@given(st.text() | st.binary() | st.none() | st.from_regex(r"\A[A-Za-z0-9_-]{80}\Z"))
def test_any_token(token):
    """Whatever comes is refused with our error and no other."""
    with pytest.raises(GrantInvalid):
        granted(token)


def test_another_secret():
    """A token signed by somebody else is forged, whatever it claims."""
    token = issue(b"another secret", BATCH, ALL, END)
    with pytest.raises(GrantInvalid):
        granted(token)


def test_the_secret_itself_signs_nothing():
    """A signature made with the bare secret, as other signers make, is forged."""
    claims = base64.urlsafe_b64decode(TOKEN)[:28]
    signature = hmac.digest(SECRET, claims, hashlib.sha256)
    with pytest.raises(GrantInvalid):
        granted(base64.urlsafe_b64encode(claims + signature).decode())


def test_forged_before_anything_else():
    """An expired or foreign token that is forged is called forged: it tells nothing."""
    token = issue(b"another secret", uuid4(), ALL, NOW - SECOND)
    with pytest.raises(GrantInvalid):
        granted(token)


def test_secrets_may_change():
    """Tokens of an older secret are good while it is listed, in any order."""
    old, new = issue(b"old", BATCH, ALL, END), issue(b"new", BATCH, ALL, END)
    for secrets in ([b"new", b"old"], [b"old", b"new"]):
        assert granted(old, secrets=secrets) == granted(new, secrets=secrets)
    with pytest.raises(GrantInvalid):
        granted(old, secrets=[b"new"])
    with pytest.raises(GrantInvalid):
        granted(new, secrets=[])


def test_bound_to_a_subject():
    """A token bound to one link makes no other, and an unbound one makes none."""
    bound = issue(SECRET, BATCH, frozenset({Verb.LINK}), END, subject="a:b")
    assert granted(bound, Verb.LINK, subject="a:b")
    for subject in ("", "a:c", "a:b ", "a:b\x00", "\ud800"):
        with pytest.raises(GrantInvalid):
            granted(bound, Verb.LINK, subject=subject)
    with pytest.raises(GrantInvalid):
        granted(TOKEN, Verb.LINK, subject="a:b")


@pytest.mark.parametrize("secrets", [[b""], [SECRET, b""]])
def test_an_empty_secret(secrets):
    """A site without a secret signs nothing, instead of what anybody could sign."""
    with pytest.raises(ValueError, match="empty secret"):
        issue(b"", BATCH, ALL, END)
    with pytest.raises(ValueError, match="empty secret"):
        granted(TOKEN, secrets=secrets)


def test_nothing_to_allow():
    """A grant without verbs is a mistake of ours."""
    with pytest.raises(ValueError, match="nothing"):
        issue(SECRET, BATCH, frozenset(), END)


VERBS = st.frozensets(st.sampled_from(Verb), min_size=1)


@given(st.uuids(), VERBS, st.integers(1, 10**10), st.sampled_from(Verb), st.text())
def test_any_grant(batch, verbs, seconds, verb, subject):
    """A grant opens exactly its verbs, of its batch, for its subject, in its time."""
    expires_at = datetime.fromtimestamp(seconds, timezone.utc)
    token = issue(SECRET, batch, verbs, expires_at, subject=subject)
    before = expires_at - SECOND
    if verb in verbs:
        grant = check([SECRET], token, batch, verb, before, subject=subject)
        assert grant == Grant(batch, verbs, expires_at)
    else:
        with pytest.raises(GrantRefused):
            check([SECRET], token, batch, verb, before, subject=subject)
    for at, other in ((expires_at, subject), (before, subject + "x")):
        with pytest.raises(GrantError):
            check([SECRET], token, batch, verb, at, subject=other)
