# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Find files by what they are, among those that somebody may be expected to read.

One statement for thousands of digests. Its conditions are part of the look-up: of a
file outside of them nothing comes back, as of a file that does not exist.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import FileInstance
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from .bulk import chunks
from .links import SharedFile, shared_file, shared_files
from .models import Adopted

_PER_CONTENT = 3
"""Files looked at for each digest: one that the site's own policy keeps from the caller
is no reason to give up, and thousands of copies are no reason to read them all."""


class Bytes(NamedTuple):
    """What a file has.

    :param checksum: as file instances have it, ``md5:hex``.
    """

    checksum: str
    size: int


@dataclass(frozen=True)
class Tables:
    """Where one kind of files is.

    :param entries: of files.
    :param records: of what the files are in, or of drafts.
    :param parents: of what all versions of a record have in common.
    """

    entries: Any
    records: Any
    parents: Any


@dataclass(frozen=True)
class Circle:
    """Whose files are looked at; any of the three.

    :param parent_id: all versions of this record.
    :param owner_id: user id, as text: records that are this account's.
    :param public: published records that are open to everybody, files included.
    """

    parent_id: uuid.UUID | None = None
    owner_id: str | None = None
    public: bool = False


class Holding(NamedTuple):
    """A file that has the bytes.

    :param record_id: of the record or draft it is in.
    """

    bytes: Bytes
    record_id: uuid.UUID
    file: SharedFile


def holdings(
    tables: Tables, wanted: Collection[Bytes], circle: Circle, *conditions: Any
) -> Sequence[Holding]:
    """Finished files with these bytes, a few for each.

    Left out are withdrawn files, those a fixity check has found damaged, and objects
    of others that are not what they were.

    :param conditions: what file instance and object version must fulfil besides.
    """
    query = _query(tables).where(_within(tables, circle), *conditions)
    if db.session.get_bind().dialect.name == "postgresql":
        rows = _by_laterals(query, wanted)
    else:
        rows = _by_names(query, wanted)
    return [
        Holding(Bytes(row.checksum, row.size), row.record_id, shared_file(row))
        for row in rows
    ]


def _query(tables: Tables) -> Select[Any]:
    entries, records, parents = tables.entries, tables.records, tables.parents
    letter = func.coalesce(entries.json[("transfer", "type")].as_string(), "L")
    changed = exists().where(
        Adopted.file_id == FileInstance.id, Adopted.problem.isnot(None)
    )
    query = (
        shared_files(entries)
        .join(records, records.id == entries.record_id)
        .join(parents, parents.id == records.parent_id)
        .where(
            FileInstance.last_check.isnot(false()),
            records.json.isnot(None),
            # Of an address elsewhere the digest is somebody's word.
            letter == "L",
            ~changed,
        )
    )
    if _is_published(tables):
        query = query.where(records.deletion_status == "P")
    return query


def _is_published(tables: Tables) -> bool:
    """Only what is published has a deletion status; a draft simply goes."""
    return hasattr(tables.records, "deletion_status")


def _within(tables: Tables, circle: Circle) -> Any:
    records, parents = tables.records, tables.parents
    found: list[Any] = []
    if circle.parent_id is not None:
        found.append(records.parent_id == circle.parent_id)
    if circle.owner_id is not None:
        owner = parents.json[("access", "owned_by", "user")].as_string()
        found.append(owner == circle.owner_id)
    if circle.public and _is_published(tables):
        # An embargo that is over has made them public, by InvenioRDM's own task.
        embargo = records.json[("access", "embargo", "active")].as_string()
        public = [
            records.json[("access", name)].as_string() == "public"
            for name in ("record", "files")
        ]
        found.append(and_(*public, func.coalesce(embargo, "").not_in(["true", "1"])))
    return or_(*found) if found else false()


def _by_laterals(query: Select[Any], wanted: Collection[Bytes]) -> Sequence[Any]:
    """One statement, which stops at the first few files of each digest."""
    sums = cast([one.checksum for one in wanted], ARRAY(Text))
    sizes = cast([one.size for one in wanted], ARRAY(BigInteger))
    names = func.unnest(sums, sizes).table_valued("checksum", "size", name="wanted")
    names = names.render_derived()
    some = (
        query.where(
            FileInstance.checksum == names.c.checksum,
            FileInstance.size == names.c.size,
        )
        .limit(_PER_CONTENT)
        .lateral("some")
    )
    joined = select(some).select_from(names.join(some, true()))
    rows: Sequence[Any] = db.session.execute(joined).all()
    return rows


def _by_names(query: Select[Any], wanted: Collection[Bytes]) -> Sequence[Any]:
    """The same without laterals: reads all copies of each digest."""
    left = Counter(dict.fromkeys(wanted, _PER_CONTENT))
    found = []
    for some in chunks(one.checksum for one in wanted):
        for row in db.session.execute(query.where(FileInstance.checksum.in_(some))):
            one = Bytes(row.checksum, row.size)
            if left[one] > 0:
                left[one] -= 1
                found.append(row)
    return found
