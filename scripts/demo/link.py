# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The story of linked files, told with curl: each command is shown and really run.

    link.py --env .demo/instance.env --storage s3 --work DIR

Ends with exit code 0 only if every step had the outcome it should have.
"""

import argparse
import hashlib
import os
import shlex
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from link_adopt import adopt
from shown import Shown, expect, story_parser, told

SURVEY_MIB = 64


class Story:
    """The steps, in order; each raises DemoError when something is not as told."""

    def __init__(self, shown: Shown):
        """Nothing has happened yet."""
        self.shown = shown

    def make_files(self) -> None:
        """A large file, a small one, and the metadata of records."""
        shown = self.shown
        shown.title(f"A dataset: a survey of {SURVEY_MIB} MiB, and notes.")
        with (shown.folder / "survey.bin").open("wb") as file:
            for _ in range(SURVEY_MIB):
                file.write(os.urandom(2**20))
        shown.shell("ls -sh survey.bin")
        shown.write("notes.txt", "First notes.\n")
        shown.write(
            "record.json",
            f"""\
            {{"access": {{"record": "public", "files": "public"}},
             "files": {{"enabled": true}},
             "metadata": {{
               "title": "Survey", "resource_type": {{"id": "dataset"}},
               "publication_date": "{datetime.now(timezone.utc):%Y-%m-%d}", "publisher": "Demo",
               "creators": [{{"person_or_org": {{"type": "personal",
                 "given_name": "Ada", "family_name": "Lovelace"}}}}]}}}}
            """,
        )

    def publish_survey(self) -> None:
        """The record whose files are linked later."""
        shown = self.shown
        shown.title("Send and publish it: these are all bytes that will be sent.")
        size = (shown.folder / "survey.bin").stat().st_size
        batch = shown.curl(
            f"""\
            curl "$API/uploads" -H "$TOKEN" -H "$JSON" -d '{{
              "record": '"$(cat record.json)"', "completed_by": "in 10 minutes",
              "files": [{{"key": "survey.bin", "size": {size}}},
                        {{"key": "notes.txt"}}]}}'
            """,
            201,
        ).body
        shown.keep(survey=batch["record_id"], completion_url=batch["completion_url"])
        self._send(batch, "survey.bin")
        self._send(batch, "notes.txt")
        self.shown.complete_and_publish()

    def link(self) -> None:
        """One file of another record."""
        shown = self.shown
        shown.title("Another record uses the survey. One call, and it is there.")
        self.new_draft("paper")
        reply = shown.curl(
            """\
            curl "$API/records/$paper/draft/files" -H "$TOKEN" -H "$JSON" -d '[
              {"key": "data/survey.bin", "transfer": {"type": "R",
               "record": {"id": "'$survey'", "key": "survey.bin"}}}]'
            """,
            201,
        ).body
        entry = reply["entries"][0]
        shown.json(entry, "key", "status", "size", "checksum", "transfer")
        expect(entry["status"] == "completed", "the link is not a file")
        self.publish("paper")
        shown.title("Everybody reads it there, like any other file.")
        print('   content="$API/records/$paper/files/data/survey.bin/content"')
        shown.variables["content"] = (
            f"{shown.variables['API']}/records/{shown.variables['paper']}"
            "/files/data/survey.bin/content"
        )
        code, printed = shown.shell(
            'command curl -sSL --noproxy "*" "$content" | cmp - survey.bin && echo same bytes'
        )
        expect(code == 0, printed)
        shown.result(printed)

    def refuse(self) -> None:
        """A file that the caller may not read."""
        shown = self.shown
        shown.title(
            "Who may not read a file cannot link it, nor learn that it is there."
        )
        shown.say("A draft of the first account, which the second one tries to link:")
        self.new_draft("secret")
        self._send_stock("secret", "notes.txt")
        self.new_draft("thief", account="TOKEN_2")
        answers = []
        for target in ("'$secret'", "zzzzz-zzzzz"):
            refused = shown.curl(
                f"""\
                curl "$API/records/$thief/draft/links" -H "$TOKEN_2" -H "$JSON" -d '
                  {{"files": [{{"key": "mine", "record":
                    {{"id": "{target}", "key": "notes.txt"}}}}]}}'
                """,
                400,
            ).body
            shown.json(refused, "code", "message")
            answers.append(refused["code"])
        expect(len(set(answers)) == 1, "the two refusals tell the two apart")

    def new_version(self) -> None:
        """A version in which one file changed."""
        shown = self.shown
        shown.title("A new version of the survey, in which only the notes changed.")
        version = shown.curl(
            'curl -X POST "$API/records/$survey/versions" -H "$TOKEN"', 201
        ).body
        shown.keep(next=version["id"])
        shown.curl(
            """\
            curl -X PUT "$API/records/$next/draft" -H "$TOKEN" -H "$JSON" \\
              -d @record.json
            """,
            200,
        )
        begun = time.monotonic()
        linked = shown.curl(
            """\
            curl "$API/records/$next/draft/links" -H "$TOKEN" -H "$JSON" \\
              -d '{"previous": {"except": ["notes.txt"]}}'
            """,
            201,
        ).body
        shown.result(f"{linked['total']} file kept, {time.monotonic() - begun:.1f} s")
        (shown.folder / "notes.txt").write_text("Second notes.\n")
        self._send_stock("next", "notes.txt")
        self.publish("next")

    def link_in_a_batch(self) -> None:
        """What is there already is linked, what is new is sent."""
        shown = self.shown
        shown.title("In a batch: what is there already is linked, what is new is sent.")
        md5 = hashlib.md5((shown.folder / "survey.bin").read_bytes()).hexdigest()
        batch = shown.curl(
            f"""\
            curl "$API/records/$next/uploads" -H "$TOKEN" -H "$JSON" -d '{{
              "completed_by": "in 10 minutes", "files": [
                {{"key": "survey.bin", "check": "md5",
                 "value": {{"field": "checksum", "md5sum": "{md5}"}}}},
                {{"key": "first-notes.txt", "check": "link",
                 "value": {{"id": "'$survey'", "key": "notes.txt"}}}},
                "notes.txt"]}}'
            """,
            201,
        ).body
        shown.keep(
            third=batch["record_id"],
            survey_link=batch["links"]["survey.bin"],
            notes_link=batch["links"]["first-notes.txt"],
            completion_url=batch["completion_url"],
        )
        shown.say("A link is made by its URL, which needs no token:")
        made = shown.curl('curl -X PUT "$survey_link"', 200).body
        shown.json(made, "key", "size", "origin")
        shown.curl('curl -X PUT "$notes_link"', 200)
        shown.curl(
            """\
            curl -X PUT "$API/records/$third/draft" -H "$TOKEN" -H "$JSON" \\
              -d @record.json
            """,
            200,
        )
        (shown.folder / "notes.txt").write_text("Third notes.\n")
        self._send(batch, "notes.txt")
        self.shown.complete_and_publish()
        shown.curl('curl "$API/records/$third/files"', 200)

    def who_uses_it(self) -> None:
        """The reverse look-up."""
        shown = self.shown
        shown.title("An administrator asks who uses these bytes.")
        code, printed = shown.shell(
            "invenio multipart links $survey/survey.bin 2>log.txt"
        )
        expect(code == 0, printed)
        for line in printed.splitlines():
            print(f"     {line}")
        for name in ("survey", "paper", "next", "third"):
            expect(shown.variables[name] in printed, f"{name} is not among the users")

    def new_draft(self, name: str, account: str = "TOKEN") -> None:
        """Makes a draft, whose id is from now on in the variable of this name."""
        draft = self.shown.curl(
            f'curl "$API/records" -H "${account}" -H "$JSON" -d @record.json', 201
        ).body
        self.shown.keep(**{name: draft["id"]})

    def publish(self, name: str, account: str = "TOKEN") -> None:
        """Publishes the draft whose id is in the variable of this name."""
        self.shown.curl(
            f'curl -X POST "$API/records/${name}/draft/actions/publish" -H "${account}"',
            202,
        )

    def _send(self, batch: dict[str, Any], key: str) -> None:
        """By its URL, or by the URLs of its parts."""
        shown, found = self.shown, batch["presigned_urls"][key]
        if isinstance(found, str):
            shown.keep(url=found)
            shown.curl(f'curl "$url" -T {key}', 200, 204)
            return
        start = 0
        for part in found:
            shown.variables["url"] = part["url"]
            piece = shown.folder / "part"
            with (shown.folder / key).open("rb") as file:
                file.seek(start)
                piece.write_bytes(file.read(part["size"]))
            shown.curl('curl "$url" -T part', 200, 204, quiet=True)
            start += part["size"]
        host = urlsplit(found[0]["url"]).netloc
        shown.result(f"{key}: {len(found)} parts sent to {host}")

    def _send_stock(self, draft: str, key: str) -> None:
        """A small file, by InvenioRDM's own three calls."""
        shown = self.shown
        shown.variables["files"] = (
            f"{shown.variables['API']}/records/{shown.variables[draft]}/draft/files"
        )
        print(f'   files="$API/records/${draft}/draft/files"')
        shown.curl(
            f"""\
            curl "$files" -H "$TOKEN" -H "$JSON" -d '[{{"key": "{key}"}}]'
            """,
            201,
        )
        shown.curl(
            f"""\
            curl "$files/{key}/content" -T {key} \\
              -H "$TOKEN" -H "Content-Type: application/octet-stream"
            """,
            200,
        )
        shown.curl(f'curl -X POST "$files/{key}/commit" -H "$TOKEN"', 200)


