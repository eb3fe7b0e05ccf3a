# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The package on a site that is not InvenioRDM."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys

NOT_THERE = {
    "invenio_app_rdm", "invenio_audit_logs", "invenio_communities",
    "invenio_drafts_resources", "invenio_jobs", "invenio_rdm_records",
    "invenio_vocabularies",
}

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NOT_THERE:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Finder())
import invenio_multipart.cli
import invenio_multipart.ext
import invenio_multipart.overrides
import invenio_multipart.records.models
import invenio_multipart.tasks
import invenio_multipart.views
"""


def test_without_inveniordm() -> None:
    """What entry points name is imported where only the file service is installed."""
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
