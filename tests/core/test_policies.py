# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Policies as whole documents."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta, timezone

import pytest

from invenio_multipart.core.policies import (
    MAX_BUCKET_POLICY_BYTES,
    close_folders,
    reopen_folders,
    upload_policy,
)

UNTIL = datetime(2026, 1, 2, 5, 4, 5, 678, tzinfo=timezone(timedelta(hours=2)))

SITE_STATEMENT = {
    "Sid": "Harvester",
    "Effect": "Allow",
    "Principal": {"AWS": ["arn:aws:iam:::user/harvester"]},
    "Action": ["s3:GetObject"],
    "Resource": ["arn:aws:s3:::data/public/*"],
}


def closed(*prefixes: str) -> dict[str, object]:
    """Our statement."""
    return {
        "Sid": "MultipartClosedBatches",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject"],
        "Resource": [f"arn:aws:s3:::data/{prefix}*" for prefix in prefixes],
    }


ROLE = "arn:aws:iam:::role/uploads"


def unlisted(*prefixes: str, role: str = ROLE) -> dict[str, object]:
    """Our other statement."""
    return {
        "Sid": "MultipartUnlistedBatches",
        "Effect": "Deny",
        "Principal": {"AWS": [role]},
        "Action": ["s3:ListBucket"],
        "Resource": ["arn:aws:s3:::data"],
        "Condition": {"StringLike": {"s3:prefix": [f"{one}*" for one in prefixes]}},
    }


def test_session_policy() -> None:
    """A session may write and list below its prefix until it ends: exactly this."""
    assert upload_policy("data", "batches/abc1/", UNTIL) == (
        '{"Version":"2012-10-17","Statement":['
        '{"Effect":"Allow","Action":["s3:PutObject","s3:AbortMultipartUpload",'
        '"s3:ListMultipartUploadParts"],'
        '"Resource":["arn:aws:s3:::data/batches/abc1/*"],'
        '"Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}}},'
        '{"Effect":"Allow","Action":["s3:ListBucket"],'
        '"Resource":["arn:aws:s3:::data"],'
        '"Condition":{"StringLike":{"s3:prefix":["batches/abc1/*"]},'
        '"DateLessThan":{"aws:CurrentTime":"2026-01-02T03:04:05Z"}}}]}'
    )


def test_session_policy_without_end() -> None:
    """Without an end of its own the policy has no condition but the prefix."""
    assert json.loads(upload_policy("data", "a/")) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "s3:PutObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                "Resource": ["arn:aws:s3:::data/a/*"],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": ["arn:aws:s3:::data"],
                "Condition": {"StringLike": {"s3:prefix": ["a/*"]}},
            },
        ],
    }


@pytest.mark.parametrize(
    ("bucket", "prefix"),
    [
        ("data", ""),
        ("data", "/"),
        ("data", "/a/"),
        ("data", "abc1"),
        ("data", "a//b/"),
        ("data", "a/../b/"),
        ("data", "a/./"),
        ("data", "a*/"),
        ("data", "a?/"),
        ("data", "${aws:username}/"),
        ("data", "a\n/"),
        ("data", "a\ud800/"),
        ("", "a/"),
        ("*", "a/"),
        ("data/b", "a/"),
    ],
)
def test_folders_that_are_refused(bucket: str, prefix: str) -> None:
    """What names no folder, or more than one, gets into no policy."""
    with pytest.raises(ValueError, match=r"prefix|bucket"):
        upload_policy(bucket, prefix)
    with pytest.raises(ValueError, match=r"prefix|bucket"):
        close_folders(None, bucket, [prefix])


