# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The links that a file entry holds while parts are on their way."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

from ..driver import PART, Draft, content_md5, md5

KEY = "ocean/depth.nc"


def test_registered_parts_among_others(draft: Draft) -> None:
    """All links are there in order; those of registered parts say what they bind."""
    data = [os.urandom(PART), os.urandom(PART), os.urandom(17)]
    size = sum(map(len, data))
    draft.begin(KEY, size, transfer={"part_size": PART, "parts": 3})
    draft.register(KEY, [{"part": 2, "size": PART, "checksum": md5(data[1])}])
    links = draft.api.get(draft.file(KEY)).json["links"]["parts"]
    assert [link["part"] for link in links] == [1, 2, 3]
    assert [link.get("headers") for link in links] == [
        None,
        {"Content-Length": str(PART), "Content-MD5": content_md5(data[1])},
        None,
    ]
    for link, part in zip(links, data):
        draft.send_ok(link, part)
    assert draft.commit(KEY).status == 200
    assert draft.content(KEY) == b"".join(data)


def test_all_links_tell_when_they_end(s3_draft: Draft, app) -> None:
    """They live as long as the site says, bound or not."""
    s3_draft.begin(KEY, 3 * PART, transfer={"part_size": PART, "parts": 3})
    s3_draft.register(KEY, [{"part": 3, "size": PART}])
    links = s3_draft.api.get(s3_draft.file(KEY)).json["links"]["parts"]
    life = timedelta(seconds=app.config["MULTIPART_LINK_EXPIRES_SECONDS"])
    for link in links:
        end = datetime.fromisoformat(link["expiration"].replace("Z", "+00:00"))
        assert abs(end - datetime.now(timezone.utc) - life) < timedelta(seconds=30)
