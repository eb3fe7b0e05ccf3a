# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A folder, the uploader, and what breaks on the way: all of it from one number."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..driver import PART, Draft
from .live import ROOT, LiveApi
from .proxy import Cut, FaultProxy, Point, answer, cut, instead

NAMES = ("a.txt", "b c.bin", "ü/ñ.dat", "deep/er/x", "deep/y", "0", "q'uote", "100%")
CLEAR = frozenset(
    {"network", "refused", "protocol", "integrity", "file_changed", "usage", "partial"}
    | {"locked", "exists", "access_denied", "quota_exceeded"}
)
"""Codes of errors that a person is told."""

_RUN_SECONDS = 120
_FAR = 12
"""Faults are at one of the first so many requests."""


@dataclass
class Site:
    """What the uploader talks to."""

    live: LiveApi
    front: FaultProxy
    """Before InvenioRDM."""
    store: FaultProxy
    """Before the S3 server."""


@dataclass
class Story:
    """One of them.

    :param folder: an empty one, for the files.
    """

    seed: int
    site: Site
    folder: Path
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.log.append(f"seed {self.seed}")
        self.draft: Draft = self.site.live.new_draft()
        self.files = self._make_files()
        self._running: list[subprocess.Popen[str]] = []
        self._two_at_once = False
        self._timers: list[threading.Timer] = []

    def tell(self) -> None:
        """All that goes wrong."""
        for _ in range(self.random.randint(1, 3)):
            for _ in range(self.random.choice([0, 1, 1, 2, 3])):
                self._plan_fault()
            replies = self._run(self.random.choice([1, 1, 1, 2]))
            for reply in replies:
                # Killed, done, or an error that says what is the matter.
                known = reply is None or reply["code"] in CLEAR | {None}
                assert known, reply
            self._calm()

    def finish(self) -> None:
        """With nothing broken the same command ends, and once more does nothing."""
        (reply,) = self._run(1)
        assert reply is not None, "killed"
        assert reply["code"] is None, reply
        before = len(self.site.store.answers)
        (again,) = self._run(1)
        assert again is not None, "killed"
        assert (again["code"], again["sent"]) == (None, 0), again
        sent = [a for a in self.site.store.answers[before:] if a.startswith("PUT ")]
        assert sent == []

    def sent_in_vain(self) -> list[str]:
        """Objects and parts whose arrival was confirmed, and that came again.

        Two at once know nothing of each other, so what they sent does not count.
        """
        if self._two_at_once:
            return []
        counted = Counter(
            _target(line)
            for line in self.site.store.answers
            if re.match(r"PUT .* 200$", line) and "x-amz-copy" not in line
        )
        return [what for what, count in counted.items() if count > 1]

    def close(self) -> None:
        """End what is still running."""
        for timer in self._timers:
            timer.join()
        for process in self._running:
            process.kill()
            process.wait()

    def _make_files(self) -> dict[str, bytes]:
        files = {}
        for name in self.random.sample(NAMES, self.random.randint(2, len(NAMES))):
            sizes = (0, 1, 700, 60_000, 300_000)
            files[name] = self.random.randbytes(self.random.choice(sizes))
        if self.random.random() < 0.5:
            # In parts: more than goes in one request.
            size = 3 * PART + self.random.randint(1, 2 * PART)
            files["large.bin"] = self.random.randbytes(size)
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.log.append(f"{ {name: len(data) for name, data in files.items()} }")
        return files

    def _run(self, uploaders: int) -> list[dict[str, Any] | None]:
        """Outcomes of so many at once; None for one that was killed."""
        api = self.site.live
        settings = {
            "url": self.site.front.url,
            "token": api.token,
            "draft": self.draft.id,
            "folder": str(self.folder),
        }
        environment = {**os.environ, "UPLOADER_RUN": json.dumps(settings)}
        command = [sys.executable, "-m", "tests.faults.uploader_process"]
        self._two_at_once |= uploaders > 1
        self._running = [
            subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(uploaders)
        ]
        return [self._outcome(process) for process in self._running]

    def _outcome(self, process: subprocess.Popen[str]) -> dict[str, Any] | None:
        output, errors = process.communicate(timeout=_RUN_SECONDS)
        killed = process.returncode == -9
        reply = None if killed else json.loads(output.splitlines()[-1])
        self.log.append(f"a run ended with {process.returncode}: {reply} {errors}")
        # Nothing is printed but what the program prints itself.
        assert errors == "", errors
        return reply

    def _plan_fault(self) -> None:
        proxy = self.random.choice([self.site.front, self.site.store])
        front = proxy is self.site.front
        method = self.random.choice(["GET", "POST|PUT"] if front else ["PUT"])
        kinds: dict[str, tuple[Point, Callable[[], None]]] = {
            "reset": (self.random.choice([*Point]), cut),
            "500": (Point.ARRIVED, answer(500)),
            "503": (Point.ARRIVED, answer(503)),
            "429": (Point.ARRIVED, answer(429, 1)),
            "truncated": (Point.HALF_ANSWERED, cut),
            "killed": (self.random.choice([*Point]), self._kill),
            "away": (Point.ARRIVED, lambda: self._away(proxy)),
        }
        if not front:
            kinds["link refused"] = (Point.ARRIVED, answer(403))
            kinds["wrong ETag"] = (Point.ANSWERED, instead(_with_wrong_etag))
        name = self.random.choice([*kinds])
        point, action = kinds[name]
        first = self.random.randint(1, _FAR)
        hits = {first, first + 1} if self.random.random() < 0.3 else {first}
        where = "front" if front else "store"
        self.log.append(f"{name} at {method} {sorted(hits)} of {where}, {point.name}")
        proxy.at(method, "", action, point, hits)

    def _calm(self) -> None:
        for timer in self._timers:
            timer.join()
        for proxy in (self.site.front, self.site.store):
            proxy.forget()

    def _kill(self) -> None:
        for process in self._running:
            process.kill()
        raise Cut

    def _away(self, proxy: FaultProxy) -> None:
        proxy.down()
        timer = threading.Timer(self.random.uniform(0.1, 1.0), proxy.up)
        self._timers.append(timer)
        timer.start()
        raise Cut


def _with_wrong_etag(reply: bytes) -> bytes:
    wrong = b'ETag: "' + b"0" * 32 + b'"\r\n'
    return re.sub(rb"(?i)etag: .*?\r\n", wrong, reply, count=1)


def _target(line: str) -> str:
    """The object or part that a request was about."""
    address = urlsplit(line.split(" ")[1])
    query = parse_qs(address.query)
    return " ".join(
        [address.path, *query.get("uploadId", []), *query.get("partNumber", [])]
    )
