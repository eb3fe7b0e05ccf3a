# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Downloads for InvenioRDM's statistics, a page of files at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

from flask import current_app
from kombu import Producer

from ..records.contained import object_versions


def count_downloads(record: Any, version_ids: Sequence[Any]) -> None:
    """Each of these is a download of a file of ``record``, by this request.

    What cannot be counted is logged, and no more: it can still be read.

    :param version_ids: of upstream's objects.
    """
    if "invenio-stats" not in current_app.extensions:
        return
    from invenio_stats.proxies import current_stats

    emitter = current_stats.get_event_emitter("file-download")
    if emitter is None or emitter.name not in current_stats.events:
        return
    try:
        events = [
            _event(emitter, record, version) for version in object_versions(version_ids)
        ]
        if built := [event for event in events if event is not None]:
            _publish(emitter.name, built)
    except Exception:
        # As upstream has it.
        current_app.logger.exception("Downloads could not be counted.")


def _event(emitter: Any, record: Any, version: Any) -> Any:
    """What the site's builders make of one download; None where it does not count."""
    event: Any = {}
    for builder in emitter.builders:
        event = builder(event, current_app, record=record, obj=version, via_api=True)
        if event is None:
            return None
    return event


def _publish(name: str, events: Sequence[Any]) -> None:
    """As invenio-stats does it, but that it asks for the way once."""
    from invenio_queues.proxies import current_queues

    queue = current_queues.queues[f"stats-{name}"]
    with queue.create_producer() as producer:
        names = _queues_behind(queue, producer.channel)
        if names is None:
            for event in events:
                producer.publish(event)
            return
        # The exchange without a name leads to the queue that is named.
        direct = Producer(producer.channel)
        mode = queue.exchange.delivery_mode
        # kombu has it since 5.7, for brokers where it makes a difference.
        with getattr(direct, "batch", nullcontext)():
            for event in events:
                for behind in names:
                    direct.publish(event, routing_key=behind, delivery_mode=mode)


def _queues_behind(queue: Any, channel: Any) -> Sequence[str] | None:
    """Where a message goes that is published for this queue; None: the broker knows.

    On Redis kombu itself is the exchange. It would read the table of bindings with
    every message, which takes longer than anything else about a download.
    """
    exchange = queue.exchange
    if exchange.type != "direct" or not hasattr(channel, "get_table"):
        return None
    found: set[str] = set()
    # An exchange that nobody has declared is in no table.
    with suppress(KeyError):
        table = channel.get_table(exchange.name)
        found = {name for key, _, name in table if key == queue.routing_key}
    # What nobody takes goes wherever such messages go.
    return sorted(found) or None
