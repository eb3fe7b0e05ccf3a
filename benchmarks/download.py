# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Our download against programs that get the same objects from the bare bucket.

Ours asks a live InvenioRDM for every file, hashes every byte, and flushes each file
to the disk before it gets its name. Of the others, rclone compares the MD5s of objects
that were put at once; none does the rest.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from invenio_multipart.client import Uploader

from .client import Api
from .contest import data, installed_peers, random_file, random_folder
from .harness import Row, Series, Timed, in_turns, mib, shown
from .instance import Instance, running_instance
from .peers import Peers, Usage, measured
from .site import ROOT, Site

GIB = 2**30
FILES = 1000
FILE_SIZE = 2**20
OF_FASTEST = 0.9
PROGRAMS = {
    "aws": "`aws s3 sync`",
    "rclone": "rclone",
    "boto3": "boto3 TransferManager",
    "obstore": "obstore",
}
PROVED_BY_RCLONE = "rclone, which compares MD5s"
"""It does for objects that were put at once; those of parts it cannot prove."""


class Getters(Peers):
    """The same programs, downloading all that is in a bucket."""

    def get(self, program: str, bucket: str, keys: list[str], folder: Path) -> Usage:
        """What it took."""
        return self._run(self._command(program, bucket, keys, folder))

    def get_and_hash(
        self, program: str, bucket: str, keys: list[str], folder: Path
    ) -> Usage:
        """The same, with an MD5 of every file afterwards."""
        # The command is passed as words: nothing in it is for the shell to read.
        script = '"$@" && find "$0" -type f -exec md5sum {} + >/dev/null'
        command = self._command(program, bucket, keys, folder)
        return self._run(["sh", "-c", script, str(folder), *command])

    def _run(self, command: list[str]) -> Usage:
        result, _ = measured(command, self._environment)
        return Usage(
            result["cpu_seconds"], int(result["peak_bytes"]), result["seconds"]
        )

    def _command(
        self, program: str, bucket: str, keys: list[str], folder: Path
    ) -> list[str]:
        if program == "aws":
            what = ["s3", "sync", f"s3://{bucket}", str(folder), "--only-show-errors"]
            return [str(self._bin / "aws"), *what]
        if program == "rclone":
            return [str(self._bin / "rclone"), "copy", f"bench:{bucket}", str(folder)]
        script = Path(__file__).parent / "peer_downloads.py"
        python = str(self._bin / "python")
        return [python, str(script), program, bucket, str(folder), *keys]


class Race:
    """One draft, and its objects in the bucket."""

    def __init__(self, site: Site, instance: Instance, peers: Getters) -> None:
        self._bucket, self._s3 = site.bucket, site.s3
        self._folder = site.folder / "data" / "down"
        self._instance, self._peers = instance, peers
        self.usages: dict[str, list[Usage]] = {}

    def upload(self, path: Path) -> None:
        """Make a draft of a file or folder; nothing else is in the bucket."""
        self._draft = self._api().new_draft().split("/")[2]
        uploader = Uploader(self._instance.url, self._instance.token)
        uploader.upload_many(self._draft, [f"{path}/" if path.is_dir() else path])
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        self._keys = [
            entry["Key"] for page in pages for entry in page.get("Contents", ())
        ]
        self._size = path.stat().st_size if path.is_file() else FILES * FILE_SIZE

    def clear(self) -> None:
        """Empty the bucket: its drafts are of no use any more."""
        for key in self._keys:
            self._s3.delete_object(Bucket=self._bucket, Key=key)

    def ours(self, name: str = "ours", **environment: str) -> Timed:
        """A side that downloads by our program."""
        command = [sys.executable, "-m", "benchmarks.receiver", self._instance.url]
        environment |= {"BENCH_TOKEN": self._instance.token, "PYTHONPATH": str(ROOT)}

        def run() -> Usage:
            result, _ = measured(
                [*command, self._draft, str(self._folder)], environment
            )
            return Usage(
                result["cpu_seconds"], int(result["peak_bytes"]), result["seconds"]
            )

        return self._side(name, run)

    def theirs(self, program: str, *, hashed: bool = False) -> Timed:
        """A side that gets the objects from the bare bucket."""
        get = self._peers.get_and_hash if hashed else self._peers.get
        name = f"{program}+md5" if hashed else program
        return self._side(
            name, lambda: get(program, self._bucket, self._keys, self._folder)
        )

    def _side(self, name: str, run: Callable[[], Usage]) -> Timed:
        kept = self.usages.setdefault(name, [])

        def timed() -> float:
            self._begin_anew()
            # Nobody pays for pages that another one left to be written.
            os.sync()
            kept.append(run())
            found = sum(
                path.stat().st_size
                for path in self._folder.rglob("*")
                if path.is_file()
            )
            if found != self._size:
                raise RuntimeError(f"{name} has brought {found} bytes.")
            return kept[-1].sent_seconds

        return timed

    def _begin_anew(self) -> None:
        """An empty folder; that of the last run is emptied, but not removed yet.

        ext4 without a journal looks for every new file through all inodes deleted
        within minutes: runs would become slower from round to round.
        """
        if self._folder.exists():
            for path in self._folder.rglob("*"):
                if path.is_file():
                    os.truncate(path, 0)
            self._folder.rename(f"{self._folder}-{time.monotonic_ns()}")
        self._folder.mkdir()

    def _api(self) -> Api:
        return Api(f"{self._instance.url}/api", self._instance.token)


