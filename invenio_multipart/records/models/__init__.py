# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables of uploads, of registered parts, of batches, of jobs and of removals."""

from __future__ import annotations

from .audit import Bookmark, Removal
from .batch import Batch
from .job import Job
from .moments import utc_now
from .upload import SENT_AS_OBJECT, SENT_AS_PARTS, Part, Upload, staged_uri

__all__ = (
    "SENT_AS_OBJECT",
    "SENT_AS_PARTS",
    "Batch",
    "Bookmark",
    "Job",
    "Part",
    "Removal",
    "Upload",
    "staged_uri",
    "utc_now",
)