def tell(options: argparse.Namespace) -> int:
    """Tells the story.

    :returns: how many steps it had.
    :raises DemoError: if one of them fails.
    """
    env = dict(
        word.split("=", 1)
        for word in shlex.split(options.env.read_text(), comments=True)
    )
    names = ("TOKEN_OWNER", "TOKEN_OTHER", "TOKEN_ADMIN")
    tokens = [f"Authorization: Bearer {env[name]}" for name in names]
    shown = Shown(
        options.work,
        {
            **dict(zip(("TOKEN", "TOKEN_2", "TOKEN_3"), tokens)),
            "INVENIO_INSTANCE_PATH": env["INSTANCE_PATH"],
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )
    print("Each command stands here as it is run. In these variables are the site's")
    print("address, a header, and headers with the tokens of three accounts:")
    shown.keep(API=f"{env['BASE_URL']}/api", JSON="Content-Type: application/json")
    for name in ("TOKEN", "TOKEN_2", "TOKEN_3"):
        print(f"   {name}='Authorization: Bearer …'")
    story = Story(shown)
    story.make_files()
    story.publish_survey()
    story.link()
    story.refuse()
    story.new_version()
    story.link_in_a_batch()
    story.who_uses_it()
    if options.storage != "local":
        adopt(story, env)
    return shown.steps


def main() -> int:
    """Parses the command line and turns the outcome into an exit code."""
    return told(tell, story_parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
