# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Random stories of an uploader that meets all that can go wrong.

UPLOADER_SEEDS="0:200" tells more of them, as `make test-schedules` does; "17:18" is the
seventeenth again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from .live import LiveApi, live_environment, serving
from .proxy import FaultProxy, running
from .uploader_story import Site, Story

FIRST, LAST = os.environ.get("UPLOADER_SEEDS", "0:20").split(":")


@pytest.fixture(scope="module")
def front() -> Iterator[FaultProxy]:
    """The address that people know the site by."""
    with running("http://127.0.0.1:9") as proxy:
        yield proxy


@pytest.fixture(scope="module")
def site(
    app: Any,
    site_config: dict[str, Any],
    session_proxy: FaultProxy,
    front: FaultProxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """InvenioRDM and its store, each behind a proxy."""
    environment = live_environment(
        site_config,
        tmp_path_factory.mktemp("site"),
        S3_ENDPOINT_URL=session_proxy.url,
        SITE_UI_URL=front.url,
        SITE_API_URL=f"{front.url}/api",
    )
    session_proxy.calm()
    with serving(environment) as server:
        front.upstream = server.url
        yield Site(LiveApi(app, app.tokens["owner"], server.url), front, session_proxy)


@pytest.mark.parametrize("seed", range(int(FIRST), int(LAST)))
def test_schedule(seed: int, site: Site, s3: str, tmp_path: Path) -> None:
    """What is published in the end is what is on the disk, sent once."""
    for proxy in (site.front, site.store):
        proxy.calm()
    story = Story(seed, site, tmp_path)
    try:
        story.tell()
        story.finish()
        assert_published(story)
        assert story.sent_in_vain() == []
    except Exception as error:
        raise AssertionError("\n".join([*story.log, repr(error)])) from error
    finally:
        story.close()


def assert_published(story: Story) -> None:
    """The record has all files, as they are on the disk."""
    api = story.site.live
    reply = api.call("POST", f"/records/{story.draft.id}/draft/actions/publish")
    assert reply.status == 202, reply.json
    listed = api.get(f"/records/{story.draft.id}/files").json["entries"]
    assert {entry["key"] for entry in listed} == set(story.files)
    for entry in listed:
        url = entry["links"]["content"]
        content = requests.get(
            url, headers={"Authorization": f"Bearer {api.token}"}, timeout=60
        ).content
        wanted = hashlib.sha256(story.files[entry["key"]]).hexdigest()
        assert hashlib.sha256(content).hexdigest() == wanted, entry["key"]
