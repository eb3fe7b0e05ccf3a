# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The uploader against programs that put the same data into the bare bucket.

Ours goes through a live InvenioRDM: it asks for every upload, hashes every byte three
times, and the server proves what has arrived. The others do none of that.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from .contest import Contest, data, installed_peers, random_file, random_folder
from .harness import Row, Series, in_turns, mib, shown
from .instance import running_instance
from .known_digests import write_digests
from .peers import Peers
from .site import Site

GIB = 2**30
LARGE = 4 * GIB
PART_SIZE = 2**24
"""The server's plan for files of these sizes."""

AT_LEAST = {"aws": 1.0, "rclone": 1.0, "boto3": 1.0, "boto3-crt": 1.0, "obstore": 0.9}
"""How many times as fast as each of them ours is to be, with one large file."""

FILES = 1000
FILE_SIZE = 2**20
SMALL_FILES = 10_000
SMALL_FILE_SIZE = 10 * 2**10
OF_FASTEST = 0.8
OF_UPSTREAM = 20.0
SAMPLE = 15
"""Files that go by upstream's three calls for each."""

FLAT = 1.25

NAMES = {
    "aws": "`aws s3`",
    "rclone": "rclone",
    "boto3": "boto3 TransferManager",
    "boto3-crt": "boto3 on awscrt",
    "obstore": "obstore",
}


def uploader(site: Site, rounds: int) -> Iterator[Row]:
    """One large file, at least five times by each."""
    rounds = max(rounds, 5)
    with running_instance(site) as instance, data(site) as folder:
        peers = installed_peers()
        path = random_file(folder / "large.bin", LARGE)
        contest = Contest(site, instance, peers)
        known = folder / "digests.json"
        write_digests(path, PART_SIZE, known)
        sides = {
            "ours": contest.ours(path),
            "known": contest.ours(path, "known", BENCH_DIGESTS=str(known)),
        }
        sides |= {name: contest.theirs(name, path) for name in AT_LEAST}
        times = in_turns(sides, rounds)
        yield from _large_rows(contest, times)
        yield from _known_rows(contest, times)
        yield from _resources(contest, "one file of 4 GiB", LARGE / GIB)
        yield _programs(peers)


def _large_rows(contest: Contest, times: Mapping[str, Series]) -> Iterator[Row]:
    ours = times["ours"]
    for name, least in AT_LEAST.items():
        ratio = times[name].median / ours.median
        over = least >= 1
        yield Row(
            "uploader",
            "one file of 4 GiB, sent and committed",
            f"{shown(ours)}, {_rate(LARGE, ours)}",
            f"{NAMES[name]}: {shown(times[name])}, {_rate(LARGE, times[name])}",
            f"{ratio:.2f} times as fast",
            f"over {least:g}" if over else f"at least {least:g}",
            ratio > least if over else ratio >= least,
        )
    proved = contest.series("ours", lambda usage: usage.proved_seconds)
    yield Row(
        "uploader",
        "the same, until the server has read and proved it",
        f"{shown(proved)}, {_rate(LARGE, proved)}",
        "the others: nobody does",
        "",
    )


def _known_rows(contest: Contest, times: Mapping[str, Series]) -> Iterator[Row]:
    """What the same engine does when no byte has to be hashed."""
    cpu = {
        name: contest.series(name, lambda usage: usage.cpu_seconds).median
        for name in ("ours", "known")
    }
    known = times["known"]
    for name in AT_LEAST:
        yield Row(
            "uploader",
            "the same with digests that are known before",
            f"{shown(known)}, {_rate(LARGE, known)}",
            f"{NAMES[name]}: {shown(times[name])}, {_rate(LARGE, times[name])}",
            f"{times[name].median / known.median:.2f} times as fast",
        )
    yield Row(
        "uploader",
        "hashing, of the program's processor time for one file of 4 GiB",
        f"{cpu['ours'] - cpu['known']:.1f} s of {cpu['ours']:.1f} s",
        "the others do not hash the file, or as it suits their store",
        f"{1 - cpu['known'] / cpu['ours']:.0%}",
    )


def _resources(contest: Contest, what: str, gib: float) -> Iterator[Row]:
    for name in ("ours", *AT_LEAST):
        if name not in contest.usages:
            continue
        usages = contest.usages[name]
        cpu = median(usage.cpu_seconds for usage in usages) / gib
        peak = median(usage.peak_bytes for usage in usages)
        cell = f"{cpu:.1f} s of processor time per GiB, at most {mib(peak)}"
        label = "processor time and peak memory of the program"
        ours, other = (cell, "") if name == "ours" else ("", f"{NAMES[name]}: {cell}")
        yield Row("uploader", f"{what}: {label}", ours, other, "")


