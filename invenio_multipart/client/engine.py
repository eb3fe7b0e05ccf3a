# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One upload from start to end: look, read and send, commit, wait."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .api import DraftFileApi
from .errors import (
    IntegrityError,
    NetworkError,
    RefusedError,
)
from .flow import BATCH_PARTS, Flow
from .limits import Bandwidth, Jobs, Limits, Memory
from .pipeline import Pipeline, part_size_for, read_slices
from .progress import ProgressCallback, ProgressCounter
from .retry import RetryPolicy, StopSignal
from .sender import PartSender
from .source import Digests, SourceFile
from .transport import Transport
from .verdict import wait_until_completed
from .wire import FileEntry, StoredPart

AHEAD_PARTS = 4
"""Parts in memory beyond those being sent: one is read, one is hashed for its link,
and the digests of the whole file may be two behind."""

AHEAD_BYTES = 128 * 2**20
"""Memory worth spending on fewer calls where parts have to be registered first."""


@dataclass(frozen=True)
class UploadSummary:
    """What one upload took."""

    parts: int
    parts_sent: int
    parts_reused: int
    """Parts that were on the server already, with the same size and MD5."""
    bytes_sent: int
    """Bytes of file content written to the network, repeats included."""
    seconds: float
    api_requests: int
    storage_requests: int
    """Requests that carried a part, to S3 or to the server's own disk."""
    md5: str
    """Hex, of the whole file."""
    sha256: str
    """Hex, of the whole file."""
    state: str
    crc64nvme: str | None = None
    """Hex, of the whole file, where the store has proved it of its object."""


