# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that stay elsewhere: which addresses are taken, and what is known of them.

The site never fetches such a file; who downloads it is sent there. That is why an
address must be good for readers: out in the open, and what it was said to be.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from queue import Empty, Queue
from threading import Thread
from typing import Any

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import Bucket, FileInstance, ObjectVersion
from sqlalchemy import exists, select

from ...core.digests import parse_digest
from ...core.remote_url import as_address, is_allowed, is_public, parse_remote
from ...errors import InvalidLink, LinkConflict, QuotaExceeded
from ...records import locks, quota

_INT64 = 2**63 - 1


class CheckedUrl(str):
    """An address that was found good in this request."""

    __slots__ = ()


def checked_urls(urls: Iterable[str]) -> list[CheckedUrl]:
    """The addresses in the form in which they are kept, when the site takes them.

    Asks the name service, at most once for each host, and waits for it no longer
    than ``MULTIPART_REMOTE_DNS_SECONDS``.

    :raises InvalidLink: malformed, not on the site's list, or not out in the open.
    """
    config = current_app.config
    allowed = config.get("RECORDS_RESOURCES_FILES_ALLOWED_REMOTE_DOMAINS") or ()
    known = {host.lower() for host in config["MULTIPART_REMOTE_PRIVATE_HOSTS"]}
    checked = []
    for url in urls:
        if isinstance(url, CheckedUrl):
            checked.append(url)
            continue
        remote = parse_remote(url)
        longest = config["FILES_REST_FILE_URI_MAX_LEN"]
        if len(remote.text) > longest:
            raise InvalidLink(
                f"The address has {len(remote.text)} characters; this site keeps "
                f"{longest}.",
                field="url",
            )
        if not is_allowed(remote, allowed):
            raise InvalidLink(
                "This site does not link to files of that host.", field="url"
            )
        if remote.host not in known:
            _require_public(remote.host)
            known.add(remote.host)
        checked.append(CheckedUrl(remote.text))
    return checked


def _require_public(host: str) -> None:
    address = as_address(host)
    found = [address] if address else _look_up(host)
    if not found:
        raise InvalidLink(
            "The address's host is not known to the name service now.", field="url"
        )
    # All of them: which one a reader will be given, nobody knows.
    if not all(is_public(address) for address in found):
        raise InvalidLink("The address's host is in a private network.", field="url")


def _look_up(host: str) -> Collection[str]:
    """All addresses of a host; none when there is no answer in time."""
    answers: Queue[set[str]] = Queue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        answers.put({str(entry[4][0]) for entry in found})

    # The call itself knows no time-out; one that hangs ends with the resolver's own.
    Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=current_app.config["MULTIPART_REMOTE_DNS_SECONDS"])
    except Empty:
        return ()


def await_turn() -> None:
    """Have requests that link to addresses come one after the other, to their end.

    They share rows by address; in whatever order two requests name the same ones,
    neither shall find the other half done.
    """
    with locks.held("remote links"):
        return


def keep_remote(
    bucket: Bucket, url: CheckedUrl, size: int | None, checksum: str | None
) -> FileInstance:
    """The row that stands for the file elsewhere, made by its first link.

    All files of the same address share it, and with it size and digest.

    :param size: bytes as the caller says; None: as known, or 0 where nobody said.
    :param checksum: ``algorithm:hex`` likewise; None: as known, if at all.
    :raises InvalidLink: a negative size, or the row of a file of the site's own.
    :raises InvalidDigest: malformed.
    :raises LinkConflict: files of this address are known by another size or digest.
    :raises QuotaExceeded: larger than the record takes.
    """
    if size is not None and not 0 <= size <= _INT64:
        raise InvalidLink("A size is 0 or more bytes.", field="size")
    digest = None if checksum is None else str(parse_digest(checksum))
    await_turn()
    query = FileInstance.query.filter_by(uri=str(url)).with_for_update()
    instance = query.one_or_none()
    if instance is None:
        instance = FileInstance.create()
    elif instance.readable or instance.writable:
        raise InvalidLink("This is the address of a file of this site.", field="url")
    elif _is_used(instance):
        _require_same(instance, size, digest)
        _require_room(bucket, instance.size or 0)
        return instance
    instance.set_uri(str(url), size or 0, digest, readable=False)
    _require_room(bucket, instance.size)
    db.session.flush()
    return instance


def _is_used(instance: FileInstance) -> bool:
    query = select(exists().where(ObjectVersion.file_id == instance.id))
    return bool(db.session.execute(query).scalar())


def _require_same(instance: FileInstance, size: int | None, digest: str | None) -> None:
    if size is not None and size != instance.size:
        raise LinkConflict(
            f"Files of this address are known to have {instance.size or 0} bytes.",
            field="size",
        )
    if digest is not None and digest != instance.checksum:
        known = instance.checksum or "no digest"
        raise LinkConflict(
            f"Files of this address are known by {known}.", field="checksum"
        )


def _require_room(bucket: Bucket, size: int) -> None:
    quota.check_limits(bucket, size)
    if bucket.size + size > _INT64:
        raise QuotaExceeded("The record cannot hold so many bytes.", field="size")


def archive_without_remote(service: Any) -> None:
    """Leave out of a service's archives what the site cannot read.

    A file that is elsewhere, or whose verification failed, would break the stream in
    the middle. Upstream does the same from version 15 on.
    """
    read_archive = service.read_archive

    def readable_only(identity: Any, id_: str) -> Any:
        files = read_archive(identity, id_)
        files._results = [
            file_record
            for file_record in files._results
            if file_record.file is not None and file_record.file.file_model.readable
        ]
        return files

    service.read_archive = readable_only
