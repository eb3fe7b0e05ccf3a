# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One run of the uploader, in a process of its own: it may be killed.

UPLOADER_RUN has the address, the token, the draft and the folder, as JSON. The last
line of the output is the outcome, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from invenio_multipart.client import ClientError, Uploader
from invenio_multipart.client.retry import RetryPolicy


def outcome(url: str, token: str, draft: str, folder: str) -> dict[str, Any]:
    """What one run said in the end."""
    # A minute of a site that is away, and of patience, is a second here.
    policy = RetryPolicy(attempts=8, base_seconds=0.03, cap_seconds=0.5)
    try:
        uploader = Uploader(url, token, jobs=3, policy=policy)
        summary = uploader.upload_many(draft, [f"{folder}/"])
    except ClientError as error:
        failed = {
            result.key: result.code
            for result in getattr(error, "results", ())
            if result.outcome == "failed"
        }
        return {"code": error.code, "message": error.message, "failed": failed}
    return {"code": None, **asdict(summary)}


if __name__ == "__main__":
    run = json.loads(os.environ["UPLOADER_RUN"])
    sys.stdout.write(json.dumps(outcome(**run)) + "\n")
