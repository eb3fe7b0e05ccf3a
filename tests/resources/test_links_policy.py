# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Links under a site's own permission policy, which may look at each file."""

from __future__ import annotations

from typing import Any

import pytest
from flask_principal import ActionNeed, UserNeed
from invenio_access.permissions import any_user
from invenio_records_permissions.generators import AnyUser, Generator
from invenio_records_resources.proxies import current_service_registry
from invenio_records_resources.services.files.processors import FileProcessor

from ..backdoor import setting
from ..driver import Api, Draft, Reply
from .test_links import DATA, publish, put_file

OPEN, CLOSED = "open.txt", "closed.txt"


class OnlyOpen(Generator):  # type: ignore[misc]
    """Everybody for one file, nobody for the others."""

    def needs(self, file_key: str = "", **kwargs: Any) -> list[Any]:
        """By the file's name."""
        return [any_user] if file_key == OPEN else []


class NotClosed(AnyUser):  # type: ignore[misc]
    """Everybody, but nobody for one file."""

    def excludes(self, file_key: str = "", **kwargs: Any) -> list[Any]:
        """By the file's name."""
        return [any_user] if file_key == CLOSED else []


class ActionOfFile(Generator):  # type: ignore[misc]
    """Whoever the database allows the action of that file's name."""

    def needs(self, file_key: str = "", **kwargs: Any) -> list[Any]:
        """An action for each file."""
        return [ActionNeed(f"read-{file_key}"), UserNeed(-1)]


def not_closed(policy: Any, identity: Any) -> bool:
    """A site's own way to an answer, past all needs."""
    return bool(policy.over.get("file_key") != CLOSED)


def of_two(other: Api) -> str:
    """A record of somebody else with two files."""
    draft = other.new_draft()
    put_file(draft, OPEN)
    put_file(draft, CLOSED)
    return publish(draft)


def link_both(api: Api, record: str) -> Reply:
    """Link both in one call."""
    files = [{"key": k, "record": {"id": record, "key": k}} for k in (OPEN, CLOSED)]
    return api.call("POST", f"{api.new_draft().path}/links", json={"files": files})


def site_policy(app: Any, **members: Any) -> Any:
    """While it lasts, the site's policy has these members."""
    before = app.config["RDM_PERMISSION_POLICY"]
    policy = type("SitePolicy", (before,), members)
    return setting(app, RDM_PERMISSION_POLICY=policy)


@pytest.fixture
def action(app: Any, api: Api) -> Any:
    """The database allows the account the action of the open file only."""
    from invenio_access.models import ActionUsers
    from invenio_db import db

    owner = api.get(api.new_draft().path).json["parent"]["access"]["owned_by"]
    with app.app_context():
        need = ActionNeed(f"read-{OPEN}")
        db.session.add(ActionUsers.allow(need, user_id=int(owner["user"])))
        db.session.commit()
    yield
    with app.app_context():
        # One by one: only so is the cache told.
        for row in ActionUsers.query.filter_by(action=f"read-{OPEN}"):
            db.session.delete(row)
        db.session.commit()


@pytest.mark.parametrize(
    "members",
    [
        {"can_get_content_files": [OnlyOpen()]},
        {"can_get_content_files": [NotClosed()]},
        {"can_get_content_files": [ActionOfFile()]},
        {
            "can_get_content_files": [AnyUser()],
            "allows": not_closed,
        },
    ],
    ids=["needs", "excludes", "actions", "allows"],
)
def test_each_file_has_its_own_answer(
    app: Any, api: Api, other: Api, local: str, action: None, members: Any
) -> None:
    """A policy that tells files of one record apart is asked about each."""
    record = of_two(other)
    with site_policy(app, **members):
        reply = link_both(api, record)
    assert (reply.status, reply.json["code"]) == (400, "link_target_unavailable")
    assert reply.json["targets"] == [f"{record}/{CLOSED}"]
    assert link_both(api, record).status == 201


def test_what_answers_cost_does_not_grow(
    api: Api, other: Api, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the rights is looked up as often for thirty files as for three."""
    from invenio_access.ext import _AccessState

    source = other.new_draft()
    put_file(source, OPEN)
    target = {"id": publish(source), "key": OPEN}
    many = other.new_draft()
    files = [{"key": f"{n}.txt", "record": target} for n in range(30)]
    assert other.call("POST", f"{many.path}/links", json={"files": files}).status == 201
    record, seen = publish(many), []
    get = _AccessState.get_action_cache
    monkeypatch.setattr(
        _AccessState,
        "get_action_cache",
        lambda self, key: [seen.append(key), get(self, key)][1],
    )
    counts = []
    for some in (files[:3], files):
        links = [{**f, "record": {"id": record, "key": f["key"]}} for f in some]
        path = f"{api.new_draft().path}/links"
        seen.clear()
        assert api.call("POST", path, json={"files": links}).status == 201
        counts.append(len(seen))
    assert counts[0] == counts[1] > 0


def test_processors_of_the_site(
    app: Any, api: Api, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site's own look into new files sees size and bytes of a link, too."""
    seen = []

    class Watcher(FileProcessor):  # type: ignore[misc]
        def can_process(self, file_record: Any) -> bool:
            seen.append((file_record.key, file_record.file.size))
            return False

    put_file(draft, OPEN)
    record, mine = publish(draft), api.new_draft()
    with app.app_context():
        config = current_service_registry.get("draft-files").config
    processors = [*config.file_processors, Watcher()]
    monkeypatch.setattr(config, "file_processors", processors)
    files = [{"key": "mine.txt", "record": {"id": record, "key": OPEN}}]
    assert api.call("POST", f"{mine.path}/links", json={"files": files}).status == 201
    assert seen == [("mine.txt", len(DATA))]
