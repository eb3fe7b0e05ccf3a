# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Find files of some records by an MD5: their own, or one that their metadata name."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from invenio_db import db
from invenio_files_rest.models import FileInstance
from sqlalchemy import func

from .bulk import chunks
from .links import finished

CHECKSUM = "checksum"
"""The field that is the file's own digest, and nobody's word."""


class Match(NamedTuple):
    """A finished file that has an MD5 which was looked for.

    :param md5: 32 small hexadecimal digits.
    :param record_id: of the record or draft it is in.
    :param checksum: of its bytes, None while nobody has computed it.
    """

    md5: str
    record_id: uuid.UUID
    key: str
    size: int
    checksum: str | None


def matches(
    model: Any, record_ids: Any, field: str, md5s: Collection[str]
) -> Sequence[Match]:
    """Finished files of these records that have one of the MD5s, in order of keys.

    :param model: table of file entries.
    :param record_ids: a query for the ids, or the ids.
    :param field: ``checksum``, or names in the entry's metadata, joined by dots. Each
        name is of letters, digits, ``_``, ``-``, ``:``, ``@`` and blanks.
    :param md5s: in small letters.
    """
    own = field == CHECKSUM
    text = FileInstance.checksum if own else func.lower(_text_at(model, field))
    query = (
        finished(
            model,
            text.label("found"),
            model.record_id,
            model.key,
            FileInstance.size,
            FileInstance.checksum,
        )
        .where(model.record_id.in_(record_ids))
        .order_by(model.key)
    )
    found = []
    for some in chunks(md5s):
        spelled = [f"md5:{md5}" for md5 in some]
        if not own:
            # In metadata either is met with.
            spelled += some
        rows = db.session.execute(query.where(text.in_(spelled)))
        found += [Match(row[0].removeprefix("md5:"), *row[1:]) for row in rows]
    return found


def _text_at(model: Any, field: str) -> Any:
    path = ["metadata", *field.split(".")]
    if db.session.get_bind().dialect.name == "postgresql":
        return func.jsonb_extract_path_text(model.json, *path)
    # None of the names holds what would end the quotes.
    quoted = "".join(f'."{name}"' for name in path)
    return func.json_extract(model.json, f"${quoted}")
