# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Downloads of many files ask for their links a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invenio_multipart.client import content_links
from invenio_multipart.client.download import Downloader
from invenio_multipart.client.errors import ProtocolError

from .conftest import QUICK
from .content_server import RECORD, TOKEN, ContentServer, Trouble
from .test_download import content, files_in

FILES = {f"d/{n:02}": content(1000 + n, n) for n in range(10)}


@pytest.fixture
def store() -> Iterator[ContentServer]:
    """A server that lists four files at once, and has ten."""
    world = ContentServer()
    world.links_per_page = 4
    for key, data in FILES.items():
        world.put(key, data)
    yield world
    world.stop()


@pytest.fixture
def downloader(store: ContentServer) -> Downloader:
    """Does not wait long before it tries again; two requests at a time."""
    return Downloader(store.base_url, TOKEN, jobs=2, policy=QUICK)


def asked(store: ContentServer) -> list[str]:
    """What was asked of the API, in order, without the common start."""
    return [seen.path.partition(f"{RECORD}/")[2] for seen in store.requests("api")]


LIST = [
    "content-links?links=no",
    "content-links?links=no&after=d%2F03",
    "content-links?links=no&after=d%2F07",
]
LINKS = [
    "content-links?size=4",
    "content-links?size=4&after=d%2F03",
    "content-links?size=2&after=d%2F07",
]


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten files are many."""
    monkeypatch.setattr(content_links, "FIRST_GROUP", 4)
    monkeypatch.setattr(content_links, "GROUP", 4)


def test_one_request_for_each_page(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """And another for its links, and none for each file; the store gets no token."""
    summary = downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == FILES
    assert asked(store)[:4] == [*LIST, LINKS[0]]
    assert sorted(asked(store)) == sorted(LIST + LINKS)
    assert summary.api_requests == len(LIST + LINKS)
    assert {seen.authorization for seen in store.requests("storage")} == {None}
    assert summary.received == 10


def test_old_links_are_renewed_together(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One more request for all files of a page, not one for each."""
    monkeypatch.setattr(content_links, "YOUNG_SECONDS", -1.0)
    store.first_links_expired = True

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == FILES
    assert sorted(asked(store)) == sorted(LIST + LINKS * 2)


def test_young_links_that_are_refused(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Then the server is asked for the file itself, as one without links is."""
    store.expired = {"s1"}

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == FILES
    assert sorted(asked(store)) == sorted([*LIST, *LINKS, "files/d/00/content"])


def test_files_without_a_link(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Are asked for one by one."""
    store.without_link = {"d/02", "d/09"}

    downloader.download(RECORD, tmp_path)

    assert files_in(tmp_path) == FILES
    single = ["files/d/02/content", "files/d/09/content"]
    assert sorted(asked(store)) == sorted([*LIST, *LINKS, *single])


def test_links_that_cannot_be_renewed(
    store: ContentServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A page that is refused by now ends nothing."""
    monkeypatch.setattr(content_links, "YOUNG_SECONDS", -1.0)
    store.expired = {"s1"}
    store.fail("links", *[Trouble("none")] * 4, Trouble("status", 404))

    one_by_one = Downloader(store.base_url, TOKEN, jobs=1, policy=QUICK)
    one_by_one.download(RECORD, tmp_path)

    assert files_in(tmp_path) == FILES
    assert asked(store).count("files/d/00/content") == 1


def test_what_is_here_already_is_not_asked_for(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """A page of which nothing is fetched counts no downloads."""
    downloader.download(RECORD, tmp_path)
    (tmp_path / "d" / "05").unlink()
    store.seen.clear()

    downloader.download(RECORD, tmp_path)

    assert asked(store) == [*LIST, LINKS[1]]


def test_the_first_links_are_few(
    store: ContentServer,
    downloader: Downloader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Something is there to be fetched while the server makes many."""
    monkeypatch.setattr(content_links, "FIRST_GROUP", 1)
    monkeypatch.setattr(content_links, "GROUP", 1000)
    store.links_per_page = 1000

    downloader.download(RECORD, tmp_path)

    # Two threads ask: for the links that they need, and for those after them.
    assert {path.partition("?")[2] for path in asked(store)} == {
        "links=no",
        "size=1",
        "size=2&after=d%2F00",
        "size=4&after=d%2F02",
        "size=3&after=d%2F06",
    }


def test_links_of_some_files(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """What nobody wants is not asked for, and counts as no download."""
    wanted = ["d/01", "d/02", "d/08"]
    downloader.download(RECORD, tmp_path, files=wanted)

    assert sorted(files_in(tmp_path)) == wanted
    assert sorted(asked(store)[3:]) == [
        "content-links?size=1&after=d%2F07",
        "content-links?size=2&after=d%2F00",
    ]


def test_trouble_with_the_next_links(
    store: ContentServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is no trouble of the file at hand; its own asks again."""
    never = Trouble("status", 503)
    store.fail("links", *[Trouble("none")] * 4, *[never] * QUICK.attempts)
    one_by_one = Downloader(store.base_url, TOKEN, jobs=1, policy=QUICK)

    one_by_one.download(RECORD, tmp_path)

    assert files_in(tmp_path) == FILES
    assert asked(store).count(LINKS[1]) == QUICK.attempts + 1


def test_a_list_without_an_end(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """Is no list."""
    store.repeats_page = True
    with pytest.raises(ProtocolError, match="no end"):
        downloader.download(RECORD, tmp_path)


def test_a_dry_run_asks_for_no_links(
    store: ContentServer, downloader: Downloader, tmp_path: Path
) -> None:
    """It fetches nothing."""
    downloader.download(RECORD, tmp_path, dry_run=True)
    assert asked(store) == LIST
