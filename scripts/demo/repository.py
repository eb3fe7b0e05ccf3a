# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""What the demo does with the instance: drafts, uploads, downloads."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import requests

COMPLETION_SECONDS = 1800
MIB = 2**20


class DemoError(Exception):
    """A step did not do what it should; the text says which and how."""


class Repository:
    """The instance, as its owner account sees it over REST."""

    def __init__(self, base_url: str, token: str):
        """Keeps one connection for all calls."""
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy has no business on loopback
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.calls = 0
        self.session.hooks["response"].append(self._count)

    def _count(self, reply, **kwargs) -> None:
        """The demo's own requests must not be taken for the client's."""
        self.calls += 1

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

    def publish(self, draft: str) -> None:
        """Publishes the draft."""
        self.call("POST", f"/records/{draft}/draft/actions/publish", 202)


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
            "--url",
            self.repository.base_url,
            "--draft",
            self.draft,
            "--key",
            self.path.name,
        ]
        command += ["--jobs", "4", "--summary", str(self.summary_path)]
        # What it remembers for a person belongs to the demo, not to the user's home.
        own = {
            "INVENIO_MULTIPART_TOKEN": self.token,
            "XDG_STATE_HOME": str(self.summary_path.parent.absolute()),
        }
        return subprocess.Popen(command, env={**os.environ, **own})

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


def sha256_of(chunks) -> tuple[str, int]:
    """The SHA-256 of all *chunks*, and how many bytes they were."""
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size_bytes += len(chunk)
    return digest.hexdigest(), size_bytes


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
