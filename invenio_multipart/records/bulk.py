# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Write thousands of rows, each with values of its own, by one statement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from invenio_db import db
from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    FromClause,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy_utils.types import UUIDType

_AT_ONCE = 2000
"""Rows in one statement."""

_NAMED_AT_ONCE = 5000
"""Values in one IN; PostgreSQL takes 65,535 parameters."""


def insert_many(table: Table, rows: Sequence[Mapping[str, Any]], **shared: Any) -> None:
    """New rows. What is not given has the columns' defaults.

    :param rows: the same columns in each.
    :param shared: columns that have the same value in all rows.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        for start in range(0, len(rows), _AT_ONCE):
            _insert_arrays(table, rows[start : start + _AT_ONCE], shared)
    elif rows:
        db.session.execute(insert(table), [{**row, **shared} for row in rows])


def insert_new(
    table: Table, rows: Sequence[Mapping[str, Any]], unique: str, **shared: Any
) -> None:
    """The same, but a row whose value of ``unique`` is there already is left out.

    One that another transaction is just inserting is waited for.

    :param unique: a column with an index that makes it so.
    """
    dialect = db.session.get_bind().dialect.name
    if dialect == "postgresql":
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            new = _from_arrays(postgresql.insert(table), table, some, shared)
            db.session.execute(new.on_conflict_do_nothing(index_elements=[unique]))
        return
    present: set[Any] = set()
    for some in chunks(row[unique] for row in rows):
        query = select(table.c[unique]).where(table.c[unique].in_(some))
        present.update(db.session.execute(query).scalars())
    insert_many(table, [row for row in rows if row[unique] not in present], **shared)


def _insert_arrays(
    table: Table, rows: Sequence[Mapping[str, Any]], shared: Mapping[str, Any]
) -> None:
    db.session.execute(_from_arrays(insert(table), table, rows, shared))


def _from_arrays(
    statement: Any,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    shared: Mapping[str, Any],
) -> Any:
    """A parameter for each column, not for each value: a third of the time."""
    names = list(rows[0])
    source = _arrays(table, names, rows)
    values = [cast(source.c[name], _type(table.c[name])) for name in names]
    values += [cast(value, _type(table.c[name])) for name, value in shared.items()]
    return statement.from_select([*names, *shared], select(*values))


def update_many(
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *conditions: Any,
    by: str = "id",
    **shared: Any,
) -> int:
    """Write each row's values to the row of its ``id``.

    :param rows: ``id`` and the same columns in each.
    :param by: the column that names a row instead; with the conditions it must do.
    :param conditions: what a row must fulfil besides, or it is left alone.
    :param shared: columns that get the same value, or expression, in all rows.
    :returns: how many rows were written.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        return sum(
            _by_arrays(table, rows[start : start + _AT_ONCE], conditions, by, shared)
            for start in range(0, len(rows), _AT_ONCE)
        )
    return _one_by_one(table, rows, conditions, by, shared)


def _by_arrays(
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    conditions: Sequence[Any],
    by: str,
    shared: Mapping[str, Any],
) -> int:
    """Columns go over as arrays of texts: one statement of one shape."""
    names = list(rows[0])
    source = _arrays(table, names, rows)
    found = {name: cast(source.c[name], _type(table.c[name])) for name in names}
    statement = (
        update(table)
        .where(table.c[by] == found.pop(by), *conditions)
        .values(**found, **shared)
    )
    return int(db.session.execute(statement).rowcount)


def _one_by_one(
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    conditions: Sequence[Any],
    by: str,
    shared: Mapping[str, Any],
) -> int:
    if not rows:
        return 0
    names = [name for name in rows[0] if name != by]
    statement = (
        update(table)
        .where(table.c[by] == bindparam("row_by"), *conditions)
        .values(**{name: bindparam(f"new_{name}") for name in names}, **shared)
    )
    values = [
        {"row_by": row[by], **{f"new_{name}": row[name] for name in names}}
        for row in rows
    ]
    return int(db.session.connection().execute(statement, values).rowcount)


def _arrays(
    table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> FromClause:
    """The rows as a table of texts."""
    arrays = [
        cast([_text(table.c[name], row[name]) for row in rows], ARRAY(Text))
        for name in names
    ]
    return func.unnest(*arrays).table_valued(*names, name="new").render_derived()


def _text(column: Column[Any], value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value) if isinstance(column.type, JSON) else str(value)


def _type(column: Column[Any]) -> Any:
    if isinstance(column.type, UUIDType):
        return postgresql.UUID
    return column.type


def change(statement: Any) -> None:
    """Change rows that no object of this session stands for."""
    db.session.execute(statement.execution_options(synchronize_session=False))


def chunks(values: Iterable[Any]) -> Iterable[Sequence[Any]]:
    """The values, as many at a time as one statement may name."""
    every = list(values)
    for start in range(0, len(every), _NAMED_AT_ONCE):
        yield every[start : start + _NAMED_AT_ONCE]
