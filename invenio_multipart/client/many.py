# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What one says to, and hears from, an upload of many files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

SYMLINKS = ("follow", "skip", "refuse")
"""What may be done about symbolic links; loops are left out in any case."""


@dataclass(frozen=True)
class Stdin:
    """Standard input as a source.

    :param key: name in the draft, ``/`` between directories.
    """

    key: str


@dataclass(frozen=True)
class Named:
    """One file under a name of its own.

    :param path: a regular file.
    :param key: name in the draft, ``/`` between directories.
    """

    path: str | os.PathLike[str]
    key: str


Source = Union[str, "os.PathLike[str]", Stdin, Named]
"""A file, a folder, or what comes in by standard input.

A file is called as it is on disk. The files of a folder are called as they
are below it, the folder's own name first; with a slash at the end of the
folder, or for the current one, they are called without it.
"""


@dataclass(frozen=True)
class ManyOptions:
    """How many files are to be uploaded."""

    ignore: tuple[str, ...] = ()
    """Patterns in the form of ``.gitignore``. A file ``.uploadignore`` in any
    folder that is uploaded is honoured beside them, and not sent itself."""
    symlinks: str = "follow"
    """``follow``, ``skip`` or ``refuse``."""
    prefix: str = ""
    """Folder in the draft that everything goes to; "" is its root."""
    link_known: bool = False
    """Ask which bytes the repository has, and link those. Costs a reading of
    every large file before the one that sends it."""
    sts: bool = False
    """Send with temporary credentials of the store, where the site has them."""
    dry_run: bool = False
    """Send and change nothing; every result is ``planned`` or ``reused``."""
    verify: bool = False
    """Compare digests of files that are in the draft already, not only sizes."""
    sha256: bool = True
    """Compute SHA-256 of small files beside the MD5 that the store needs. It is more
    than half of the work on processors without instructions for it."""
    publish: bool = False
    """Publish the record once all files are there."""


@dataclass(frozen=True)
class FileState:
    """One file that is on its way."""

    key: str
    size_bytes: int
    done_bytes: int
    """Bytes that are on the server or on their way there."""
    phase: str
    """``uploading``, ``committing`` or ``verifying``."""


@dataclass(frozen=True)
class ManyProgress:
    """A look at an upload of many files."""

    phase: str
    """``scanning``, ``checking``, ``uploading``, ``completing``, ``verifying``,
    ``publishing`` or ``completed``."""
    files: int
    """All files found so far."""
    files_done: int
    """Files that are over with, the reused, linked and failed ones included."""
    files_reused: int
    files_linked: int
    files_failed: int
    size_bytes: int
    """Bytes of all files found so far."""
    done_bytes: int
    """Bytes that are on the server or on their way there; those of files that
    were there before, or are linked, included."""
    sent_bytes: int
    """Bytes written to the network by this run, repeats included."""
    active: tuple[FileState, ...] = ()
    """Files on their way: large ones one by one. Of small ones there are too
    many to be told apart."""


@dataclass(frozen=True)
class FileResult:
    """What became of one file."""

    key: str
    path: str
    size_bytes: int
    outcome: str
    """``sent``, ``reused``, ``linked``, ``failed`` or, of a dry run, ``planned``."""
    md5: str | None = None
    """Hex; None when the file was not read."""
    sha256: str | None = None
    """Hex; None when the file was not read."""
    crc64nvme: str | None = None
    """Hex, of a file sent in parts, where the store has proved it of its object."""
    error: str | None = None
    """One plain English sentence or two; of failed files only."""
    code: str | None = None
    """Stable machine readable name of the error."""


@dataclass(frozen=True)
class Notice:
    """Something a person may want to know, although the upload goes on."""

    code: str
    """Stable machine readable name, such as ``retrying``."""
    message: str


@dataclass(frozen=True)
class ManySummary:
    """What an upload of many files took."""

    draft_id: str
    record_url: str | None
    """Page of the record, or of the draft, for a person; None when unknown."""
    files: int
    sent: int
    reused: int
    """Files that were in the draft, or in the store, already."""
    linked: int
    failed: int
    size_bytes: int
    bytes_sent: int
    """Bytes of file content written to the network, repeats included."""
    seconds: float
    api_requests: int
    storage_requests: int
    published: bool


@dataclass(frozen=True)
class DraftFile:
    """A file of a draft, as the server tells of it."""

    key: str
    size_bytes: int | None
    """None while nobody knows."""
    state: str
    """As in the reply of ``GET …/upload``: ``initiated``, ``uploading``,
    ``committing``, ``verifying``, ``completed`` or ``failed``."""
    uploaded_bytes: int
    parts_missing: int | None = None
    """Parts still to be sent; None where the file has none."""
    checksum: str | None = None
    """``algorithm:hex``, None while the server has none."""
    batch: str | None = None
    """Id of the open batch that the file is announced in."""
    error: str | None = None


ManyCallback = Callable[[ManyProgress], None]
FileCallback = Callable[[FileResult], None]
NoticeCallback = Callable[[Notice], None]
