# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Many at once: links, last deletions and quota, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ..backdoor import bucket_size, set_limits, setting
from ..driver import Api, Draft, Reply
from ..lives import is_there, link, linked, noted, put, settle, sizes
from .test_lifetime import GONE, THERE, data

THREADS = 20


def at_once(calls: Sequence[Callable[[], Reply]]) -> list[Reply]:
    """Make all calls in threads of their own, that begin together."""
    begin = threading.Barrier(len(calls))

    def one(call: Callable[[], Reply]) -> Reply:
        begin.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def insist(call: Callable[[], Reply]) -> Reply:
    """Repeat what another request of the same draft was faster than.

    And what upstream refuses by mistake: it looks vocabularies up by a type that it
    keeps on the class, for all threads.
    """
    for _ in range(100):
        reply = call()
        mistake = reply.status == 400 and "code" not in (reply.json or {})
        if reply.status != 409 and not mistake:
            return reply
    raise AssertionError(reply.json)


@pytest.mark.parametrize("place", [0, 12])
def test_links_race_with_the_last_deletion(
    app: Any, api: Api, local: str, place: int
) -> None:
    """A link has its bytes or was refused, and in the end nothing is left."""
    source = api.new_draft()
    file = put(source, "a.txt", data())
    drafts = [api.new_draft() for _ in range(THREADS - 1)]
    calls: list[Any] = [
        lambda draft=draft: link(draft, "b.txt", source.id, "a.txt") for draft in drafts
    ]
    calls.insert(place, lambda: insist(lambda: source.delete("a.txt")))
    replies = at_once(calls)
    assert replies.pop(place).status == 204
    settle(app)
    made = [d for d, r in zip(drafts, replies, strict=True) if r.status == 201]
    refused = [r.json["code"] for r in replies if r.status != 201]
    assert set(refused) <= {"link_target_unavailable"}
    for draft in made:
        assert draft.content("b.txt") == file.data
    assert is_there(app, file) == (THERE if made else GONE)
    ends: list[Any] = [lambda d=d: d.api.call("DELETE", d.path) for d in drafts]
    assert {reply.status for reply in at_once(ends)} == {204}
    settle(app)
    assert is_there(app, file) == GONE and noted(app) == 0


