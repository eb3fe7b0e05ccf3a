# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables of uploads, parts, batches, links, uses, jobs and removals."""

from __future__ import annotations

from .audit import Bookmark, Removal
from .batch import Batch
from .job import FORGETTABLE, Job
from .link import Adopted, BatchLink, Link
from .moments import utc_now
from .upload import SENT_AS_OBJECT, SENT_AS_PARTS, Part, Upload, staged_uri
from .use import EndedUse

__all__ = (
    "FORGETTABLE",
    "SENT_AS_OBJECT",
    "SENT_AS_PARTS",
    "Adopted",
    "Batch",
    "BatchLink",
    "Bookmark",
    "EndedUse",
    "Job",
    "Link",
    "Part",
    "Removal",
    "Upload",
    "staged_uri",
    "utc_now",
)
