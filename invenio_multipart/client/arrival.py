# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One file on its way here: look, fetch, prove, give it its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .assembly import Assembly
from .board import Piece
from .downloads import DownloadResult
from .errors import ClientError, DiskError, IntegrityError
from .fetching import Fetcher, Shared
from .many import Notice
from .part_file import PartFile, part_name
from .proof import Proof, expected_md5
from .read_back import ReadBack, Span, is_worthwhile, read_back
from .record_files import RemoteFile
from .target import exists, is_folder, read_file

TRIES = 2
"""Of a whole file, when what came is not what the server has."""


def conclude(arrivals: Sequence[Arrival], check: Callable[[], None]) -> None:
    """Prove files of which all bytes are written, all at once, and conclude each.

    :param check: see :func:`.read_back.read_back`.
    :raises DiskError: when nothing can be read or written any more.
    """
    due = [entry for arrival in arrivals for entry in arrival.due()]
    found = read_back([(assembly.part, span) for assembly, _, span in due], check)
    for (assembly, proof, span), md5 in zip(due, found):
        assembly.note(proof, span, md5)
    for arrival in arrivals:
        arrival.conclude()


class Arrival:
    """One file; its methods are the errands of the board.

    :param name: path below the folder, ``/`` between directories.
    """

    def __init__(self, file: RemoteFile, name: str, shared: Shared) -> None:
        self.file = file
        self._name = name
        self._shared = shared
        self._path: Path | None = None
        self._assembly: Assembly | None = None
        self._fetcher: Fetcher | None = None
        self._tries = 1

    def open(self) -> None:
        """Look what is here, and fetch the beginning of what is not.

        :raises DiskError: when nothing can be written any more.
        """
        self._shared.tally.begin(self.file.key, self.file.size_bytes)
        try:
            found = self._look()
            if found is not None:
                self._finish(found)
                return
            assembly = self._prepare()
        except DiskError:
            raise
        except ClientError as error:
            self._fail(error)
            return
        self._assembly = assembly
        fetcher = self._fetcher = Fetcher(self.file, self._shared, assembly, self)
        try:
            fetcher.resume()
            fetcher.fetch_beginning()
            assembly.start()
        except ClientError as error:
            assembly.fail(error)
        assembly.drop()

    def next_range(self, longest: int) -> tuple[int, int] | None:
        """See the board."""
        return self._assembly.next_range(longest) if self._assembly else None

    def receive(self, piece: Piece) -> None:
        """Fetch a range; the assembly has it then."""
        assert self._assembly, "begun before"  # noqa: S101
        assert self._fetcher, "begun before"  # noqa: S101
        try:
            self._fetcher.fill(piece)
        except ClientError as error:
            self._assembly.fail(error)
        self._assembly.add(piece)

    def due(self) -> list[tuple[Assembly, ReadBack, Span]]:
        """What has to be read back yet."""
        assembly = self._assembly
        assert assembly, "begun before"  # noqa: S101
        proof = assembly.proof
        if assembly.failure or not isinstance(proof, ReadBack):
            return []
        spans = proof.due(assembly.part.written, end=True)
        return [(assembly, proof, span) for span in spans]

    def conclude(self) -> None:
        """Give the file its name when it is right; try once more when it is not.

        :raises DiskError: when nothing can be written any more.
        """
        assert self._assembly, "begun before"  # noqa: S101
        part = self._assembly.part
        try:
            self._mend(self._assembly)
            checksum, proved = self._prove(self._assembly)
            part.finish(overwrite=self._shared.overwrite)
        except DiskError:
            raise
        except IntegrityError as mismatch:
            part.discard()
            self._try_again(mismatch)
        except ClientError as error:
            self._fail(error)
        else:
            self._finish(self._result("received", checksum, proved=proved))

    def close(self) -> None:
        """Let go of what is open; another run may go on."""
        if self._assembly:
            self._assembly.close()
            self._assembly = None

    def _look(self) -> DownloadResult | None:
        """The result, when there is nothing to fetch."""
        shared = self._shared
        path = self._path = shared.folder.path_of(self._name)
        if shared.folder.is_taken(path):
            kept = self._compare(path)
            if kept:
                return kept
            if not shared.overwrite:
                raise exists(path)
        if shared.dry_run:
            return self._result("planned")
        shared.folder.make_parents(path)
        return None

    def _compare(self, path: Path) -> DownloadResult | None:
        """The result, when the file is here already."""
        if path.is_dir():
            raise is_folder(path)
        size = None
        with suppress(OSError):
            size = path.stat().st_size
        if size != self.file.size_bytes:
            return None
        proof, tally = Proof(self.file.checksum), self._shared.tally

        def feed(view: memoryview) -> None:
            self._shared.stop.check()
            proof.update(view)
            tally.checked(self.file.key, len(view))

        read_file(path, feed)
        checksum = proof.checksum()
        if proof.expected in (None, checksum):
            return self._result("kept", checksum, proved=proof.expected is not None)
        tally.start_over(self.file.key)
        return None

    def _prepare(self) -> Assembly:
        assert self._path, "looked at before"  # noqa: S101
        file, board = self.file, self._shared.board
        name = part_name(self._path.name, file.size_bytes, file.checksum)
        part = PartFile(self._path, name)
        stop, proof = self._shared.stop, self._proof()

        def end() -> None:
            board.end(self, failed=assembly.failure is not None)

        assembly = Assembly(part, proof, board, stop, end)
        return assembly

    def _proof(self) -> Proof | ReadBack:
        file, shared = self.file, self._shared
        md5 = expected_md5(file.checksum)
        if md5 is None or file.size_bytes is None:
            return Proof(file.checksum)
        if file.size_bytes <= shared.board.piece_bytes:
            return ReadBack(f"md5:{md5}", [Span(0, file.size_bytes, md5)])
        # What parts could not prove is decided by the digest of the whole.
        if self._tries == 1:
            spans = shared.api.spans(file.key, file.size_bytes)
            if spans and is_worthwhile(spans):
                return ReadBack(f"md5:{md5}", spans)
        return Proof(file.checksum)

    def _mend(self, assembly: Assembly) -> None:
        """Fetch the parts again that are wrong, unless all are: that is another file."""
        proof = assembly.proof
        if assembly.failure or not isinstance(proof, ReadBack):
            return
        if not proof.is_mendable():
            return
        assert self._fetcher, "begun before"  # noqa: S101
        wrong, proof.wrong = proof.wrong, []
        for span in wrong:
            last = span.offset + span.length - 1
            text = f"Bytes {span.offset}-{last} of {self.file.key} arrived damaged"
            self._shared.say(Notice("damaged", f"{text} and are fetched again."))
            self._fetcher.fetch_again(span)
        assembly.prove(proof, wrong)

    def _prove(self, assembly: Assembly) -> tuple[str, bool]:
        """The digest of what came, and whether the server has told one."""
        if assembly.failure:
            raise assembly.failure
        checksum, expected = assembly.proof.checksum(), assembly.proof.expected
        if expected not in (None, checksum):
            raise IntegrityError(
                f"{self.file.key} arrived with {checksum}; the server has {expected}."
            )
        return checksum, expected is not None

    def _try_again(self, mismatch: IntegrityError) -> None:
        """From the start, with what the server says now; or the end."""
        self.close()
        try:
            if self._tries == TRIES:
                raise mismatch
            self._tries += 1
            before, self.file = self.file, self._shared.api.file(self.file.key)
        except ClientError as error:
            self._fail(error)
            return
        what = "is another file by now" if self.file != before else "arrived damaged"
        text = f"{self.file.key} {what} and is fetched again: {mismatch.message}"
        self._shared.say(Notice("changed" if self.file != before else "damaged", text))
        self._shared.board.put(self)
        self._shared.board.close()

    def _fail(self, error: ClientError) -> None:
        if self._assembly and not self._assembly.part.written:
            self._assembly.part.discard()
        self._finish(self._result("failed", error=error), error)

    def _finish(self, result: DownloadResult, error: ClientError | None = None) -> None:
        self.close()
        if result.outcome in ("received", "kept") and not result.verified:
            self._shared.say(
                Notice("unverified", f"The server has no digest of {result.key}.")
            )
        self._shared.finish(result, error)
        self._shared.board.close()

    def _result(
        self,
        outcome: str,
        checksum: str | None = None,
        *,
        proved: bool = False,
        error: ClientError | None = None,
    ) -> DownloadResult:
        return DownloadResult(
            key=self.file.key,
            path=str(self._path) if self._path else None,
            size_bytes=self.file.size_bytes,
            outcome=outcome,
            checksum=checksum,
            verified=proved,
            error=error.message if error else None,
            code=error.code if error else None,
        )
