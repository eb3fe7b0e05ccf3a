# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What a new version takes over from the one before it."""

from __future__ import annotations

from typing import Any

from flask_principal import Identity
from invenio_records_resources.services.records.components import ServiceComponent

from ..records.imports import count_imported
from ..services.identities import user_id_of


class ImportedFilesComponent(ServiceComponent):  # type: ignore[misc]
    """Counts imported files as links. Stands after upstream's own components."""

    def import_files(
        self, identity: Identity, draft: Any = None, record: Any = None
    ) -> None:
        """They are in the draft by now."""
        if draft.files.bucket is not None:
            user = user_id_of(identity)
            count_imported(draft.files.bucket.id, user)
