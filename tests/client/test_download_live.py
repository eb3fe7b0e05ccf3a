# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Records come down from a real InvenioRDM, from S3 and from its own disk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from invenio_multipart.client.download import Downloader
from invenio_multipart.client.downloads import DownloadResult
from invenio_multipart.client.errors import PartialDownloadError, RefusedError
from invenio_multipart.client.part_file import part_name

from ..conftest import use_storage
from ..driver import Draft
from ..faults.proxy import FaultProxy, running
from .live import PATIENT, Live, configured, serving_here, store_url
from .test_download import files_in

MIB = 2**20
CONTENTS = {
    "a.txt": 5,
    "raw/day 1/ü ñ #?%&+.bin": 100_000,
    "raw/empty": 0,
    "large.bin": 24 * MIB + 3,
}


@pytest.fixture(scope="module")
def store_proxy() -> Iterator[FaultProxy]:
    """What stands between everybody and the store."""
    with running(store_url()) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def site(app: Any) -> Iterator[str]:
    """Address of the real site."""
    with serving_here(app) as url:
        yield url


@pytest.fixture(params=["s3", "local"])
def live(
    app: Any, site: str, store_proxy: FaultProxy, request: pytest.FixtureRequest
) -> Iterator[Live]:
    """The site, with either storage for new drafts."""
    use_storage(app, request.param)
    store_proxy.calm()
    with configured(app, S3_ENDPOINT_URL=store_proxy.url):
        yield Live(site, app, store_proxy)
    use_storage(app, "s3")
    store_proxy.calm()


@pytest.fixture
def draft(live: Live, tmp_path: Path) -> Draft:
    """A draft with files of all kinds, which are in a folder as well."""
    rng = random.Random(6)
    for key, size in CONTENTS.items():
        path = tmp_path / "up" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(size))
    made = live.new_draft()
    live.uploader().upload_many(made.id, [f"{tmp_path / 'up'}/"])
    return made


def downloader(live: Live, who: str | None = "owner") -> Downloader:
    """One that does not wait long before it tries again."""
    token = live.app.tokens[who] if who else None
    return Downloader(live.url, token, policy=PATIENT)


def test_draft_and_record(live: Live, draft: Draft, tmp_path: Path) -> None:
    """The owner gets the draft's files, and everybody those of the public record."""
    wanted = files_in(tmp_path / "up")
    results: list[DownloadResult] = []
    mine = downloader(live)

    mine.download(draft.id, tmp_path / "1", draft=True, on_file=results.append)
    with pytest.raises(RefusedError):
        downloader(live, None).download(draft.id, tmp_path / "2", draft=True)
    assert draft.publish().status == 202
    summary = downloader(live, None).download(draft.id, tmp_path / "3")
    again = downloader(live, None).download(draft.id, tmp_path / "3")

    assert files_in(tmp_path / "1") == files_in(tmp_path / "3") == wanted
    assert all(result.verified for result in results)
    assert summary.bytes_received == sum(CONTENTS.values())
    assert (again.kept, again.bytes_received) == (len(CONTENTS), 0)


def test_resume(live: Live, draft: Draft, tmp_path: Path) -> None:
    """On S3 only what is missing is asked for; a disk without ranges sends all."""
    data = (tmp_path / "up/large.bin").read_bytes()
    entry = draft.api.get(draft.file("large.bin")).json
    part = tmp_path / part_name("large.bin", len(data), entry["checksum"])
    part.write_bytes(data[: 10 * MIB])

    result = downloader(live).download_file(draft.id, "large.bin", tmp_path, draft=True)

    assert (tmp_path / "large.bin").read_bytes() == data
    assert result.verified and not part.exists()


def test_ranges_of_the_servers_own_disk(
    live: Live, draft: Draft, tmp_path: Path
) -> None:
    """Where a site allows ranges for its disk, they are used."""
    with configured(live.app, FILES_REST_ALLOW_RANGE_REQUESTS=True):
        downloader(live).download(draft.id, tmp_path / "1", draft=True)

    assert files_in(tmp_path / "1") == files_in(tmp_path / "up")


def test_record_of_somebody_else(live: Live, draft: Draft, tmp_path: Path) -> None:
    """A draft is refused to others, in the server's words."""
    with pytest.raises(RefusedError) as caught:
        downloader(live, "other").download(draft.id, tmp_path / "1", draft=True)

    assert caught.value.status in (403, 404)


def test_bytes_that_rotted(live: Live, draft: Draft, tmp_path: Path) -> None:
    """Bytes that changed in the store are found out, and get no name."""
    from invenio_files_rest.models import ObjectVersion

    with live.app.app_context():
        stored = ObjectVersion.query.filter_by(key="a.txt").order_by(
            ObjectVersion.created.desc()
        )
        storage = stored.first().file.storage()
        with storage.open("wb") as file:
            file.write(b"other")

    with pytest.raises(PartialDownloadError) as caught:
        downloader(live).download(draft.id, tmp_path / "1", draft=True)

    (failed,) = caught.value.results
    assert (failed.key, failed.code) == ("a.txt", "integrity")
    assert set(files_in(tmp_path / "1")) == CONTENTS.keys() - {"a.txt"}
