# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""S3 policy documents: what a session may do, and which folders are closed to all.

Pure: documents in, documents out. Documents are compact, because Ceph 16 cannot read
a session policy with blanks between its members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

MAX_SESSION_POLICY_CHARACTERS = 2048
"""Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

MAX_BUCKET_POLICY_BYTES = 20 * 1024
"""Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html"""

CLOSED_SID = "MultipartClosedBatches"
UNLISTED_SID = "MultipartUnlistedBatches"
"""Name our two statements in a bucket's policy; all others are the site's."""

_VERSION = "2012-10-17"
_WRITE = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")

# "*" and "?" match other keys, "${" begins a variable.
_NOT_IN_PREFIX = re.compile(r"[*?$\x00-\x1f\x7f\ud800-\udfff]")


def upload_policy(bucket: str, prefix: str, until: datetime | None = None) -> str:
    """The policy of a session that may write and list below a prefix, nothing else.

    It cannot read, not even what it wrote, and it cannot delete.

    :param prefix: ends in "/"; keys beside it, such as "abc10/" for "abc1/", are out.
    :param until: from this moment on nothing is allowed any more, UTC, to the second.
        STS has no session under 15 minutes; a policy has. None: the session's end.
    :raises ValueError: bucket or prefix cannot stand in a policy, or it gets too long.
    """
    check_folder(bucket, prefix)
    ends: dict[str, Any] = {}
    if until is not None:
        moment = until.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        ends = {"DateLessThan": {"aws:CurrentTime": moment}}
    write: dict[str, Any] = {
        "Effect": "Allow",
        "Action": _WRITE,
        "Resource": [_arn(bucket, f"{prefix}*")],
    }
    if ends:
        write["Condition"] = ends
    listing = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [_arn(bucket)],
        "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}, **ends},
    }
    policy = _compact({"Version": _VERSION, "Statement": [write, listing]})
    if len(policy) >= MAX_SESSION_POLICY_CHARACTERS:
        raise ValueError("The prefix is too long for a session policy.")
    return policy


def close_folders(
    policy: str | None, bucket: str, prefixes: Iterable[str], role: str | None = None
) -> str:
    """The bucket's policy, where these folders are closed too.

    Nobody may write below them: a statement about the role alone would leave open what
    a session might become by assuming another one. Nor may sessions of the role list
    them; others may, for the server lists what it tidies up. Reading, deleting and
    aborting are left as they are: no session may do the first two.

    :param policy: the policy in force, None when there is none.
    :param role: ARN of the role that sessions have. None: listing is left as it is.
    :raises ValueError: a prefix cannot stand in a policy, or it gets too long.
    """
    document = _document(policy)
    closed = _closed(document)
    for prefix in prefixes:
        check_folder(bucket, prefix)
        closed.add(_arn(bucket, f"{prefix}*"))
    role = role or _role(document)
    changed = _compact(_with_closed(document, bucket, closed, role))
    if len(changed.encode()) > MAX_BUCKET_POLICY_BYTES:
        raise ValueError("The bucket's policy has no room for another prefix.")
    return changed


def reopen_folders(
    policy: str | None, bucket: str, prefixes: Iterable[str]
) -> str | None:
    """The bucket's policy without these prefixes in our statements.

    :returns: None when nothing is left of the policy.
    """
    document = _document(policy)
    gone = {_arn(bucket, f"{prefix}*") for prefix in prefixes}
    closed = _closed(document) - gone
    changed = _with_closed(document, bucket, closed, _role(document))
    return _compact(changed) if changed["Statement"] else None


def check_folder(bucket: str, prefix: str) -> None:
    """:raises ValueError: bucket and prefix do not name exactly one folder."""
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("This is no name of a bucket.")
    segments = prefix.split("/")
    if segments.pop() or not segments:
        raise ValueError('The prefix does not end in "/".')
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError("The prefix has an empty or relative segment.")
    if _NOT_IN_PREFIX.search(prefix):
        raise ValueError("The prefix has a character with a meaning in policies.")


def _document(policy: str | None) -> dict[str, Any]:
    document = json.loads(policy) if policy else {}
    document.setdefault("Version", _VERSION)
    statements = document.get("Statement", [])
    # A single statement may stand there without its list.
    document["Statement"] = statements if isinstance(statements, list) else [statements]
    return dict(document)


def _closed(document: dict[str, Any]) -> set[str]:
    closed: set[str] = set()
    for statement in document["Statement"]:
        if statement.get("Sid") == CLOSED_SID:
            closed.update(_listed(statement["Resource"]))
    return closed


def _role(document: dict[str, Any]) -> str | None:
    """The role that our statement about listing names."""
    for statement in document["Statement"]:
        if statement.get("Sid") == UNLISTED_SID:
            return _listed(statement["Principal"]["AWS"])[0]
    return None


def _listed(value: str | list[str]) -> list[str]:
    # Servers may store a list of one as its member.
    return [value] if isinstance(value, str) else value


def _with_closed(
    document: dict[str, Any], bucket: str, closed: set[str], role: str | None
) -> dict[str, Any]:
    ours = {CLOSED_SID, UNLISTED_SID}
    statements = [one for one in document["Statement"] if one.get("Sid") not in ours]
    if closed:
        statements.append(
            {
                "Sid": CLOSED_SID,
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:PutObject"],
                "Resource": sorted(closed),
            }
        )
    if closed and role:
        root = f"{_arn(bucket)}/"
        patterns = [arn.removeprefix(root) for arn in sorted(closed)]
        statements.append(
            {
                "Sid": UNLISTED_SID,
                "Effect": "Deny",
                "Principal": {"AWS": [role]},
                "Action": ["s3:ListBucket"],
                "Resource": [_arn(bucket)],
                "Condition": {"StringLike": {"s3:prefix": patterns}},
            }
        )
    return {**document, "Statement": statements}


def _arn(bucket: str, key: str | None = None) -> str:
    return f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")


def _compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
