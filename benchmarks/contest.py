# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Programs that send the same data in turns, and the data."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from .client import Api
from .harness import Series, Timed
from .instance import Instance
from .peers import Peers, Usage, measured
from .site import ROOT, Site

CHUNK = 2**24

P = TypeVar("P", bound=Peers)


class Contest:
    """Runs of all sides, with what each took.

    :param folder: for data.
    """

    def __init__(self, site: Site, instance: Instance, peers: Peers) -> None:
        self._site, self._instance, self._peers = site, instance, peers
        self._api = Api(f"{instance.url}/api", instance.token)
        self.usages: dict[str, list[Usage]] = {}

    def ours(self, path: Path, name: str = "ours", **settings: str) -> Timed:
        """A side that uploads by our program, until all is sent and committed.

        :param settings: further environment variables of :mod:`.sender`.
        """

        def run() -> Usage:
            draft = self._api.new_draft().split("/")[2]
            command = [sys.executable, "-m", "benchmarks.sender"]
            environment = {"BENCH_TOKEN": self._instance.token, "PYTHONPATH": str(ROOT)}
            environment |= settings
            result, lines = measured(
                [*command, self._instance.url, draft, str(path)], environment
            )
            waited = json.loads(lines[-1])["waited_seconds"]
            if path.is_dir():
                # Files of a batch are in the draft when the server says so.
                waited = 0.0
            return Usage(
                result["cpu_seconds"],
                int(result["peak_bytes"]),
                result["seconds"] - waited,
                result["seconds"],
            )

        return self._side(name, run)

    def theirs(self, program: str, path: Path) -> Timed:
        """A side that puts the same into the bare bucket."""

        def run() -> Usage:
            return self._peers.put(program, path, self._site.bucket, "peers")

        return self._side(program, run)

    def _side(self, name: str, run: Callable[[], Usage]) -> Timed:
        kept = self.usages.setdefault(name, [])

        def timed() -> float:
            kept.append(run())
            # A table that takes a quarter of an hour shows nothing until its end.
            seconds = kept[-1].sent_seconds
            print(f"{name}, {len(kept)}: {seconds:.1f} s", file=sys.stderr, flush=True)
            # Pages that are not written yet go with it: nobody pays for another one's.
            self._empty_bucket()
            return kept[-1].sent_seconds

        return timed

    def _empty_bucket(self) -> None:
        s3, bucket = self._site.s3, self._site.bucket
        while found := s3.list_objects_v2(Bucket=bucket).get("Contents"):
            objects = [{"Key": entry["Key"]} for entry in found]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})

    def series(self, name: str, pick: Callable[[Usage], float | None]) -> Series:
        """One figure of all runs of a side."""
        return Series(tuple(pick(usage) or 0.0 for usage in self.usages[name]))


def installed_peers(kind: type[P] = Peers) -> P:
    """The programs to compare with, where later runs find them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return kind(cache / "invenio-multipart" / "peers-1")


@contextmanager
def data(site: Site) -> Iterator[Path]:
    """A folder for gigabytes that other topics need not carry along."""
    folder = site.folder / "data"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def random_file(path: Path, size: int) -> Path:
    """Made right before it is read: its pages are in memory, for all sides alike."""
    _fill(path, size)
    os.sync()
    return path


def random_folder(folder: Path, count: int, size: int) -> Path:
    """So many files of a size, made likewise."""
    folder.mkdir()
    for number in range(count):
        _fill(folder / f"image-{number:05}.dat", size)
    os.sync()
    return folder


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, CHUNK):
            file.write(os.urandom(min(CHUNK, size - start)))
