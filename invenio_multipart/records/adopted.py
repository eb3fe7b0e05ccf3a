# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Rows of objects that belong to others: one file instance for each, however often
it is linked."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from invenio_db import db
from invenio_files_rest.models import FileInstance
from sqlalchemy import select, tuple_, update

from ..core.adopted import STORAGE_CLASS, Expected, FoundObject
from ..errors import InvalidLink, LinkConflict, StateConflict
from .bulk import chunks, insert_many, insert_new
from .models import Adopted, utc_now

_TRIES = 3
"""How often a row that goes for good while it is taken is made anew."""


class AdoptedFile(NamedTuple):
    """A file instance of an object.

    :param expected: what the object was when it was linked first; None where the file
        is none of these.
    :param problem: of the last look, None when there was none.
    """

    file_id: uuid.UUID
    uri: str
    storage_class: str | None
    size: int
    checksum: str | None
    expected: Expected | None
    checked_on: datetime | None
    problem: str | None


def adopt(objects: Iterable[FoundObject], by: str | None) -> Mapping[str, AdoptedFile]:
    """The file instances of these objects by URI, made where there are none.

    Until the transaction ends nobody can delete them. Any number of callers may have
    the same objects at once.

    :param by: user id; None for the system.
    :raises InvalidLink: an object is a file of the repository's own, or its address
        is longer than the database takes.
    :raises LinkConflict: it was linked before, as something else.
    :raises StateConflict: others make and delete the same rows all the time.
    """
    wanted = {found.address.uri: found for found in objects}
    _require_short(wanted)
    files: dict[str, AdoptedFile] = {}
    for _ in range(_TRIES):
        missing = sorted(wanted.keys() - files.keys())
        if not missing:
            break
        made = _insert([wanted[uri] for uri in missing])
        taken = _taken(missing)
        new = [file for file in taken if file.file_id in made]
        _insert_adopted(new, wanted, by)
        for file in taken:
            if file.file_id in made:
                files[file.uri] = file._replace(expected=_as_found(wanted[file.uri]))
            else:
                files[file.uri] = _again(file, wanted[file.uri])
    if wanted.keys() - files.keys():
        raise StateConflict("Others are just removing these files.", "changed")
    return files


def _require_short(uris: Iterable[str]) -> None:
    """:raises InvalidLink: where upstream's column has an end, one is too long."""
    if db.session.get_bind().dialect.name == "postgresql":
        return
    limit = current_app.config["FILES_REST_FILE_URI_MAX_LEN"]
    if any(len(uri) > limit for uri in uris):
        raise InvalidLink(f"This site takes addresses of {limit} characters.")


def _insert(objects: Sequence[FoundObject]) -> set[uuid.UUID]:
    """Make those that are not there; the ids of all, made or not."""
    rows = [
        {
            "id": uuid.uuid4(),
            "uri": found.address.uri,
            "size": found.size,
            "checksum": found.checksum,
        }
        for found in objects
    ]
    now = utc_now()
    insert_new(
        FileInstance.__table__,
        rows,
        "uri",
        storage_class=STORAGE_CLASS,
        readable=True,
        writable=False,
        last_check=True,
        created=now,
        updated=now,
    )
    return {row["id"] for row in rows}


def _taken(uris: Collection[str]) -> list[AdoptedFile]:
    """The file instances of these URIs, which nobody can delete from now on."""
    found: list[AdoptedFile] = []
    for some in chunks(uris):
        query = _files().where(FileInstance.uri.in_(some)).order_by(FileInstance.id)
        # Those who delete lock the same rows in the same order.
        query = query.with_for_update(key_share=True, read=True, of=FileInstance)
        found += [_file(row) for row in db.session.execute(query)]
    return found


def _files() -> Any:
    return select(
        FileInstance.id,
        FileInstance.uri,
        FileInstance.storage_class,
        FileInstance.size,
        FileInstance.checksum,
        Adopted.etag,
        Adopted.checked_on,
        Adopted.problem,
    ).outerjoin(Adopted, Adopted.file_id == FileInstance.id)


def _file(row: Any) -> AdoptedFile:
    return AdoptedFile(
        row.id,
        row.uri,
        row.storage_class,
        row.size,
        row.checksum,
        None if row.etag is None else Expected(row.size, row.etag),
        row.checked_on,
        row.problem,
    )


def _as_found(found: FoundObject) -> Expected:
    return Expected(found.size, found.etag)


def _insert_adopted(
    files: Sequence[AdoptedFile], wanted: Mapping[str, FoundObject], by: str | None
) -> None:
    now = utc_now()
    insert_many(
        Adopted.__table__,
        [
            {
                "file_id": file.file_id,
                "etag": wanted[file.uri].etag,
                "version_ref": wanted[file.uri].address.version_ref,
            }
            for file in files
        ],
        adopted_on=now,
        adopted_by=by,
        checked_on=now,
    )


