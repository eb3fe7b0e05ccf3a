# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Is a storage location as large uploads need it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask import current_app

from ..errors import MultipartError, StorageError, StorageUnavailable
from ..records import locks
from ..storage.factory import multipart_storage, new_uri
from .findings import Finding

_DAY = 24 * 3600
_MAX_SKEW_SECONDS = 30
"""Links begin by our clock and end by the store's, which allows minutes; deadlines of
batches and of sessions are to agree better than that."""


def examine_location(name: str, uri: str) -> Iterator[Finding]:
    """Findings about one location; an S3 one is tried out, and left as it was."""
    where = f"Location {name} ({uri})"
    try:
        yield _answers(where, uri)
    except MultipartError as error:
        yield Finding(f"{where}: {error.message}", ok=False)
        return
    if not uri.startswith("s3://"):
        return
    bucket = uri.removeprefix("s3://").partition("/")[0]
    checks: tuple[Callable[[], Finding], ...] = (
        lambda: _browsers(where, bucket),
        lambda: _clock(where, bucket),
        lambda: _listing(where, uri),
        lambda: _lifecycle(where, bucket),
        lambda: _versions(where, uri),
    )
    for check in checks:
        try:
            yield check()
        except StorageError as error:
            yield Finding(f"{where}: {error.message}", ok=False)
    # As it is with the other S3 modules: sites with local files only have no botocore.
    from .doctor_sts import examine_sts

    with locks.held("bucket-policy"):
        yield from examine_sts(uri)


def _answers(where: str, uri: str) -> Finding:
    storage = multipart_storage(new_uri(uri, "0" * 36), 0)
    storage.head()
    storage.find_uploads()
    crc = storage.proves("crc64nvme")
    proved = "by full-object CRCs too" if crc else "by MD5s"
    return Finding(f"{where} answers; objects are proved {proved}.", ok=True)


def _browsers(where: str, bucket: str) -> Finding:
    from ..storage.s3_site import browser_view

    origin = str(current_app.config.get("SITE_UI_URL") or "https://example.org")
    origin = "/".join(origin.split("/")[:3])
    view = browser_view(bucket, origin)
    rules = "set the rules of S3_BUCKET_CORS_RULES on the bucket, see the manual"
    if not view.may_put:
        text = f"{where}: the CORS rules refuse PUT from {origin}; {rules}."
        return Finding(text, ok=False)
    if not view.sees_etag:
        text = f"{where}: the CORS rules do not expose ETag to {origin}; {rules}."
        return Finding(text, ok=False)
    return Finding(f"{where}: pages of {origin} may send parts.", ok=True)


def _clock(where: str, bucket: str) -> Finding:
    from ..storage.s3_site import clock_skew

    skew = clock_skew(bucket)
    if skew is None:
        return Finding(f"{where}: the store does not tell its time.", ok=None)
    if abs(skew) <= _MAX_SKEW_SECONDS:
        return Finding(
            f"{where}: its clock differs from ours by {skew:.0f} s.", ok=True
        )
    return Finding(
        f"{where}: its clock differs from ours by {skew:.0f} s; synchronise both.",
        ok=False,
    )


def _listing(where: str, uri: str) -> Finding:
    from ..storage.open_uploads import list_open_uploads

    try:
        list_open_uploads(uri)
    except StorageUnavailable:
        raise
    except StorageError as error:
        return Finding(
            f"{where}: it does not list its uploads ({error.message}); those that the "
            "database has lost are not found. Allow s3:ListBucketMultipartUploads.",
            ok=None,
        )
    return Finding(f"{where}: uploads that the database has lost are found.", ok=True)


def _lifecycle(where: str, bucket: str) -> Finding:
    from ..storage.s3_site import abort_rule_days

    longest = max(
        current_app.config["MULTIPART_UPLOAD_LIFETIME"],
        current_app.config["MULTIPART_BATCH_MAX_OPEN_SECONDS"],
    )
    wanted = -(-longest // _DAY) + 1
    try:
        days = abort_rule_days(bucket)
    except StorageUnavailable:
        raise
    except StorageError:
        return Finding(
            f"{where}: the store has no lifecycle rules; the reaper alone ends uploads.",
            ok=None,
        )
    if days is None:
        return Finding(
            f"{where}: no lifecycle rule aborts uploads. The reaper does; a rule "
            f"AbortIncompleteMultipartUpload of {wanted} days would catch the rest.",
            ok=None,
        )
    if days * _DAY <= longest:
        return Finding(
            f"{where}: a lifecycle rule aborts uploads after {days} days, while they "
            f"are still on their way; set it to {wanted} days or more.",
            ok=False,
        )
    text = f"{where}: a lifecycle rule aborts uploads after {days} days."
    return Finding(text, ok=True)


def _versions(where: str, uri: str) -> Finding:
    from ..storage.versions import keeps_versions

    if keeps_versions(uri):
        return Finding(
            f"{where}: versions are kept; what the reaper removes can be restored, and "
            "costs money until a lifecycle rule expires old versions.",
            ok=None,
        )
    return Finding(
        f"{where}: no versions are kept; what is removed is gone for good.", ok=None
    )
