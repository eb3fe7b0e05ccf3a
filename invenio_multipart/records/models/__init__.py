# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tables of uploads, of registered parts, of batches and of jobs."""

from __future__ import annotations

from .batch import Batch
from .job import Job
from .moments import utc_now
from .upload import SENT_AS_OBJECT, SENT_AS_PARTS, Part, Upload, staged_uri

__all__ = (
    "SENT_AS_OBJECT",
    "SENT_AS_PARTS",
    "Batch",
    "Job",
    "Part",
    "Upload",
    "staged_uri",
    "utc_now",
)