class Uploader:
    """Uploads files to drafts of one InvenioRDM.

    :param base_url: address of the instance, with or without ``/api``.
    :param token: personal access token; never leaves for another address.
    :param jobs: parts and files sent at the same time at most, 1 or more. It begins
        with four, takes more while that makes it faster, and fewer in trouble.
    :param policy: when to try again.
    :param memory_bytes: bound on the buffers of all files; two parts fit in any case.
        Less is used: those of the parts being sent, and four more.
    :param bandwidth_bytes_per_second: what all senders together keep to; None for
        no limit.
    :param verify_seconds: how long to wait for the server's verification.
    :raises UsageError: for fewer than one job, or no bandwidth.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        jobs: int = 16,
        *,
        policy: RetryPolicy | None = None,
        memory_bytes: int = 2**30,
        bandwidth_bytes_per_second: float | None = None,
        verify_seconds: float = 24 * 3600.0,
    ) -> None:
        self.limits = Limits(
            Jobs(jobs), Memory(memory_bytes), Bandwidth(bandwidth_bytes_per_second)
        )
        self._base_url = base_url
        self._token = token
        self._policy = policy or RetryPolicy()
        self._verify_seconds = verify_seconds

    def upload(
        self,
        draft_id: str,
        path: str | os.PathLike[str],
        key: str | None = None,
        progress: ProgressCallback | None = None,
    ) -> UploadSummary:
        """The file is in the draft, complete and verified.

        Call again after any failure: parts that are there are not sent again.

        :param key: name in the draft, ``/`` between directories; the file's
            own name when None.
        :param progress: called from several threads, one at a time.
        :raises UsageError: when file, key, address or token cannot be used.
        :raises RefusedError: when the server refuses, or has another file.
        :raises ProtocolError: when the server is no such server.
        :raises NetworkError: when all attempts are used up.
        :raises IntegrityError: when file and stored bytes differ.
        """
        with SourceFile(path) as source:
            name = Path(source.path).name if key is None else key
            stop = StopSignal()
            transport = Transport(stop, bandwidth=self.limits.bandwidth)
            try:
                api = DraftFileApi(
                    self._base_url,
                    self._token,
                    draft_id,
                    name,
                    transport=transport,
                    policy=self._policy,
                    stop=stop,
                )
                counter = ProgressCounter(source.size_bytes, progress)
                run = _Run(
                    source,
                    api,
                    transport,
                    stop,
                    self.limits,
                    counter,
                    self._verify_seconds,
                )
                return run.upload()
            finally:
                transport.close()
                self.limits.memory.trim()


class _Run:
    """The steps of one upload."""

    def __init__(
        self,
        source: SourceFile,
        api: DraftFileApi,
        transport: Transport,
        stop: StopSignal,
        limits: Limits,
        counter: ProgressCounter,
        verify_seconds: float,
    ) -> None:
        self._source = source
        self._api = api
        self._transport = transport
        self._stop = stop
        self._limits = limits
        self._counter = counter
        self._verify_seconds = verify_seconds
        self._parts = 0
        self._storage_requests = 0

    def upload(self) -> UploadSummary:
        started = time.monotonic()
        self._counter.enter("checking")
        entry, fresh = self._find_or_initiate()
        if not fresh and self._is_committed(entry):
            digests, crc = self._prove_same(), None
        else:
            digests = self._send(entry, {} if fresh else self._api.stored_parts())
            self._counter.enter("committing")
            self._commit(digests)
            crc = self._wait(digests.crc64nvme)
        self._counter.enter("completed")
        return UploadSummary(
            parts=self._parts,
            parts_sent=self._counter.parts_sent,
            parts_reused=self._counter.parts_reused,
            bytes_sent=self._counter.sent_bytes,
            seconds=round(time.monotonic() - started, 3),
            api_requests=self._api.requests.value,
            storage_requests=self._storage_requests,
            md5=digests.md5,
            sha256=digests.sha256,
            state="completed",
            crc64nvme=crc,
        )

    def _find_or_initiate(self) -> tuple[FileEntry, bool]:
        policy = self._api.policy
        size = self._source.size_bytes
        part_size = part_size_for(size, self._limits.memory.limit_bytes)
        for failures in range(1, policy.attempts + 1):
            entry = self._api.entry()
            if entry is not None:
                self._check_ours(entry)
                return entry, False
            try:
                return self._api.initiate(size, part_size), True
            except NetworkError as error:
                # It may have arrived although its answer did not: look first.
                if error.permanent or failures == policy.attempts:
                    raise policy.gave_up(error, failures) from error
                policy.pause(failures, error, self._stop)
        raise AssertionError("unreachable: attempts is 1 or more")

    def _check_ours(self, entry: FileEntry) -> None:
        if entry.size_bytes != self._source.size_bytes:
            raise RefusedError(
                f"The draft already has a file of this name with {entry.size_bytes} "
                f"bytes; {self._source.path} has {self._source.size_bytes}. Delete "
                "the one in the draft first.",
                code="exists",
            )
        if entry.status != "completed" and entry.transfer_type != "M":
            raise RefusedError(
                "The draft has a pending file of this name that is not uploaded in "
                f"parts (transfer type {entry.transfer_type!r}). Delete it first.",
                code="exists",
            )

    def _is_committed(self, entry: FileEntry) -> bool:
        if entry.status == "completed":
            return True
        # A run that was interrupted while it waited: only waiting is left.
        return self._api.status().state in ("verifying", "completed")

    def _prove_same(self) -> Digests:
        digests = self._source.digest()
        self._wait()
        entry = self._api.entry()
        stored = entry.checksum if entry else None
        if stored in (f"md5:{digests.md5}", f"sha256:{digests.sha256}"):
            return digests
        raise RefusedError(
            "The draft already has a complete file of this name, with checksum "
            f"{stored}; {self._source.path} has md5:{digests.md5}. Delete the one in "
            "the draft first.",
            code="exists",
        )

    def _send(self, entry: FileEntry, stored: Mapping[int, StoredPart]) -> Digests:
        slices = read_slices(entry, self._source.size_bytes)
        self._parts = slices.parts
        self._counter.enter("uploading", slices.parts)
        largest = min(slices.part_size_bytes, slices.size_bytes)
        ahead = AHEAD_PARTS
        if not entry.links:
            ahead = max(ahead, min(BATCH_PARTS, AHEAD_BYTES // max(largest, 1)))
        flow = Flow(self._stop, self._limits, largest, ahead)
        sender = PartSender(
            flow, self._api, self._transport, self._counter, self._stop, self._limits
        )
        pipeline = Pipeline(
            self._source,
            slices,
            stored,
            entry.links,
            api=self._api,
            transport=self._transport,
            flow=flow,
            sender=sender,
            counter=self._counter,
            jobs=self._limits.jobs.most,
        )
        try:
            return pipeline.run()
        finally:
            self._storage_requests = sender.requests.value
            # Whoever was interrupted wants to know how far it came.
            self._counter.flush()

    def _wait(self, crc64nvme: str | None = None) -> str | None:
        return wait_until_completed(
            self._api, self._counter, self._stop, self._verify_seconds, crc64nvme
        )

    def _commit(self, digests: Digests) -> None:
        try:
            self._api.commit(digests.md5)
        except RefusedError as error:
            if error.code in ("checksum_mismatch", "parts_mismatch"):
                raise IntegrityError(error.message) from error
            raise
