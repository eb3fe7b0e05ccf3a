# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One round of a batch's life, with all that is measured of it."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from .calls import Calls, listed, s3, watch
from .client import Answer
from .memory import Peak
from .processor import clock_of
from .site import Server, Site

SENDERS = 8
SAMPLE = 50
"""Files that upstream sends and commits: it takes minutes for a thousand."""

FILE_SIZE = 64
_OCTETS = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True)
class Life:
    """What one round came to; times in seconds, sizes in bytes.

    :param processor: of the web process, for the announcement.
    :param growth: of the web process's memory, at most.
    :param announcing_s3: calls of the announcement to the object store, in words.
    :param completed: how many files the completion is of, 0 when it was not run.
    :param calls: of the completion.
    """

    announcement: float
    processor: float
    reply_size: int
    growth: int
    announcing_s3: str
    sending: float = 0.0
    completion: float = 0.0
    completed: int = 0
    calls: Calls = field(default_factory=Counter)

    @property
    def s3(self) -> Calls:
        """Calls of the completion to the object store."""
        return s3(self.calls)

    @property
    def completing_s3(self) -> str:
        """The same in words."""
        return listed(self.s3)

    @property
    def index_calls(self) -> int:
        """Calls of the completion to the search engine."""
        return sum(n for name, n in self.calls.items() if name.startswith("search: "))

    @property
    def saves(self) -> int:
        """How often the completion has saved the draft."""
        return self.calls["save: RDMDraft"]


def _contents(count: int) -> dict[str, bytes]:
    return {
        # Without folders: upstream's routes do not take them.
        f"image-{number:05}.dat": os.urandom(FILE_SIZE)
        for number in range(count)
    }


def _announced(server: Server, path: str, body: Any) -> tuple[Answer, Life]:
    clock = clock_of(server.worker)
    peak, before = Peak(server.worker), clock()
    answers: list[Answer] = []
    growth = peak.over(lambda: answers.append(server.api.call("POST", path, json=body)))
    answer, processor = answers[0], clock() - before
    calls = listed(s3(answer.calls))
    return answer, Life(answer.seconds, processor, answer.size, growth, calls)


class OurLife:
    """A batch: one request, bytes straight to the store, one job.

    :param described: whether files are announced with size and MD5 and not as texts.
    """

    def __init__(self, site: Site, count: int, *, described: bool) -> None:
        self._site, self._count, self._described = site, count, described

    def run(self) -> Life:
        """All of it, in a new draft."""
        api = self._site.ours.api
        contents = _contents(self._count)
        draft = api.new_draft().removesuffix("/files")
        body = {"files": self._files(contents), "completed_by": "in 2 hours"}
        answer, life = _announced(self._site.ours, f"{draft}/uploads", body)
        begun = time.perf_counter()
        self._send(answer.json, contents)
        sending = time.perf_counter() - begun
        url = answer.json["completion_url"]
        job = api.call("PUT", url[url.index("/uploads/") :]).json
        seconds, calls = self._run_job(uuid.UUID(job["job_id"]))
        outcome = api.call("GET", f"/uploads/jobs/{job['job_id']}").json
        if outcome["status"] != "SUCCESS" or outcome["result"]["files"] != self._count:
            raise RuntimeError(f"The completion did not succeed: {outcome}")
        return replace(
            life,
            sending=sending,
            completion=seconds,
            completed=self._count,
            calls=calls,
        )

    def _files(self, contents: dict[str, bytes]) -> Sequence[Any]:
        if not self._described:
            return list(contents)
        return [
            {
                "key": key,
                "size": len(data),
                "checksum": f"md5:{hashlib.md5(data).hexdigest()}",
            }
            for key, data in contents.items()
        ]

    def _send(self, reply: Any, contents: dict[str, bytes]) -> None:
        urls, headers = reply["presigned_urls"], reply["headers"]
        if urls.keys() != contents.keys():
            raise RuntimeError("The reply does not hold all links.")
        with requests.Session() as session, ThreadPoolExecutor(SENDERS) as senders:
            for sent in senders.map(
                lambda key: session.put(
                    urls[key], data=contents[key], headers=headers.get(key)
                ),
                contents,
            ):
                sent.raise_for_status()
        # Dirty pages of one side must not be written on the other's clock.
        os.sync()

    def _run_job(self, job_id: uuid.UUID) -> tuple[float, Calls]:
        """As a worker does it, in this process; no worker runs."""
        from invenio_multipart.proxies import current_multipart

        calls = watch()
        with self._site.app.app_context():
            before = calls.copy()
            begun = time.perf_counter()
            current_multipart.jobs.run(job_id)
            return time.perf_counter() - begun, calls - before


class UpstreamLife:
    """The same files through upstream's API: begun together, then some one by one."""

    def __init__(self, site: Site, count: int) -> None:
        self._site, self._count = site, count

    def run(self) -> Life:
        """All of it, in a new draft."""
        api = self._site.upstream.api
        contents = _contents(self._count)
        files = api.new_draft()
        body = [
            {"key": key, "size": len(data), "transfer": {"type": "L"}}
            for key, data in contents.items()
        ]
        answer, life = _announced(self._site.upstream, files, body)
        if len(answer.json["entries"]) != self._count:
            raise RuntimeError("Not all files were begun.")
        sample = list(contents)[:SAMPLE]
        begun = time.perf_counter()
        for key in sample:
            path = f"{files}/{key}/content"
            api.call("PUT", path, data=contents[key], headers=_OCTETS)
        sending = time.perf_counter() - begun
        seconds = 0.0
        calls: Calls = Counter()
        for key in sample:
            commit = api.call("POST", f"{files}/{key}/commit")
            seconds += commit.seconds
            calls += commit.calls
        return replace(
            life,
            sending=sending,
            completion=seconds,
            completed=len(sample),
            calls=calls,
        )
