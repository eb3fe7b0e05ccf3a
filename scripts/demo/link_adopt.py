# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The steps of the link demo about objects that others put into a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shown import DemoError

if TYPE_CHECKING:
    from link import Story

OBJECT = "A measurement that was in the bucket already.\n"
CHANGED = "Somebody has written over the measurement.\n"

_SIGNED = """\
curl --aws-sigv4 aws:amz:us-east-1:s3 --user $S3_KEYS \\
  -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" """


def adopt(story: Story, env: dict[str, str]) -> None:
    """An object that somebody has put into a bucket."""
    shown = story.shown
    shown.title("Users put objects into a bucket; an administrator links them.")
    shown.say("The site's settings name the folder whose objects may be linked:")
    print("     MULTIPART_LINK_LOCATIONS = ['s3://lab/finished/']")
    shown.variables |= {
        "S3_KEYS": f"{env['S3_ACCESS_KEY_ID']}:{env['S3_SECRET_ACCESS_KEY']}",
        "LAB": f"{env['S3_ENDPOINT_URL']}/lab",
    }
    # An earlier run has made the bucket.
    shown.curl(f"{_SIGNED}-X PUT $LAB", 200, 409)
    (shown.folder / "run1.txt").write_text(OBJECT)
    shown.curl(_put("run1.txt"), 200)
    story.new_draft("lab", account="TOKEN_3")
    reply = shown.curl(
        """\
        curl "$API/records/$lab/draft/files" -H "$TOKEN_3" -H "$JSON" -d '[
          {"key": "run1.txt", "transfer": {"type": "R",
           "url": "s3://lab/finished/run1.txt"}}]'
        """,
        201,
    ).body
    shown.json(reply["entries"][0], "key", "status", "size", "checksum")
    story.publish("lab", account="TOKEN_3")
    content = '"$API/records/$lab/files/run1.txt/content"'
    copy = shown.curl(f"curl -L {content}", 200).body
    if copy != OBJECT:
        raise DemoError("other bytes came back")
    shown.title("Somebody writes over the object. It is never served as the file.")
    (shown.folder / "run1.txt").write_text(CHANGED)
    shown.curl(_put("run1.txt"), 200)
    refused = shown.curl(f"curl -L {content}", 409).body
    shown.json(refused, "code", "message")


def _put(name: str) -> str:
    return f"{_SIGNED}-T {name} $LAB/finished/{name}"