def uploader_files(site: Site, rounds: int) -> Iterator[Row]:
    """Folders of many files, at least five times by each."""
    with running_instance(site) as instance, data(site) as folder:
        peers = installed_peers()
        path = random_folder(folder / "files", FILES, FILE_SIZE)
        contest = Contest(site, instance, peers)
        sides = {"ours": contest.ours(path)}
        sides["md5"] = contest.ours(path, "md5", BENCH_MD5_ONLY="yes")
        sides |= {name: contest.theirs(name, path) for name in AT_LEAST}
        times = in_turns(sides, max(rounds, 5))
        yield from _folder_rows(times)
        yield _md5_row(contest, times)
        yield _upstream_row(site, path, times["ours"], min(rounds, 2))
        rows = _resources(contest, "1,000 files of 1 MiB", FILES * FILE_SIZE / GIB)
        yield from (replace(row, topic="uploader-files") for row in rows)
        shutil.rmtree(path)
        yield _small_row(contest, folder, times["ours"], rounds)


def _folder_rows(times: Mapping[str, Series]) -> Iterator[Row]:
    ours = times["ours"]
    fastest = min(AT_LEAST, key=lambda name: times[name].median)
    for name in AT_LEAST:
        ratio = times[name].median / ours.median
        counts = name == fastest
        yield Row(
            "uploader-files",
            "1,000 files of 1 MiB, complete in the draft",
            f"{shown(ours)}, {FILES / ours.median:.0f} files/s",
            f"{NAMES[name]}: {shown(times[name])}, "
            f"{FILES / times[name].median:.0f} files/s",
            f"{ratio:.2f} times as fast",
            f"at least {OF_FASTEST} of the fastest" if counts else "",
            ratio >= OF_FASTEST if counts else None,
        )


def _md5_row(contest: Contest, times: Mapping[str, Series]) -> Row:
    cpu = {
        name: contest.series(name, lambda usage: usage.cpu_seconds)
        for name in ("ours", "md5")
    }
    fastest = min(times[name].median for name in AT_LEAST)
    return Row(
        "uploader-files",
        "the same without SHA-256, which only ours computes",
        f"{shown(times['md5'])}, processor {shown(cpu['md5'])}",
        f"with it: {shown(times['ours'])}, processor {shown(cpu['ours'])}",
        f"{fastest / times['md5'].median:.2f} of the fastest",
    )


def _upstream_row(site: Site, folder: Path, ours: Series, rounds: int) -> Row:
    """Upstream's own way: three requests for each file, one after the other.

    What a file costs grows with those before it, so the files measured are those in the
    middle: they cost what all of them do on average.
    """
    api = site.upstream.api
    octets = {"Content-Type": "application/octet-stream"}
    paths = sorted(folder.iterdir())[:SAMPLE]
    before = [{"key": f"before-{n}"} for n in range((FILES - SAMPLE) // 2)]

    def timed() -> float:
        files = api.new_draft()
        api.call("POST", files, json=before)
        begun = time.perf_counter()
        for path in paths:
            api.call("POST", files, json=[{"key": path.name}])
            where = f"{files}/{path.name}"
            with path.open("rb") as file:
                api.call("PUT", f"{where}/content", data=file, headers=octets)
            api.call("POST", f"{where}/commit")
        return time.perf_counter() - begun

    each = in_turns({"upstream": timed}, rounds)["upstream"].median / SAMPLE
    ratio = each * FILES / ours.median
    return Row(
        "uploader-files",
        "the same against upstream's three requests for each file",
        f"{ours.median / FILES * 1e3:.1f} ms a file",
        f"upstream: {each * 1e3:.0f} ms a file, the {SAMPLE} in the middle",
        f"{ratio:.0f} times as fast",
        f"at least {OF_UPSTREAM:g} times",
        ratio >= OF_UPSTREAM,
    )


def _small_row(contest: Contest, folder: Path, few: Series, rounds: int) -> Row:
    path = random_folder(folder / "small", SMALL_FILES, SMALL_FILE_SIZE)
    some = random_folder(folder / "some", FILES, SMALL_FILE_SIZE)
    sides = {
        "many": contest.ours(path, "many"),
        "some": contest.ours(some, "some"),
        "rclone": contest.theirs("rclone", path),
    }
    times = in_turns(sides, min(rounds, 3))
    each = times["many"].median / SMALL_FILES
    before = times["some"].median / FILES
    return Row(
        "uploader-files",
        "10,000 files of 10 KiB, complete in the draft",
        f"{shown(times['many'])}, {each * 1e3:.1f} ms a file; "
        f"of 1,000: {before * 1e3:.1f} ms",
        f"rclone: {shown(times['rclone'])}",
        f"{each / before:.2f} times the cost of a file among 1,000",
        f"at most {FLAT:g} times",
        each / before <= FLAT,
    )


def _rate(size: int, series: Series) -> str:
    return f"{mib(size / series.median)}/s"


def _programs(peers: Peers) -> Row:
    return Row("uploader", "programs compared with", "", peers.versions(), "")
