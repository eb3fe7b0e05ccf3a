# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where the statistics' events of many downloads go."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from invenio_queues.queue import Queue
from kombu import Connection, Exchange
from kombu import Queue as Bound

from invenio_multipart.services import counting

EVENTS = [{"number": number} for number in range(3)]


@pytest.fixture
def pool() -> Iterator[Any]:
    """Connections of a broker of our own, where kombu is the exchange."""
    found = Connection("memory://counting").Pool(2)
    yield found
    found.force_close_all()


@pytest.fixture
def exchange(request: pytest.FixtureRequest) -> Exchange:
    """One of its own for each test: this broker forgets nothing."""
    return Exchange(request.node.name, type="direct", delivery_mode="transient")


def published(
    monkeypatch: pytest.MonkeyPatch, pool: Any, exchange: Exchange, *names: str
) -> dict[str, list[Any]]:
    """What is in queues of these names, bound alike, after some events were counted."""
    queue = Queue(exchange, "stats-some", lambda: pool)
    state = SimpleNamespace(queues={"stats-some": queue})
    monkeypatch.setattr("invenio_queues.proxies.current_queues", state)
    with pool.acquire() as connection:
        bound = [
            Bound(f"{exchange.name}-{name}", exchange, routing_key="stats-some")
            for name in names
        ]
        for each in bound:
            each(connection.default_channel).declare()
        counting._publish("some", EVENTS)
        return {each.name: list(_messages(connection, each)) for each in bound}


def _messages(connection: Any, queue: Bound) -> Iterator[Any]:
    while (message := queue(connection.default_channel).get(no_ack=True)) is not None:
        yield message


def test_every_queue_has_every_event(
    monkeypatch: pytest.MonkeyPatch, pool: Any, exchange: Exchange
) -> None:
    """A site may bind one more to the exchange, for counts of its own."""
    found = published(monkeypatch, pool, exchange, "one", "two")
    assert len(found) == 2
    for messages in found.values():
        assert [message.payload for message in messages] == EVENTS
        # As the exchange has it: what is lost with the broker is no loss.
        assert {message.properties["delivery_mode"] for message in messages} == {1}


def test_without_a_queue(
    monkeypatch: pytest.MonkeyPatch, pool: Any, exchange: Exchange
) -> None:
    """Nobody counts there, and nothing fails."""
    assert published(monkeypatch, pool, exchange) == {}


def test_the_way_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch, pool: Any, exchange: Exchange
) -> None:
    """Not with each event, as kombu does it."""
    asked = []
    with pool.acquire() as connection:
        kind = type(connection.default_channel)
    table = kind.get_table
    monkeypatch.setattr(
        kind, "get_table", lambda *args: asked.append(args) or table(*args)
    )
    published(monkeypatch, pool, exchange, "one")
    assert len(asked) == 1


@pytest.mark.parametrize("kind", ["topic", "fanout"])
def test_other_exchanges(
    monkeypatch: pytest.MonkeyPatch, pool: Any, exchange: Exchange, kind: str
) -> None:
    """What they do is left to them."""
    exchange.type = kind
    found = published(monkeypatch, pool, exchange, "one")
    assert [len(messages) for messages in found.values()] == [len(EVENTS)]


def test_a_broker_that_knows_the_way() -> None:
    """RabbitMQ has the table itself."""
    queue = SimpleNamespace(exchange=Exchange("events", type="direct"))
    assert counting._queues_behind(queue, SimpleNamespace()) is None