def download(site: Site, rounds: int) -> Iterator[Row]:
    """One large file and a folder of small ones, at least five times by each."""
    with running_instance(site) as instance, data(site) as folder:
        race = Race(site, instance, installed_peers(Getters))
        path = random_file(folder / "large.bin", GIB)
        race.upload(path)
        path.unlink()
        large = "one file of 1 GiB"
        yield from _contest(race, large, "MiB/s", GIB / 2**20, rounds, [])
        race.clear()
        race.upload(random_folder(folder / "files", FILES, FILE_SIZE))
        shutil.rmtree(folder / "files")
        small = "1,000 files of 1 MiB"
        yield from _contest(race, small, "files/s", FILES, rounds, ["rclone"])


def _contest(
    race: Race,
    what: str,
    unit: str,
    amount: float,
    rounds: int,
    proving: Sequence[str],
) -> Iterator[Row]:
    """All programs, and then those that verify.

    :param proving: programs that verify by themselves.
    """
    race.usages.clear()
    rounds = max(rounds, 5)
    sides = {"ours": race.ours()}
    sides |= {name: race.theirs(name) for name in PROGRAMS}
    times = in_turns(sides, rounds)
    fastest = min(PROGRAMS, key=lambda name: times[name].median)
    for name, label in PROGRAMS.items():
        yield _row(
            f"{what}, downloaded and verified",
            times,
            (name, label),
            lambda seconds: f"{amount / seconds:,.0f} {unit}",
            target="the fastest" if name == fastest else "",
        )
    others = {"hashed": f"{PROGRAMS[fastest]}, then `md5sum`"}
    others |= dict.fromkeys(proving, PROVED_BY_RCLONE)
    sides = {
        "ours": race.ours(),
        "hashed": race.theirs(fastest, hashed=True),
        "believed": race.ours("believed", BENCH_NO_DIGESTS="1"),
    }
    sides |= {name: race.theirs(name) for name in proving}
    again = in_turns(sides, rounds)
    first = min(others, key=lambda name: again[name].median)
    for name, other in (
        others | {"believed": "our own program without digests"}
    ).items():
        yield _row(
            f"{what}, downloaded and verified",
            again,
            (name, other),
            lambda seconds: f"{amount / seconds:,.0f} {unit}",
            target="the fastest that verifies" if name == first else "",
        )
    yield from _resources(race, what)


def _row(
    what: str,
    times: Mapping[str, Series],
    other: tuple[str, str],
    rate: Callable[[float], str],
    *,
    target: str = "",
) -> Row:
    name, label = other
    ratio = times[name].median / times["ours"].median
    return Row(
        "download",
        what,
        f"{shown(times['ours'])}, {rate(times['ours'].median)}",
        f"{label}: {shown(times[name])}, {rate(times[name].median)}",
        f"{ratio:.2f} times as fast",
        f"at least {OF_FASTEST} of {target}" if target else "",
        ratio >= OF_FASTEST if target else None,
    )


def _resources(race: Race, what: str) -> Iterator[Row]:
    for name, label in {"ours": "", **PROGRAMS}.items():
        usages = race.usages[name]
        cpu = median(usage.cpu_seconds for usage in usages)
        peak = median(usage.peak_bytes for usage in usages)
        cell = f"{cpu:.1f} s of processor time, at most {mib(peak)}"
        ours, other = (cell, "") if name == "ours" else ("", f"{label}: {cell}")
        figures = "downloaded: processor time and peak memory of the program"
        yield Row("download", f"{what}, {figures}", ours, other, "")
