# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The demo itself: upload, kill, resume, publish, download, compare, and a summary.

    run.py --env .demo/instance.env --requests .demo/run/requests.log --storage s3
           --cache DIR --work DIR [--file FILE]

Ends with exit code 0 only if the bytes that came back are the bytes that went in.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

MIB = 2**20
GENERATED_BYTES = 1024 * MIB
COMPLETION_SECONDS = 1800


class DemoError(Exception):
    """A step did not do what it should; the text says which and how."""


@dataclass(frozen=True)
class Traffic:
    """What passed through Invenio's web processes between two moments, as its meter saw it."""

    requests: int
    file_bytes: int  # bodies of requests and answers that carry file content
    all_bytes: int  # bodies of all requests and answers, JSON included


class RequestLog:
    """The log that scripts/demo/wsgi.py writes."""

    def __init__(self, path: Path):
        """Opens the log at its end, so that earlier requests do not count."""
        self.path = path
        self.offset = path.stat().st_size if path.exists() else 0

    def traffic(self) -> Traffic:
        """Sums up what has been logged since."""
        count = file_bytes = all_bytes = 0
        with self.path.open() as log:
            log.seek(self.offset)
            for line in log:
                method, status, received, sent, path = line.rstrip("\n").split(" ", 4)
                count += 1
                all_bytes += int(received) + int(sent)
                # A redirect's body is a sentence of HTML, not file content.
                is_content = "/content" in path or (
                    "/files/" in path and not path.startswith("/api/")
                )
                if is_content and method == "PUT":
                    file_bytes += int(received)
                elif is_content and status in ("200", "206"):
                    file_bytes += int(sent)
        return Traffic(count, file_bytes, all_bytes)


class Repository:
    """The instance, as its owner account sees it over REST."""

    def __init__(self, base_url: str, token: str):
        """Keeps one connection for all calls."""
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy has no business on loopback
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, expected: int = 200, **kwargs) -> dict:
        """Calls ``/api`` + *path*.

        :raises DemoError: if the status is not *expected*.
        """
        reply = self.session.request(
            method, f"{self.base_url}/api{path}", timeout=120, **kwargs
        )
        if reply.status_code != expected:
            raise DemoError(
                f"{method} {path} gave {reply.status_code}: {reply.text[:500]}"
            )
        return reply.json() if reply.content else {}

    def create_draft(self, title: str) -> str:
        """Makes a draft with files.

        :returns: its id.
        """
        author = {"type": "personal", "given_name": "Ada", "family_name": "Lovelace"}
        metadata = {
            "title": title,
            "publication_date": time.strftime("%Y-%m-%d"),
            "publisher": "invenio-multipart demo",
            "resource_type": {"id": "dataset"},
            "creators": [{"person_or_org": author}],
        }
        access = {"record": "public", "files": "public"}
        draft = {"metadata": metadata, "access": access, "files": {"enabled": True}}
        return self.call("POST", "/records", 201, json=draft)["id"]


class Upload:
    """One file on its way, by the package's own client in a process of its own."""

    def __init__(
        self, repository: Repository, token: str, draft: str, path: Path, work: Path
    ):
        """Names the draft and the file; nothing is sent yet."""
        self.repository, self.token, self.draft, self.path = (
            repository,
            token,
            draft,
            path,
        )
        self.summary_path = work / "summary.json"
        self.status_path = (
            f"/records/{draft}/draft/files/{quote(path.name, safe='')}/upload"
        )

    def start(self) -> subprocess.Popen:
        """Starts the client; it draws its progress itself."""
        self.summary_path.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "invenio_multipart.client",
            "upload",
            str(self.path),
        ]
        command += [
            "--base-url",
            self.repository.base_url,
            "--draft",
            self.draft,
            "--key",
            self.path.name,
        ]
        command += ["--jobs", "4", "--summary", str(self.summary_path)]
        return subprocess.Popen(
            command, env={**os.environ, "INVENIO_MULTIPART_TOKEN": self.token}
        )

    def status(self) -> dict:
        """The upload's status object; empty while Invenio has not heard of the file."""
        url = f"{self.repository.base_url}/api{self.status_path}"
        reply = self.repository.session.get(url, timeout=120)
        return reply.json() if reply.status_code == 200 else {}

    def kill_half_way(self) -> dict:
        """Starts the upload and kills it, without warning, once half of the file has arrived.

        :returns: the status right after; its state is "completed" if the file was too small to be
            caught half-way.
        :raises DemoError: if the client ends by itself with an error.
        """
        client = self.start()
        half = self.path.stat().st_size / 2
        while client.poll() is None:
            if self.status().get("uploaded_bytes", 0) >= half:
                client.kill()
                break
            time.sleep(0.1)
        if client.wait() > 0:
            raise DemoError(f"the client ended with exit code {client.returncode}")
        print(flush=True)
        return self.status()

    def finish(self) -> dict:
        """Runs the client to its end.

        :returns: its summary.
        :raises DemoError: if it fails.
        """
        code = self.start().wait()
        if code:
            raise DemoError(f"the client ended with exit code {code}")
        return json.loads(self.summary_path.read_text())

    def wait_completed(self) -> dict:
        """Waits until the server has proved the file.

        :raises DemoError: if it finds the file wrong, or takes over half an hour.
        """
        deadline = time.monotonic() + COMPLETION_SECONDS
        while time.monotonic() < deadline:
            status = self.status()
            if status.get("state") == "completed":
                return status
            if status.get("state") in ("failed", "aborted", "expired"):
                raise DemoError(
                    f"the upload is {status['state']}: {status.get('error_message')}"
                )
            time.sleep(0.2)
        raise DemoError("the upload was not completed in time")


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


