# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The script of a batch: a shell and curl are all it needs."""

from __future__ import annotations

import re
import shlex
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flask import current_app
from flask_principal import Identity

from ...core.grants import Verb
from ...errors import BatchNotFound, NotAllowedHere
from ..uploads.schema import parse
from .found import found, require_uploading
from .lines import page_of_lines
from .reply import iso
from .rights import authorize, grant
from .schema import CREDENTIALS, PageOfFilesSchema

_TEMPLATE = Path(__file__).with_name("upload.sh")
_PLACE = re.compile(r"@([A-Z]+)@")


class ScriptService:
    """Writes scripts, for one application."""

    def script(
        self,
        identity: Identity,
        pid_value: str,
        batch_id: uuid.UUID,
        credential: str | None,
    ) -> str:
        """The text of a program that sends the files of a batch and completes it.

        It has a grant for that, whoever asks for it, and nothing of the account.

        :raises BatchNotFound: this draft has no such batch.
        :raises NotAllowedHere: its files go to the store by temporary credentials.
        :raises StateConflict: it is being completed, or over.
        """
        batch = found(batch_id)
        if batch.pid_value != pid_value:
            raise BatchNotFound("This draft has no such batch.")
        authorize(batch, identity, Verb.SCRIPT, credential)
        if batch.mode == CREDENTIALS:
            raise NotAllowedHere("This batch has credentials, not links.")
        require_uploading(batch)
        values = {
            "BATCH": f"{current_app.config['SITE_API_URL']}/uploads/{batch.id}",
            "GRANT": grant(batch, Verb.UPLOAD, Verb.LINK, Verb.COMPLETE),
            "UNTIL": iso(batch.complete_before) or "",
        }
        # Quoted, so that whatever they hold is no command.
        return _PLACE.sub(lambda place: shlex.quote(values[place[1]]), _template())

    def lines(
        self,
        identity: Identity,
        batch_id: uuid.UUID,
        credential: str | None,
        query: Mapping[str, Any],
    ) -> str:
        """A page of a batch's files as lines, with fresh URLs for those missing."""
        batch = found(batch_id)
        authorize(batch, identity, Verb.UPLOAD, credential)
        page = parse(PageOfFilesSchema(), query)
        return page_of_lines(batch, page["after"], page["size"])


@cache
def _template() -> str:
    return _TEMPLATE.read_text(encoding="utf-8")
