# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A folder of objects that are in a bucket already becomes files of a draft."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from .harness import Row, Timed, in_turns, shown
from .processor import Meter, clock_of
from .site import Site

COUNT = 10_000
MAX_SECONDS = 20.0
_FOLDER = "objects/run/"
_ROLE = "multipart-linker"


def adopting(site: Site, rounds: int) -> Iterator[Row]:
    """Link 10,000 objects in one call, and find their digests in a worker.

    Upstream has nothing like it: a file there is sent, or an address elsewhere.
    """
    _prepare(site)
    meter = Meter(clock_of(site.ours.worker))
    first = in_turns({"ours": meter.metered(_linker(site))}, 1)["ours"]
    job = in_turns({"ours": _digests(site)}, 1)["ours"]
    again = in_turns({"ours": _linker(site)}, rounds)["ours"]
    what = f"`POST` that links a folder of {COUNT:,} objects"
    most = f"at most {MAX_SECONDS:g} s"
    met = first.median <= MAX_SECONDS
    yield Row("adopting", what, shown(first), "", "", most, met)
    what = "the same, processor time of the web process"
    yield Row("adopting", what, shown(meter.series), "", "")
    what = f"the worker that looks at {COUNT:,} of them for their digests"
    yield Row("adopting", what, shown(job), "", "")
    what = "the folder linked again, to other drafts"
    met = again.median <= MAX_SECONDS
    yield Row("adopting", what, shown(again), "", "", most, met)


def _prepare(site: Site) -> None:
    """The objects, and the role."""
    from invenio_accounts.proxies import current_datastore
    from invenio_db import db

    def put(number: int) -> None:
        key = f"{_FOLDER}{number % 100:02}/{number:05}.txt"
        site.s3.put_object(Bucket=site.bucket, Key=key, Body=str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(COUNT)))
    with site.app.app_context():
        role = current_datastore.create_role(id=_ROLE, name=_ROLE)
        user = current_datastore.get_user("owner@multipart.example.org")
        current_datastore.add_role_to_user(user, role)
        db.session.commit()


def _linker(site: Site) -> Timed:
    body = {"files": [{"key": "", "url": f"s3://{site.bucket}/{_FOLDER}"}]}

    def timed() -> float:
        draft = site.ours.api.new_draft().removesuffix("/files")
        answer = site.ours.api.call("POST", f"{draft}/links", json=body)
        if answer.json["total"] != COUNT:
            raise RuntimeError("Some objects are missing.")
        return answer.seconds

    return timed


def _digests(site: Site) -> Timed:
    def timed() -> float:
        from time import perf_counter

        from invenio_multipart.proxies import current_multipart
        from invenio_multipart.records.models import Job

        begun = perf_counter()
        with site.app.app_context():
            job = Job.query.filter_by(kind="digest_adopted").first()
            current_multipart.jobs.run(job.id)
            status = current_multipart.jobs.status(job.id)
        if status["result"]["looked_at"] != COUNT:
            raise RuntimeError(f"The job has not done it all: {status}")
        return perf_counter() - begun

    return timed
