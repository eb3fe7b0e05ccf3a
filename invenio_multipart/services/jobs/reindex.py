# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Rebuild the search index from the database, through the record services.

Records are walked by primary key, so memory does not grow with their number and a
worker that takes over goes on where the dead one was. Meanwhile others change records:
the index takes a document only if it is not older than the one it has.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flask import current_app
from invenio_access.permissions import system_identity
from invenio_db import db
from invenio_records_resources.proxies import current_service_registry
from invenio_search.engine import search
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm.exc import NoResultFound

from ...core.running import RunningJob
from ...errors import IndexIncomplete

CHUNK = 500
"""Records that are read, sent and remembered together."""

_CONFLICT = 409
_PAIRS = {
    "": ("record_cls", "indexer"),
    ".drafts": ("draft_cls", "draft_indexer"),
    ".archive": ("archive_cls", "archive_indexer"),
}
"""Attributes of services that keep records, by the suffix of the source's name."""


class Source(NamedTuple):
    """Records of one class, and what indexes them.

    :param name: the service's, with a suffix for its drafts or archive.
    """

    name: str
    record_cls: Any
    indexer: Any

    @property
    def model(self) -> Any:
        """The SQLAlchemy model."""
        return self.record_cls.model_cls


def reindex(job: RunningJob) -> dict[str, Any]:
    """Index everything; the handler of the kind "reindex".

    :returns: ``indexed``, ``failed`` (always 0) and ``sources``, the names.
    :raises IndexIncomplete: some records could not be indexed; the log names them.
    """
    found = sources()
    cursor = dict(job.arguments.get("cursor") or {})
    if not cursor:
        total = sum(_count(source) for source in found)
        cursor = {"source": "", "after": None, "done": 0, "failed": 0, "total": total}
        _rebuild_others({source.name for source in found})
    for source in found:
        if source.name >= cursor["source"]:
            _walk(source, job, cursor)
    if cursor["failed"]:
        raise IndexIncomplete(cursor["done"] - cursor["failed"], cursor["failed"])
    names = [source.name for source in found]
    return {"indexed": cursor["done"], "failed": 0, "sources": names}


def sources() -> list[Source]:
    """All records of all registered services that have an index, in a fixed order."""
    found: dict[Any, Source] = {}
    for service_id, service in current_service_registry._services.items():
        for suffix, (class_name, indexer_name) in _PAIRS.items():
            record_cls = getattr(service, class_name, None)
            indexer = getattr(service, indexer_name, None)
            if indexer is None or not _is_stored(record_cls):
                continue
            source = Source(service_id + suffix, record_cls, indexer)
            # RDM's service of media files has the same records once more, as
            # subclasses; the index is that of the first.
            other = found.get(source.model)
            if other is None or issubclass(other.record_cls, record_cls):
                found[source.model] = source
    return sorted(found.values(), key=lambda source: source.name)


def _is_stored(record_cls: Any) -> bool:
    """Whether these are Invenio records: rows with a key, a document, an index."""
    model = getattr(record_cls, "model_cls", None)
    columns = getattr(getattr(model, "__table__", None), "c", {})
    return {"id", "json", "is_deleted"} <= {*dir(model)} and (
        "json" in columns and hasattr(record_cls, "index")
    )


def _rebuild_others(walked: set[str]) -> None:
    """Have other services do it: users, groups, domains and OAI sets are no records.

    They are few, and what their services queue the site's own indexing task takes.
    """
    for service_id, service in current_service_registry._services.items():
        rebuild = getattr(service, "rebuild_index", None)
        if rebuild is None or service_id in walked or _has_records(service):
            continue
        try:
            rebuild(system_identity)
        except NotImplementedError:
            # A service on a table alone, without an index.
            continue
    db.session.rollback()


def _has_records(service: Any) -> bool:
    return _is_stored(getattr(service, "record_cls", None))


def _walk(source: Source, job: RunningJob, cursor: dict[str, Any]) -> None:
    """Index the rest of one source, chunk by chunk, and make it visible."""
    if cursor["source"] != source.name:
        cursor |= {"source": source.name, "after": None}
    while ids := _next(source, cursor["after"]):
        cursor["failed"] += _index(source, ids)
        cursor["done"] += len(ids)
        cursor["after"] = str(ids[-1])
        # What the chunk has loaded is let go.
        db.session.rollback()
        db.session.expunge_all()
        job.remember(cursor=cursor)
        # Records that came meanwhile are walked too.
        job.advance(cursor["done"], max(cursor["total"], cursor["done"]))
    source.indexer.refresh()


def _count(source: Source) -> int:
    query = select(func.count()).select_from(source.model)
    query = query.where(source.model.is_deleted.is_(False))
    return int(db.session.execute(query).scalar_one())


def _next(source: Source, after: str | None) -> Sequence[uuid.UUID]:
    query = select(source.model.id).where(source.model.is_deleted.is_(False))
    if after is not None:
        query = query.where(source.model.id > uuid.UUID(after))
    query = query.order_by(source.model.id).limit(CHUNK)
    return db.session.execute(query).scalars().all()


def _index(source: Source, ids: Sequence[uuid.UUID]) -> int:
    """Send these to the index; how many it did not get.

    :raises TransportError: the search engine cannot be reached; nothing is lost, the
        chunk is sent again.
    """
    unmade: list[uuid.UUID] = []
    failed = 0
    sent = search.helpers.streaming_bulk(
        source.indexer.client,
        _actions(source, ids, unmade),
        chunk_size=CHUNK,
        raise_on_error=False,
        max_retries=3,
        request_timeout=current_app.config["INDEXER_BULK_REQUEST_TIMEOUT"],
        expand_action_callback=search.helpers.expand_action,
    )
    for ok, answer in sent:
        (entry,) = answer.values()
        # A conflict says that somebody has indexed a newer version meanwhile.
        if not ok and entry["status"] != _CONFLICT:
            failed += 1
            current_app.logger.error(
                "The index refuses %s %s: %s", source.name, entry["_id"], entry
            )
    return failed + len(unmade)


def _actions(
    source: Source, ids: Sequence[uuid.UUID], unmade: list[uuid.UUID]
) -> Iterator[dict[str, Any]]:
    """What the service's own indexer makes of each record."""
    for id_ in ids:
        try:
            yield source.indexer._index_action({"id": str(id_)})
        except NoResultFound:
            # Deleted just now.
            continue
        except SQLAlchemyError:
            raise
        except Exception:
            # One broken record is no reason to leave out all others.
            unmade.append(id_)
            current_app.logger.exception("Cannot index %s %s.", source.name, id_)