def sha256_of(chunks) -> tuple[str, int]:
    """The SHA-256 of all *chunks*, and how many bytes they were."""
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size_bytes += len(chunk)
    return digest.hexdigest(), size_bytes


def read_chunks(path: Path):
    """A file's bytes, 4 MiB at a time."""
    with path.open("rb") as file:
        while chunk := file.read(4 * MIB):
            yield chunk


def download(base_url: str, record: str, key: str) -> tuple[str, int, str]:
    """Downloads as any visitor would, by the record page's link and without a token.

    :returns: SHA-256, size in bytes, and where the bytes came from.
    :raises DemoError: if a step of it is refused.
    """
    with requests.Session() as visitor:
        visitor.trust_env = False
        page_link = f"{base_url}/records/{record}/files/{quote(key)}?download=1"
        reply = visitor.get(page_link, stream=True, allow_redirects=False, timeout=120)
        source = "Invenio itself"
        if reply.status_code in (302, 303, 307):
            target = reply.headers["Location"]
            source = "S3, by redirect to " + "/".join(target.split("/")[:3])
            reply = visitor.get(target, stream=True, timeout=120)
        if reply.status_code != 200:
            raise DemoError(
                f"the download gave {reply.status_code}: {reply.text[:300]}"
            )
        return (*sha256_of(reply.iter_content(4 * MIB)), source)


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


def summarize(storage, path, clock, killed, client, uploading, total, source):
    """Prints what happened, in numbers."""
    size_bytes = path.stat().st_size
    upload_seconds = clock.seconds["first half"] + clock.seconds["second half"]
    sent_before = client["parts_reused"]
    if killed["state"] == "completed":
        resumed = f"all {client['parts']} arrived before the kill: the file is too small to be caught half-way"
    else:
        resumed = f"{sent_before} sent before the kill and kept, {client['parts_sent']} sent after it, of {client['parts']}"
    rows = [
        ("file", f"{path.name}, {size_bytes:,} bytes"),
        (
            "storage",
            "S3, straight from the client"
            if storage == "s3"
            else "local folder, through Invenio",
        ),
        ("parts", resumed),
        (
            "upload",
            f"{upload_seconds:.1f} s, {size_bytes / MIB / upload_seconds:.0f} MiB/s, both runs and proof included",
        ),
        (
            "download",
            f"{clock.seconds['download']:.1f} s, {size_bytes / MIB / clock.seconds['download']:.0f} MiB/s, from {source}",
        ),
        (
            "requests made to Invenio",
            f"{uploading.requests} for the upload, {total.requests} in all",
        ),
        (
            "file data through Invenio",
            f"{total.file_bytes:,} bytes (measured in its web processes)",
        ),
        (
            "everything through Invenio",
            f"{total.all_bytes:,} bytes (all bodies, JSON included)",
        ),
    ]
    print("\nSummary")
    for name, value in rows:
        print(f"  {name + ':':29}{value}")


def run(options) -> bool:
    """Runs the demo.

    :returns: whether the bytes came back as they went in, by the way they should.
    :raises DemoError: if a step fails.
    """
    env = dict(word.split("=", 1) for word in shlex.split(options.env.read_text()))
    clock, log = Clock(), RequestLog(options.requests)
    repository = Repository(env["BASE_URL"], env["TOKEN_OWNER"])
    path = options.file
    if path is None:
        path = clock.step(
            "make",
            "make 1 GiB of random data (usually 3 s, once)",
            make_file,
            options.cache,
        )
    sha256, _ = clock.step(
        "hash",
        "take its SHA-256 (about 1 s per GiB)",
        lambda: sha256_of(read_chunks(path)),
    )
    draft = clock.step(
        "draft",
        "create a draft (usually 1 s)",
        repository.create_draft,
        f"Demo: {path.name}",
    )
    upload = Upload(repository, env["TOKEN_OWNER"], draft, path, options.work)
    killed = clock.step(
        "first half",
        "upload with 4 parallel parts, and kill the client half-way",
        upload.kill_half_way,
    )
    client = clock.step(
        "second half",
        "run the same command again: it resumes and commits",
        upload.finish,
    )
    clock.step(
        "proof",
        "wait until the server has proved the file (usually over already)",
        upload.wait_completed,
    )
    uploading = log.traffic()
    clock.step(
        "publish",
        "publish (usually 2 s)",
        lambda: repository.call("POST", f"/records/{draft}/draft/actions/publish", 202),
    )
    text = "download by the record page's link, without an account"
    returned, size_bytes, source = clock.step(
        "download", text, download, env["BASE_URL"], draft, path.name
    )
    total = log.traffic()
    summarize(options.storage, path, clock, killed, client, uploading, total, source)
    print(f"  {'SHA-256 sent:':29}{sha256}\n  {'SHA-256 returned:':29}{returned}")
    if options.storage == "s3" and total.file_bytes:
        raise DemoError(
            f"{total.file_bytes:,} bytes of file data passed through Invenio; it should be none"
        )
    return returned == sha256 and size_bytes == path.stat().st_size


def main() -> int:
    """Parses the command line and turns the outcome into an exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--env", "--requests", "--cache", "--work"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--storage", choices=("s3", "local"), required=True)
    try:
        same = run(parser.parse_args())
    except (DemoError, requests.RequestException) as error:
        print(f"\nIt did not work: {error}")
        return 1
    print(
        "\nThe downloaded bytes are "
        + ("the uploaded bytes." if same else "NOT THE UPLOADED BYTES.")
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
