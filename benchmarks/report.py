# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The results as a page of the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version

from .harness import Row

_PACKAGES = (
    "invenio-app-rdm",
    "invenio-records-resources",
    "invenio-s3",
    "botocore",
)

_INTRODUCTION = """\
# Performance

<!-- Written by `make bench`: change benchmarks/report.py, not this page. -->

`make bench` boots two web servers on one database and one S3 server: InvenioRDM with
this package, and InvenioRDM as if it were not installed, with upstream's multipart
transfer and invenio-s3's storage. The benchmark refuses to run when either is not
what it should be. Both are measured in the same run and in turns.

Figures are medians, the fastest and the slowest round in brackets. Times are those a
client sees: from the request to the last byte of the reply, over a real socket.
"""

_NOTES = """\
## What to know about the figures

- Client, both web servers, database, search and S3 server share the machine's cores,
  and other work may run on them. Seconds are therefore rough; ratios, taken from
  rounds in turns, are steadier. Processor time is steadier still: a process that
  waits for its turn does not use any. Repeat the run before you trust a difference
  of less than a fifth.
- Upstream signs every link of every file in a list. Listing 100 files of 10,000
  parts, a million links, would take it a quarter of an hour or more each time, and
  beginning them as long again, so it is not run: both sides list 100 files of 100
  parts and 3 files of 10,000 parts, and nothing is extrapolated. For ours the full
  case is in the table.
- How many times faster one file's `GET` is depends on the machine: upstream's time is
  botocore's, the row on signing says how long that is for one link. Of ours, about
  half is signing, most of it the five or six blocks of SHA-256 that each link takes.
  A quarter is Invenio's own work for any `GET`, nine queries among it, and the rest
  making and sending 4.7 MB of JSON.
- Replies are read in one piece: the 10 KiB pieces that requests takes by itself cost
  the client 15 ms of a reply of that size, which would count as the server's.
- Links are never kept for a later reply. A second `GET` would be faster, but a kept
  link lives shorter than a new one, and may outlive its credentials.
- Pasting the JSON of all links together as text, for orjson to pass on, was tried. It
  saves less than 2 ms of the reply, so links stay plain dictionaries.
- A list signs nothing, so its time depends on the number of files and not on their
  parts. What is left is upstream's own work per file, the same on both sides.
- The calls about a single file are upstream's own on both sides, for a small file, with
  `Prefer: return=minimal`, which upstream does not know. Drafts of 4,000 files are made
  of links for both. Upstream lists all files in the reply to the first call, and reads
  them all in each.
- The commit's clock starts when all parts are in the store and their pages are
  written to disk. Ours lists the parts once, as the comparison does, and asks for
  the object afterwards.
- The digest of a large file is found by a worker after the commit; that is the
  verification in the table. The file lies in the page cache there. The next bytes
  are read while the last are hashed: with a core free for that, reading costs
  nothing; with both busy it costs the tenth that copying from the cache takes.
  On S3 the server takes its share of the same cores, so there is no target for it.
- Memory is the kernel's own high-water mark of the one worker process of a real web
  server, above what it used right before. Parts on S3 never pass through it.
- Files of a batch have 64 bytes: nothing is measured but what each file costs by
  itself. They are sent by 8 threads straight to the store, outside the clock. The
  job that completes a batch runs in the benchmark's own process, as a worker runs
  it. Its calls are counted where botocore and the search client make them.
- The listings of a completion are one page for each 1,000 files, and one of what is
  still staged at the end. Files announced without MD5 are staged, because their links
  stay good after the completion: each costs a CopyObject, and no HEAD.
- Upstream has one request for the beginning of all files, and two for each
  afterwards: content, through the web server, which is not counted here, and commit.
  Only the first 50 files are sent and committed, for 1,000 take many minutes; the
  ratio takes the others to be like them. 10,000 are begun only where that is
  expected, by its growth so far, to take less than two minutes.
- All files of the records that are linked are the same 64 bytes; what a link costs
  does not depend on them. Each of the thousand is looked up and its policy asked by
  itself. A new version's clock runs from its empty draft to its last file; making
  and publishing the draft are not in it. Upstream lists all files of the draft in
  the answer about each one: of 10,000 files its first round had not ended after
  twenty-five minutes, so 1,000 are compared.
- Upstream publishes file after file, and looks at all of them before each: what a
  file costs grows with their number. For 10,000 that would take an hour or more, so
  it is not run.
- The rows of the uploader are of whole programs, from their start to their end, on the
  same data in the page cache and the same S3 server. The others put it into a bare
  bucket, with the settings they come with. Ours goes through an InvenioRDM with a
  worker, and takes three digests of each byte: MD5 of the part, which is compared
  with the store's, and MD5 and SHA-256 of the file. "Sent and committed" is when all
  bytes are one object of the draft; that is as far as the others go. Then the worker
  reads the object and proves the digest; "proved" is when the uploader has seen that.
- Hashing takes 1.5 seconds of a core for each GiB, little more than a single MD5: the
  MD5s of part and file and SHA-256 are computed in one pass. It is what keeps ours from
  overtaking awscrt: the same engine without it is a fifth faster than awscrt is. Without the modules in C it
  takes 3.4, and 6 to 7 where the processor has no instructions for SHA-256. Everything
  else the uploader does takes 0.6. The rows on digests that are known before show the
  same engine without that work. It has threads of its own, so with cores to spare it
  costs no time up to the speed of one MD5; client and servers share two cores here, both
  of them busy until the last part is sent. Then the store puts the parts together, with
  one core, which takes it the same time whoever has sent them.
- Of a thousand files of 1 MiB the S3 server's work is two thirds. Our own digests take
  0.7 s of a core, InvenioRDM with its database and worker 1.3 s. The links are bound by
  SHA-256, which the store proves beside its MD5, as it does for who signs each request
  with the digest of the body; bound by MD5, as they are for who announces no SHA-256,
  they cost it 0.9 s more: the row without SHA-256 is the slower one.
- Between rounds the bucket is emptied. The file system (ext4) passes over inodes that
  were deleted a short time ago; with a thousand files that is up to a quarter of the S3
  server's work, the same for every program.
- The figures are with the modules in C (see "Decisions"). The CRC64NVME, which some
  stores prove over a whole object, takes 0.08 s of a core for each GiB.
- The uploader's memory is its parts on the line and four more: 16 MiB each up to
  15 GiB, with four connections to begin with and sixteen at most.
- Of a file of 4 GiB that goes to versitygw, 4 to 6 s are the store's own: it puts the parts
  together, on one core, for whoever sent them. Before that both cores are busy; with
  digests known before, four fifths of the work are the store's: the MD5 of each part, and
  a CRC-64 in plain Go that takes half as long. awscrt sends a CRC32 with each part, and
  the store computes that instead, by the processor's instruction, which saves it 0.6 s of
  a core for each GiB. We ask for the CRC-64, which the store computes as well for who
  asks for none: it is the one that proves a whole object of any size, and stores that have
  it in assembler or in hardware do not feel it.
- The rows of downloads are of whole programs as well, on the same objects. Only ours
  proves what comes, and has each file on the disk before it gets its name; the others
  leave their bytes in the page cache, and only rclone compares MD5s, of objects that were
  put at once. One MD5 takes 1.3 s of a core per GiB here, more than rclone or obstore take
  for everything; ours reads back sixteen places at once in 0.3 s. A bare rclone and the S3
  server have both cores busy for 0.6 s, so that nobody who verifies can be at 0.9 of it.
  Ours without digests takes 1.0 s: 0.15 s until the first byte, as Python begins and
  InvenioRDM is asked for the list, the parts and a link, and the interpreter between the
  calls of the system. Flushing a large file costs nothing that could be measured, as it
  goes to the disk while it comes; of a thousand small files it takes up to a fifth of the
  time, and in some runs on ext4 with a journal half of it. The others do not flush.
  Their digests take a sixth at most; the rest is the interpreter, and InvenioRDM, which counts each
  link as a download.
- Downloads depend on where the system finds memory for the page cache, ours and those of
  obstore most of all. Earlier runs gave, for 1 GiB, 1.11 s and 1.63 s: 0.52 and
  0.33 of rclone, 1.71 and 1.39 of rclone with `md5sum`. Of each run of a download the
  files are emptied, but not removed before all rounds are over: ext4 without a journal
  looks for every new file through all inodes that were deleted within minutes, which
  made a thousand files slower from round to round.
- awscrt is driven through s3transfer: boto3's own switch to it knows no plain HTTP.
- Upstream's way costs more for each further file of a draft. Of a thousand, the
  fifteen in the middle are sent and counted; those before them are only begun, which
  makes the list that each answer holds shorter than it would be.
"""