@pytest.mark.parametrize("letter", ["a", "ü"])
def test_length_of_a_session_policy(letter: str) -> None:
    """The longest session policy has 2,047 characters."""
    longest = ""
    for length in range(1, 2048):
        try:
            longest = upload_policy("data", letter * length + "/")
        except ValueError:
            break
    assert 2047 - 12 <= len(longest) <= 2047


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [closed("a/")]),
        ([SITE_STATEMENT], [SITE_STATEMENT, closed("a/")]),
        (SITE_STATEMENT, [SITE_STATEMENT, closed("a/")]),
        ([closed("b/"), SITE_STATEMENT], [SITE_STATEMENT, closed("a/", "b/")]),
        ([closed("a/")], [closed("a/")]),
        (
            [{**closed(), "Resource": "arn:aws:s3:::data/b/*"}],
            [closed("a/", "b/")],
        ),
    ],
    ids=["none", "of the site", "no list", "mixed", "again", "one resource"],
)
def test_closing(before: object, after: object) -> None:
    """All closed folders are in one statement, and every other one stays."""
    policy = before and json.dumps({"Version": "2008-10-17", "Statement": before})
    changed = json.loads(close_folders(policy or None, "data", ["a/"]))
    version = "2008-10-17" if before else "2012-10-17"
    assert changed == {"Version": version, "Statement": after}


@pytest.mark.parametrize(
    ("before", "role", "after"),
    [
        ([], ROLE, [closed("a/"), unlisted("a/")]),
        (
            [closed("b/"), unlisted("b/"), SITE_STATEMENT],
            ROLE,
            [SITE_STATEMENT, closed("a/", "b/"), unlisted("a/", "b/")],
        ),
        ([closed("b/")], ROLE, [closed("a/", "b/"), unlisted("a/", "b/")]),
        (
            [closed("b/"), unlisted("b/", role="arn:aws:iam:::role/before")],
            ROLE,
            [closed("a/", "b/"), unlisted("a/", "b/")],
        ),
        (
            [closed("b/"), {**unlisted("b/"), "Principal": {"AWS": ROLE}}],
            None,
            [closed("a/", "b/"), unlisted("a/", "b/")],
        ),
    ],
    ids=["none", "mixed", "without a role before", "another role", "no role now"],
)
def test_closing_to_a_role(before: object, role: str | None, after: object) -> None:
    """Sessions of the role cannot list what nobody may write to."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": before})
    changed = json.loads(close_folders(policy, "data", ["a/"], role))
    assert changed["Statement"] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([closed("a/")], None),
        ([closed("a/"), unlisted("a/")], None),
        (
            [closed("a/", "b/"), SITE_STATEMENT, unlisted("a/", "b/")],
            [SITE_STATEMENT, closed("b/"), unlisted("b/")],
        ),
        ([closed("a/", "b/")], [closed("b/")]),
        ([SITE_STATEMENT, closed("a/")], [SITE_STATEMENT]),
        ([SITE_STATEMENT], [SITE_STATEMENT]),
        ([closed("b/")], [closed("b/")]),
    ],
    ids=[
        "last",
        "last of a role",
        "one of two of a role",
        "one of two",
        "with the site's",
        "none of ours",
        "unknown",
    ],
)
def test_reopening(before: object, after: object) -> None:
    """Taking folders out leaves others alone, and no empty policy behind."""
    policy = json.dumps({"Version": "2012-10-17", "Id": "x", "Statement": before})
    changed = reopen_folders(policy, "data", ["a/"])
    if after is None:
        assert changed is None
    else:
        assert changed is not None
        assert json.loads(changed) == {
            "Version": "2012-10-17",
            "Id": "x",
            "Statement": after,
        }


def test_reopening_where_no_policy_is() -> None:
    """A bucket without a policy stays without one."""
    assert reopen_folders(None, "data", ["a/"]) is None


def test_a_full_bucket_policy() -> None:
    """Over 20 KB is refused, and what was there can still be taken out."""
    prefixes = [f"batches/{number:036}/" for number in range(400)]
    policy: str | None = None
    closed_prefixes = 0
    with contextlib.suppress(ValueError):
        for prefix in prefixes:
            policy = close_folders(policy, "data", [prefix])
            closed_prefixes += 1
    assert 0 < closed_prefixes < len(prefixes)
    with pytest.raises(ValueError, match="no room"):
        close_folders(policy, "data", prefixes[closed_prefixes:][:1])
    assert policy is not None
    assert MAX_BUCKET_POLICY_BYTES - 200 < len(policy) <= MAX_BUCKET_POLICY_BYTES
    assert reopen_folders(policy, "data", prefixes) is None