def _again(file: AdoptedFile, found: FoundObject) -> AdoptedFile:
    """A file that was there, if it may be linked once more."""
    if file.storage_class != STORAGE_CLASS or file.expected is None:
        raise InvalidLink(
            f"{found.address.url} is a file of the repository: link it by its record.",
            field="url",
        )
    difference = file.expected.difference(found)
    if difference is not None:
        raise LinkConflict(
            f"{found.address.url} was linked before, and has changed since. "
            f"{difference}",
            field="url",
        )
    return file


def expectation(file_id: uuid.UUID) -> Expected | None:
    """What the object of a file instance was; None when it belongs to nobody else."""
    query = select(FileInstance.size, Adopted.etag).join(
        Adopted, Adopted.file_id == FileInstance.id
    )
    row = db.session.execute(query.where(FileInstance.id == file_id)).one_or_none()
    return None if row is None else Expected(row.size, row.etag)


def adopted_file(file_id: uuid.UUID) -> AdoptedFile | None:
    """All about the file instance; None when its object belongs to nobody else."""
    query = _files().where(FileInstance.id == file_id, Adopted.etag.isnot(None))
    row = db.session.execute(query).one_or_none()
    return None if row is None else _file(row)


After = tuple[datetime, uuid.UUID]
"""``checked_on`` and id of the last one of a page."""


def unchecked(before: datetime, after: After | None, limit: int) -> list[AdoptedFile]:
    """Files whose objects nobody has looked at since then, the oldest look first."""
    place = tuple_(Adopted.checked_on, Adopted.file_id)
    query = _files().where(Adopted.checked_on < before)
    if after is not None:
        query = query.where(place > tuple_(*after))
    query = query.order_by(Adopted.checked_on, Adopted.file_id).limit(limit)
    return [_file(row) for row in db.session.execute(query)]


def record_look(problems: Mapping[uuid.UUID, str | None]) -> None:
    """Write down what a look at objects has found, and withdraw or give back files.

    :param problems: sentences by file id; None for what is as it was.
    """
    # Those who delete lock files first, and these rows by deleting the files.
    query = select(FileInstance.id, FileInstance.readable).where(
        FileInstance.id.in_(problems)
    )
    query = query.order_by(FileInstance.id).with_for_update(key_share=True)
    for file_id, readable in db.session.execute(query).all():
        if readable != (problems[file_id] is None):
            _change(FileInstance, FileInstance.id, [file_id], readable=not readable)
    now = utc_now()
    good = sorted(file_id for file_id, text in problems.items() if text is None)
    _change(Adopted, Adopted.file_id, good, checked_on=now, problem=None)
    for file_id, text in sorted(problems.items()):
        if text is not None:
            _change(Adopted, Adopted.file_id, [file_id], checked_on=now, problem=text)


def set_checksum(file_id: uuid.UUID, checksum: str) -> None:
    """What fixity checks compare, found by reading; what is known already stays."""
    unknown = FileInstance.checksum.is_(None)
    _change(FileInstance, FileInstance.id, [file_id], unknown, checksum=checksum)


def without_checksum(file_ids: Collection[uuid.UUID]) -> list[AdoptedFile]:
    """Those of these files whose digest nobody knows yet, by id."""
    found: list[AdoptedFile] = []
    for some in chunks(sorted(file_ids)):
        query = _files().where(
            FileInstance.id.in_(some),
            FileInstance.checksum.is_(None),
            Adopted.etag.isnot(None),
        )
        found += [_file(row) for row in db.session.execute(query)]
    return sorted(found, key=lambda file: file.file_id)


def count_problems() -> int:
    """Files that are withdrawn because their objects are not what they were."""
    return int(Adopted.query.filter(Adopted.problem.isnot(None)).count())


def files_to_verify() -> Any:
    """InvenioRDM's query for its fixity checks, without what belongs to others.

    Those objects the reaper looks at. Reading them would compare with a digest that
    nobody may know yet, or fail every day for one that has been withdrawn.
    """
    from invenio_app_rdm.utils.files import checksum_verification_files_query

    return checksum_verification_files_query().filter(
        FileInstance.storage_class.is_distinct_from(STORAGE_CLASS)
    )


def _change(
    model: Any, column: Any, ids: Sequence[uuid.UUID], *conditions: Any, **values: Any
) -> None:
    for some in chunks(ids):
        db.session.execute(
            update(model)
            .where(column.in_(some), *conditions)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
