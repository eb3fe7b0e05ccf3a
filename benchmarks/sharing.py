# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that share bytes: many links in one call, versions in which little changed.

Upstream has no links. What it has for a new version is compared: take over all files,
delete those that changed, send them again. And drafts of many files, quickly made of
links, are published.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator

import requests

from .client import RECORD, Api
from .harness import Row, Series, Timed, compared, in_turns, shown
from .processor import Meter, clock_of
from .site import Site

LINKS = 1000
MAX_SECONDS = 1.0
FILES = 10_000
COMPARED = 1000
CHANGED = 10
PUBLISHED = 300
FILE_SIZE = 64
OCTETS = {"Content-Type": "application/octet-stream"}


def links(site: Site, rounds: int) -> Iterator[Row]:
    """One call that links all files of a record, one by one."""
    api = site.ours.api
    record = _record_of(api, LINKS)
    meter = Meter(clock_of(site.ours.worker))
    times = in_turns({"ours": meter.metered(_linking(api, record))}, rounds)["ours"]
    yield Row(
        "links",
        f"one call that links {LINKS:,} files of another record",
        shown(times),
        "",
        "no bytes moved",
        f"under {MAX_SECONDS:g} s",
        times.median < MAX_SECONDS,
    )
    yield Row(
        "links",
        "the same, processor time of the web process",
        shown(meter.series),
        "",
        "",
    )


def versions(site: Site, rounds: int) -> Iterator[Row]:
    """A new version in which ten files have changed; ours alone at the size wanted."""
    record = _record_of(site.ours.api, COMPARED)
    sides = {
        "ours": lambda: _our_version(site, record, COMPARED),
        "upstream": lambda: _upstream_version(site.upstream.api, record),
    }
    what = f"new version of {COMPARED:,} files, {CHANGED} of them changed"
    times = in_turns(sides, rounds)
    yield compared("versions", f"{what}, up to its files", times)
    record = _record_of(site.ours.api, FILES)
    sides = {"ours": lambda: _our_version(site, record, FILES)}
    alone = in_turns(sides, rounds)["ours"]
    ratio = alone.median / times["ours"].median
    yield Row(
        "versions",
        f"the same of {FILES:,} files, {CHANGED} of them changed",
        shown(alone),
        "upstream: not run, see below",
        f"{ratio:.1f} times ours of {COMPARED:,}",
    )


def publishing(site: Site, rounds: int) -> Iterator[Row]:
    """Publish a draft of many files; ours alone goes to the size that is wanted."""
    api = site.ours.api
    target = some_file(api)
    sides = {
        # The drafts are the same: what makes them is not compared.
        "ours": lambda: _publication(api, draft_of(api, target, PUBLISHED)),
        "upstream": lambda: _publication(
            site.upstream.api, draft_of(api, target, PUBLISHED)
        ),
    }
    what = f"publication of a draft of {PUBLISHED:,} files"
    yield compared("publish", what, in_turns(sides, rounds))
    seconds = _publication(api, draft_of(api, target, FILES))
    what = f"publication of a draft of {FILES:,} files"
    once = shown(Series((seconds,)))
    yield Row("publish", what, once, "upstream: not run, see below", "")


def _keys(count: int) -> list[str]:
    # Without folders: upstream's routes do not take them.
    return [f"image-{number:05}.dat" for number in range(count)]


def _record_of(api: Api, count: int) -> str:
    """A published record of many files, which are all the same bytes."""
    return _published(api, draft_of(api, some_file(api), count))


def some_file(api: Api) -> dict[str, str]:
    """A published file."""
    source = api.new_draft()
    send_stock(api, source, "source.dat")
    return {"id": _published(api, source), "key": "source.dat"}


def draft_of(api: Api, target: dict[str, str], count: int) -> str:
    """A draft of many links to a file; the path of its files."""
    many = api.new_draft()
    body = {"files": [{"key": key, "record": target} for key in _keys(count)]}
    api.call("POST", many.replace("/files", "/links"), json=body)
    return many


def _publication(api: Api, files: str) -> float:
    draft = files.removesuffix("/files")
    return api.call("POST", f"{draft}/actions/publish").seconds


def _published(api: Api, files: str) -> str:
    draft = files.removesuffix("/files")
    return str(api.call("POST", f"{draft}/actions/publish").json["id"])


def send_stock(api: Api, files: str, key: str) -> None:
    """A small file by upstream's own three calls."""
    api.call("POST", files, json=[{"key": key}])
    content = os.urandom(FILE_SIZE)
    api.call("PUT", f"{files}/{key}/content", data=content, headers=OCTETS)
    api.call("POST", f"{files}/{key}/commit")


def _linking(api: Api, record: str) -> Timed:
    def timed() -> float:
        path = api.new_draft().replace("/files", "/links")
        wanted = [
            {"key": key, "record": {"id": record, "key": key}} for key in _keys(LINKS)
        ]
        answer = api.call("POST", path, json={"files": wanted})
        if answer.json["total"] != LINKS:
            raise RuntimeError("Not all files were linked.")
        return answer.seconds

    return timed


def _new_version(api: Api, record: str) -> str:
    version = api.call("POST", f"/records/{record}/versions").json["id"]
    draft = f"/records/{version}/draft"
    api.call("PUT", draft, json=RECORD)
    return draft


def _our_version(site: Site, record: str, count: int) -> float:
    """Keep the others, announce and send the changed ones, complete."""
    from invenio_multipart.proxies import current_multipart

    api, changed = site.ours.api, _keys(CHANGED)
    draft = _new_version(api, record)
    begun = time.perf_counter()
    body = {"previous": {"except": changed}}
    kept = api.call("POST", f"{draft}/links", json=body).json["total"]
    batch = api.call("POST", f"{draft}/uploads", json={"files": changed}).json
    for url in batch["presigned_urls"].values():
        requests.put(url, data=os.urandom(FILE_SIZE), timeout=60).raise_for_status()
    url = batch["completion_url"]
    job = api.call("PUT", url[url.index("/uploads/") :]).json
    with site.app.app_context():
        # As a worker does it; none runs.
        current_multipart.jobs.run(uuid.UUID(job["job_id"]))
    seconds = time.perf_counter() - begun
    outcome = api.call("GET", f"/uploads/jobs/{job['job_id']}").json
    if kept != count - CHANGED or outcome["status"] != "SUCCESS":
        raise RuntimeError(f"{kept} files were kept; the job: {outcome}")
    api.call("DELETE", draft)
    return seconds


def _upstream_version(api: Api, record: str) -> float:
    """Take over all, delete the changed ones, send them again."""
    draft = _new_version(api, record)
    begun = time.perf_counter()
    api.call("POST", f"{draft}/actions/files-import")
    for key in _keys(CHANGED):
        api.call("DELETE", f"{draft}/files/{key}")
        send_stock(api, f"{draft}/files", key)
    seconds = time.perf_counter() - begun
    api.call("DELETE", draft)
    return seconds
