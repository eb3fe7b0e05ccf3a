# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A story of a client, its drafts and batches, and what breaks meanwhile.

All of it follows from one number, the seed, and every line of it is noted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from sqlalchemy.exc import DBAPIError

from ..driver import RECORD, Draft, Reply
from .batch_client import KINDS, BatchClient, File, file_of, link_to
from .batches_left import batches_since
from .left_behind import make_old
from .lifeline import Killed, drop_connections
from .proxy import Point, answer, cut
from .recovery import let_leases_end, pass_deadlines, reap
from .world import World

_ANY = r"GET|PUT|POST|HEAD|DELETE"
_FAR = 14
"""Most faults are at one of the first so many steps or requests."""


class Schedule:
    """One story."""

    def __init__(self, seed: int, world: World) -> None:
        self.random = random.Random(seed)
        self.world = world
        self.log = [f"seed {seed}"]
        self.drafts: list[Draft] = []
        self.clients: list[BatchClient] = []
        self.closed: set[str] = set()
        """Batches whose links nobody may use any more: their deadline passed."""
        self._forgiven = 0
        """Errors of the database that dropped connections may still cause."""
        self._target = ("", b"")

    def run(self, actions: int) -> None:
        """So many actions, some of which are broken off."""
        self._target = self._published()
        for _ in range(actions):
            weights = {
                self.new_draft: 1 if self.drafts else 50,
                self.announce: 3 if self.clients else 12,
                self.announce_record: 1,
                self.announce_version: 1,
                self.send: 6 if self.clients else 0,
                self.complete: 5 if self.clients else 0,
                self.work: 6,
                self.abort: 1 if self.clients else 0,
                self.delete_file: 1 if self.clients else 0,
                self.delete_draft: 0.5 if self.drafts else 0,
                self.look: 1 if self.clients else 0,
                self.periodic: 2,
                self.deadline: 0.7 if self.clients else 0,
                self.publish: 0.7 if self.drafts else 0,
            }
            (action,) = self.random.choices([*weights], [*weights.values()])
            with self.fault(action.__name__):
                action()

    # What a client does.

    def new_draft(self) -> None:
        """Make a draft."""
        self.drafts.append(self.world.api.new_draft())

    def announce(self) -> None:
        """Announce some files for a draft, or for what is no draft any more."""
        if self.drafts:
            self._announce(f"{self.random.choice(self.drafts).path}/uploads")

    def announce_record(self) -> None:
        """Have a draft made for an announcement."""
        self._announce("/uploads", record=RECORD)

    def announce_version(self) -> None:
        """Announce files for a new version of a record, if it is one."""
        if self.drafts:
            self._announce(f"/records/{self.random.choice(self.drafts).id}/uploads")

    def send(self) -> None:
        """Send most files, some of them wrong."""
        client = self._client()
        if client.id in self.closed:
            return
        if self.random.random() < 0.3:
            self.note(client.look_up())
        for key, file in client.files.items():
            chance = self.random.random()
            urls = {
                **client.reply.get("presigned_urls", {}),
                **client.reply.get("links", {}),
            }
            if key not in urls or chance < 0.1:
                continue
            wrong = file.data[::-1] if chance < 0.2 else file.data
            try:
                taken = client.send(key, wrong)
                self.log.append(f"  {key}: {'taken' if taken else 'refused'}")
            except requests.ConnectionError:
                self.log.append(f"  {key}: nobody knows")

    def complete(self) -> None:
        """Ask for the completion, and perhaps for the publication."""
        body = {"publish": True} if self.random.random() < 0.4 else {}
        self.note(self._client().complete(**body))

    def abort(self) -> None:
        """Abort."""
        self.note(self._client().abort())

    def delete_file(self) -> None:
        """Take one file out of the draft."""
        client = self._client()
        draft = Draft(self.world.api, client.record_id)
        self.note(draft.delete(self.random.choice([*client.files])))

    def delete_draft(self) -> None:
        """Delete a draft."""
        draft = self.random.choice(self.drafts)
        self.note(draft.api.call("DELETE", draft.path))

    def look(self) -> None:
        """Read the batch."""
        self.note(self._client().status())

    def publish(self) -> None:
        """Publish a draft."""
        self.note(self.random.choice(self.drafts).publish())

    # What happens by itself.

    def work(self) -> None:
        """A worker takes some messages."""
        count = self.world.queue.work(self.random.randint(1, 6))
        self.log.append(f"  {count} messages")

    def periodic(self) -> None:
        """Leases of the dead end, and the periodic tasks run."""
        with self.world.app.app_context():
            make_old(self.world.begun)
            let_leases_end(self.world.begun)
            self.log.append(f"  {reap()}")

    def deadline(self) -> None:
        """The deadline of a batch passes."""
        client = self._client()
        self.closed.add(client.id)
        with self.world.app.app_context():
            pass_deadlines(self.world.begun, client.id)

    # What breaks.

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Perhaps something breaks during this action."""
        breaks: list[tuple[float, Callable[[], Any]]] = [
            (10, _calm),
            (5, self._kill),
            (2, self._drop),
            (3, self._break_s3),
            (1, self._s3_down),
            (1, self._broker_down),
        ]
        weights = [weight for weight, _ in breaks]
        ((_, make),) = self.random.choices(breaks, weights)
        options = make() or {}
        self.log.append(f"{name} {make.__name__.strip('_')} {options.get('at', '')}")
        try:
            with self.world.lifeline.watched(**options):
                yield
        except Killed:
            self.log.append(f"  killed: {self.world.lifeline.steps[-1]}")
            self._find_orphan()
        except DBAPIError as error:
            if not self._forgiven:
                raise
            self._forgiven -= 1
            self.log.append(f"  {type(error).__name__}")
        except requests.ConnectionError:
            self.log.append("  no connection")
        finally:
            self.world.proxy.calm()
            self.world.queue.down = False

    def _kill(self) -> dict[str, Any]:
        return {"at": self.random.randint(1, _FAR)}

    def _drop(self) -> dict[str, Any]:
        uri = self.world.app.config["SQLALCHEMY_DATABASE_URI"]
        # One where they are dropped, and one where what waits in the pool is found
        # dead: that may be some actions later.
        self._forgiven = 2
        return {
            "at": self.random.randint(1, _FAR),
            "action": lambda: drop_connections(uri),
        }

    def _break_s3(self) -> None:
        point = self.random.choice([*Point])
        action = cut
        if point is Point.ARRIVED:
            action = self.random.choice([cut, answer(500), answer(503)])
        first = self.random.randint(1, _FAR)
        hits = {*range(first, first + self.random.choice([1, 3]))}
        self.world.proxy.at(_ANY, ".", action, point, hits)
        self.log.append(f"S3 breaks at {hits}: {point.value}")

    def _s3_down(self) -> None:
        self.world.proxy.down()

    def _broker_down(self) -> None:
        self.world.queue.down = True

    def note(self, reply: Reply) -> None:
        """Note a reply; whatever breaks, nobody is told of an internal error."""
        code = (reply.json or {}).get("code", "")
        self.log.append(f"  {reply.status} {code}")
        assert reply.status < 500 or reply.status == 503, reply.json

    def _announce(self, path: str, **body: Any) -> None:
        count = self.random.randint(1, 4)
        files = [self._file(number) for number in range(count)]
        client = BatchClient.of(self.world.api, files)
        if self.random.random() < 0.3:
            body["expires_in"] = "in 3 days"
        self.log.append(f"  {path} {sorted(client.files)} {body.get('expires_in')}")
        # Known from now on: if the reply is never heard, it is looked for.
        self._last = client
        self.note(client.announce(path, **body))
        self._keep(client)

    def _file(self, number: int) -> File:
        # Two parts are many bytes, so they are rare.
        kinds = [*KINDS, "link"]
        kind = self.random.choices(kinds, [4, 4, 4, 4, 1, 2, 4])[0]
        name = f"{kind}/{number}" if self.random.random() < 0.7 else f"same/{number}"
        if kind == "link":
            record, data = self._target
            return link_to(record, "target", name, data)
        return file_of(kind, name, self.random.randbytes(100))

    def _published(self) -> tuple[str, bytes]:
        """A record that links point at: its id, and what is in its file."""
        draft, data = self.world.api.new_draft(), self.random.randbytes(100)
        body = [{"key": "target"}]
        assert draft.api.call("POST", f"{draft.path}/files", json=body).status == 201
        path = draft.file("target", "/content")
        headers = {"Content-Type": "application/octet-stream"}
        sent = draft.api.call("PUT", path, data=data, headers=headers)
        assert sent.status == 200, sent.json
        assert draft.commit("target").status == 200
        assert draft.publish().status == 202
        return draft.id, data

    def _find_orphan(self) -> None:
        """A client that never heard the reply looks for its batch."""
        client = getattr(self, "_last", None)
        if client is None or client.reply:
            return
        known = {other.id for other in self.clients}
        with self.world.app.app_context():
            for batch in batches_since(self.world.begun):
                if str(batch.id) not in known:
                    client.reply = {"id": str(batch.id), "record_id": batch.pid_value}
                    self._keep(client)
                    return

    def _keep(self, client: BatchClient) -> None:
        if client.reply:
            self.clients.append(client)
            if client.record_id not in {draft.id for draft in self.drafts}:
                self.drafts.append(Draft(self.world.api, client.record_id))

    def _client(self) -> BatchClient:
        # The newest is the most alive.
        return self.clients[
            -1 - min(self.random.choice([0, 0, 0, 1]), len(self.clients) - 1)
        ]


def _calm() -> None:
    """Nothing breaks."""
