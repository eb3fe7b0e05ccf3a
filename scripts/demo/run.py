# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The demo itself: upload, kill, resume, publish, download, compare, and a summary.

    run.py --env .demo/instance.env --requests .demo/run/requests.log --storage s3
           --cache DIR --work DIR [--file FILE]

Ends with exit code 0 only if the bytes that came back are the bytes that went in.
"""

import argparse
import os
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests
from repository import MIB, DemoError, Repository, Upload, download, sha256_of
from traffic import RequestLog, Traffic

GENERATED_BYTES = 1024 * MIB


def make_file(cache: Path) -> Path:
    """1 GiB that neither repeats nor compresses, made once and kept."""
    path = cache / "demo-1GiB.bin"
    if not path.exists() or path.stat().st_size != GENERATED_BYTES:
        new = path.with_suffix(f".{os.getpid()}")
        with new.open("wb") as file:
            for _ in range(GENERATED_BYTES // MIB):
                file.write(os.urandom(MIB))
        new.replace(path)
    return path


def read_chunks(path: Path):
    """A file's bytes, 4 MiB at a time."""
    with path.open("rb") as file:
        while chunk := file.read(4 * MIB):
            yield chunk


class Clock:
    """Prints one line per step, and remembers how long each took."""

    def __init__(self):
        """Nothing runs yet."""
        self.seconds = {}

    def step(self, name: str, text: str, work, *args):
        """Announces *text*, runs ``work(*args)``, and tells the time it took."""
        print(f"* {text}", flush=True)
        begun = time.monotonic()
        result = work(*args)
        self.seconds[name] = time.monotonic() - begun
        print(f"  done in {self.seconds[name]:.1f} s", flush=True)
        return result


@dataclass(frozen=True)
class Outcome:
    """What a demo run has to tell."""

    storage: str
    path: Path
    seconds: dict  # by step
    killed: dict  # status of the upload right after the kill
    client: dict  # summary of the client's second run
    client_requests: int  # made by both client runs
    total: Traffic
    source: str  # where the downloaded bytes came from
    sent_sha256: str
    returned_sha256: str

    @property
    def is_right(self) -> bool:
        """Whether the bytes came back as they went in, by the way they should."""
        direct = self.storage == "local" or self.total.file_bytes == 0
        return self.sent_sha256 == self.returned_sha256 and direct

    def rows(self):
        """The summary, line by line, as name and value."""
        size_mib = self.path.stat().st_size / MIB
        upload_seconds = self.seconds["first half"] + self.seconds["second half"]
        down_seconds = self.seconds["download"]
        direct = "S3, straight from the client"
        yield "file", f"{self.path.name}, {self.path.stat().st_size:,} bytes"
        yield "storage", direct if self.storage == "s3" else "folder, through Invenio"
        yield "parts", self.parts()
        speed = f"{size_mib / upload_seconds:.0f} MiB/s"
        yield "upload", f"{upload_seconds:.1f} s, {speed}, kill and proof included"
        speed = f"{size_mib / down_seconds:.0f} MiB/s"
        yield "download", f"{down_seconds:.1f} s, {speed}, from {self.source}"
        own = self.total.requests - self.client_requests
        yield (
            "requests to Invenio",
            f"{self.client_requests} by the client, {own} others",
        )
        yield "file data through Invenio", f"{self.total.file_bytes:,} bytes, measured"
        yield "all bodies through it", f"{self.total.all_bytes:,} bytes, JSON included"
        yield "SHA-256 sent", self.sent_sha256
        yield "SHA-256 returned", self.returned_sha256

    def parts(self) -> str:
        """How much each run has sent."""
        parts, kept = self.killed.get("parts"), self.killed.get("uploaded_parts")
        if self.killed.get("state") == "completed":
            return "all before the kill: the file is too small for it"
        later = f"{self.client['bytes_sent'] / MIB:.0f} MiB after it"
        return f"{parts}, {kept} of them stored before the kill, {later}"


def send(clock: Clock, upload: Upload) -> tuple[dict, dict]:
    """Uploads in two runs of the client, and waits until the server is content.

    :returns: the status after the kill, and the second run's summary.
    """
    text = "upload with 4 parallel parts, and kill the client half-way"
    killed = clock.step("first half", text, upload.kill_half_way)
    text = "run the same command again: it resumes and commits"
    client = clock.step("second half", text, upload.finish)
    text = "wait until the server has proved the file (usually over already)"
    clock.step("proof", text, upload.wait_completed)
    return killed, client


def run(options) -> Outcome:
    """Runs the demo.

    :raises DemoError: if a step fails.
    """
    env = dict(word.split("=", 1) for word in shlex.split(options.env.read_text()))
    base_url, token = env["BASE_URL"], env["TOKEN_OWNER"]
    clock, log, path = Clock(), RequestLog(options.requests), options.file
    repository = Repository(base_url, token)
    if path is None:
        text = "make 1 GiB of random data (usually 3 s, once)"
        path = clock.step("make", text, make_file, options.cache)
    text = "take its SHA-256 (1 to 4 s per GiB)"
    sent, size_bytes = clock.step("hash", text, lambda: sha256_of(read_chunks(path)))
    text, title = "create a draft (usually 1 s)", f"Demo: {path.name}"
    draft = clock.step("draft", text, repository.create_draft, title)
    upload = Upload(repository, token, draft, path, options.work)
    killed, client = send(clock, upload)
    client_requests = log.traffic().requests - repository.calls
    clock.step("publish", "publish (usually 1 s)", repository.publish, draft)
    text = "download by the record page's link, without an account"
    returned, returned_bytes, source = clock.step(
        "download", text, download, base_url, draft, path.name
    )
    if returned_bytes != size_bytes:
        raise DemoError(f"{returned_bytes:,} of {size_bytes:,} bytes came back")
    return Outcome(
        storage=options.storage,
        path=path,
        seconds=clock.seconds,
        killed=killed,
        client=client,
        client_requests=client_requests,
        total=log.traffic(),
        source=source,
        sent_sha256=sent,
        returned_sha256=returned,
    )


def main() -> int:
    """Parses the command line and turns the outcome into an exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--env", "--requests", "--cache", "--work"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--storage", choices=("s3", "local"), required=True)
    try:
        outcome = run(parser.parse_args())
    except (DemoError, requests.RequestException) as error:
        print(f"\nIt did not work: {error}")
        return 1
    print("\nSummary")
    for name, value in outcome.rows():
        print(f"  {name + ':':28}{value}")
    if not outcome.is_right:
        print(
            "\nThe bytes differ, or file data passed through Invenio that should not."
        )
        return 1
    print("\nThe downloaded bytes are the uploaded bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