def report(rows: Sequence[Row], rounds: int) -> str:
    """The whole page."""
    return "\n".join(
        [_INTRODUCTION, _table(rows), "", _machine(rounds), _commands(rows), _NOTES]
    )


def _table(rows: Sequence[Row]) -> str:
    lines = [
        "| measured | with invenio-multipart | compared with | result | wanted | |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        verdict = {True: "met", False: "**missed**", None: ""}[row.met]
        cells = (row.what, row.ours, row.other, row.result, row.target, verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _machine(rounds: int) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    load = os.getloadavg()[2]
    return (
        f"Measured on {moment}, {os.cpu_count()} shared {platform.machine()} cores, "
        f"load {load:.1f} (15 minutes, at the end), {platform.system()}, Python "
        f"{platform.python_version()}, {packages}; {rounds} rounds.\n"
    )


def _commands(rows: Sequence[Row]) -> str:
    topics = dict.fromkeys(row.topic for row in rows)
    lines = ["## Measure again", "", "```shell", "make bench"]
    lines += [f"python -m benchmarks --only {topic}" for topic in topics]
    return "\n".join(
        [
            *lines,
            "```",
            "",
            (
                "The second form measures one topic; it needs the services' addresses, "
                'which `eval "$(scripts/services.sh env)"` sets.\n'
            ),
        ]
    )