def test_a_link_that_comes_too_late(
    app: Any, api: Api, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target went between the look at it and the link: refused, in our words."""
    from invenio_multipart.services.links import make

    source, draft = api.new_draft(), api.new_draft()
    file = put(source, "a.txt", data())
    real = make.share

    def late(*args: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(source.delete, "a.txt").result(30).status == 204
        assert is_there(app, file) == GONE
        return real(*args)

    monkeypatch.setattr(make, "share", late)
    reply = link(draft, "b.txt", source.id, "a.txt")
    assert (reply.status, reply.json["code"]) == (400, "link_target_unavailable")
    assert bucket_size(draft) == 0


def test_a_deletion_waits_for_a_link(
    app: Any, api: Api, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link that is made and not yet committed keeps the bytes."""
    from invenio_multipart.services.links import make

    source, draft = api.new_draft(), api.new_draft()
    file = put(source, "a.txt", data())
    real, pool = make.share, ThreadPoolExecutor(1)
    deletions = []

    def slow(*args: Any) -> Any:
        made = real(*args)
        deletions.append(pool.submit(source.delete, "a.txt"))
        # It has deleted the entry and stands at the file's row, if it waits.
        with pytest.raises(TimeoutError):
            deletions[0].result(2)
        return made

    monkeypatch.setattr(make, "share", slow)
    linked(draft, "b.txt", source.id, "a.txt")
    assert deletions[0].result(30).status == 204
    assert is_there(app, file) == THERE
    assert draft.content("b.txt") == file.data


def test_the_last_two_uses_end_at_once(
    app: Any, api: Api, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees what the other has done, and the bytes go all the same."""
    from invenio_multipart.transfers import components

    first, second = api.new_draft(), api.new_draft()
    file = put(first, "a.txt", data())
    linked(second, "b.txt", first.id, "a.txt")
    both = threading.Barrier(2)
    real = components.end_entries

    def together(*args: Any) -> None:
        real(*args)
        # Both have removed their object, and neither has committed.
        both.wait(30)

    with monkeypatch.context() as patch:
        patch.setattr(components, "end_entries", together)
        replies = at_once(
            [lambda: first.delete("a.txt"), lambda: second.delete("b.txt")]
        )
    assert [reply.status for reply in replies] == [204, 204]
    settle(app)
    assert is_there(app, file) == GONE and noted(app) == 0


def test_upstreams_own_clean_up_at_once(app: Any, api: Api, local: str) -> None:
    """Links, deletions and upstream's two tasks in any order lose and leave nothing."""
    from invenio_db import db
    from invenio_files_rest.tasks import clear_orphaned_files, remove_file_data

    source = api.new_draft()
    file = put(source, "a.txt", data())
    drafts = [api.new_draft() for _ in range(8)]
    for draft in drafts[::2]:
        linked(draft, "b.txt", source.id, "a.txt")

    def clean_up(task: Any, *args: Any, **named: Any) -> Callable[[], Reply]:
        def run() -> Reply:
            with app.app_context():
                try:
                    task(*args, **named)
                except FileNotFoundError:
                    pass  # Upstream's: somebody else was faster.
                finally:
                    db.session.rollback()
            return Reply(0, None, {})

        return run

    remove = clean_up(remove_file_data, str(file.file_id), force=True)
    clear = clean_up(clear_orphaned_files, lambda _: True)
    ends: list[Any] = [lambda d=d: d.api.call("DELETE", d.path) for d in drafts[::2]]
    links: list[Any] = [
        lambda d=d: link(d, "c.txt", source.id, "a.txt") for d in drafts[1::2]
    ]
    first = lambda: insist(lambda: source.delete("a.txt"))  # noqa: E731
    replies = at_once([remove, *ends, clear, *links, first, remove, clear])
    settle(app)
    made = [r.status == 201 for r in replies[6:10]]
    assert is_there(app, file) == (THERE if any(made) else GONE)
    for draft, has_it in zip(drafts[1::2], made, strict=True):
        if has_it:
            assert draft.content("c.txt") == file.data
        assert draft.api.call("DELETE", draft.path).status == 204
    settle(app)
    assert is_there(app, file) == GONE and noted(app) == 0


def room_for(draft: Draft, files: int, size: int) -> None:
    """Let so many files of this size, and not one byte more, fit into the draft."""
    set_limits(draft, quota_size=files * size)


def test_links_take_exactly_the_room_there_is(app: Any, api: Api, local: str) -> None:
    """Of twenty at once as many as fit are made, and deletions give room back."""
    source, draft = api.new_draft(), api.new_draft()
    size = len(put(source, "a.txt", data()).data)
    room_for(draft, 7, size)
    calls: list[Any] = [
        lambda n=n: insist(lambda: link(draft, f"{n}.txt", source.id, "a.txt"))
        for n in range(THREADS)
    ]
    replies = at_once(calls)
    made = [n for n, reply in enumerate(replies) if reply.status == 201]
    codes = {reply.json["code"] for reply in replies if reply.status != 201}
    assert (len(made), codes) == (7, {"quota_exceeded"})
    assert bucket_size(draft) == 7 * size
    # Deletions and links together: as much goes out as comes in.
    mixed: list[Any] = [
        lambda n=n: insist(lambda: draft.delete(f"{n}.txt")) for n in made
    ]
    others = [n for n in range(THREADS) if n not in made]
    mixed += [calls[n] for n in others]
    replies = at_once(mixed)
    assert {reply.status for reply in replies[:7]} == {204}
    counted, there = sizes(app, draft.id)["RDMDraft"]
    # Of some that are there the reply was lost: it lists all, and one had just gone.
    came = there // size
    assert sum(reply.status == 201 for reply in replies[7:]) <= came <= 7
    assert counted == there
    replies = [calls[n]() for n in made]
    assert [reply.status for reply in replies] == [201] * (7 - came) + [400] * came


def test_links_that_take_no_room(app: Any, api: Api, local: str) -> None:
    """Where links are free all are made, and files have all of the room."""
    source, draft = api.new_draft(), api.new_draft()
    size = len(put(source, "a.txt", data()).data)
    room_for(draft, 1, size)
    with setting(app, MULTIPART_LINK_QUOTA="none"):
        replies = at_once(
            [
                lambda n=n: insist(lambda: link(draft, f"{n}.txt", source.id, "a.txt"))
                for n in range(THREADS)
            ]
        )
        assert {reply.status for reply in replies} == {201}
        assert bucket_size(draft) == THREADS * size
        put(draft, "own.txt", b"x" * size)
        assert draft.init("more.txt", 1).json["code"] == "quota_exceeded"
        assert draft.delete("0.txt").status == 204
        assert draft.init("more.txt", 1).json["code"] == "quota_exceeded"
        assert draft.delete("own.txt").status == 204
        assert draft.init("more.txt", 1).status == 201
