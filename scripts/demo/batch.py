# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The story of a batch, told with curl: every command is shown and then really run.

    batch.py --env .demo/instance.env --storage s3 --work DIR [--sts]

Ends with exit code 0 only if every step had the outcome it should have.
"""

import hashlib
import re
import shlex
import sys
from base64 import b64encode
from datetime import datetime, timezone
from typing import Any

from batch_ends import abort, forgotten, see_it_expire, see_it_go, transient
from batch_sts import temporary_credentials
from shown import Shown, expect, story_parser, told

REPORT = "This report is so amazing, wow.\n"
BORING = "This report is so boring, hmmm.."
"""As long as the report: only the MD5 tells."""
REPORT_MD5 = hashlib.md5(REPORT.encode(), usedforsecurity=False)


class Story:
    """The steps, in order; each raises DemoError when something is not as told."""

    def __init__(self, shown: Shown, storage: str):
        """Nothing has happened yet."""
        self.shown, self.storage = shown, storage

    def make_files(self) -> None:
        """Two files and the metadata of a record."""
        self.shown.title("A report, what is to be known about it, and its record.")
        self.shown.write("report.txt", REPORT)
        self.shown.write(
            "report.txt.json",
            f'{{"source": "report.pl", "path": "report.txt",\n'
            f' "md5sum": "{REPORT_MD5.hexdigest()}"}}\n',
        )
        self.shown.write(
            "record.json",
            f"""\
            {{"metadata": {{
               "title": "An amazing report", "resource_type": {{"id": "dataset"}},
               "publication_date": "{datetime.now(timezone.utc):%Y-%m-%d}", "publisher": "Demo",
               "creators": [{{"person_or_org": {{"type": "personal",
                 "given_name": "Ada", "family_name": "Lovelace"}}}}]}}}}
            """,
        )

    def announce(self) -> dict[str, Any]:
        """The announcement, which makes the record's draft."""
        shown = self.shown
        shown.title("Announce the files, and by when they will be there.")
        json_size = (shown.folder / "report.txt.json").stat().st_size
        batch = shown.curl(
            f"""\
            curl "$API/uploads" -H "$TOKEN" -H "$JSON" -d '{{
              "record": '"$(cat record.json)"',
              "files": [
                {{"key": "report.txt", "size": {len(REPORT)},
                 "checksum": "md5:{REPORT_MD5.hexdigest()}"}},
                {{"key": "report.txt.json", "size": {json_size}}}],
              "completed_by": "in 10 minutes"}}'
            """,
            201,
        ).body
        shown.json(batch, "id", "record_id", "state", "complete_before")
        shown.say("Every address in the reply may do one thing, and needs no token:")
        shown.keep(
            record=batch["record_id"],
            report_url=batch["presigned_urls"]["report.txt"],
            json_url=batch["presigned_urls"]["report.txt.json"],
            completion_url=batch["completion_url"],
        )
        return batch

    def meet_the_lock(self, batch: dict[str, Any]) -> None:
        """A second batch for the same draft."""
        self.shown.title("The draft is locked now: nobody else can announce files.")
        refused = self.shown.curl(
            """\
            curl "$API/records/$record/draft/uploads" -H "$TOKEN" -H "$JSON" -d '
              {"files": ["other.txt"]}'
            """,
            423,
        ).body
        self.shown.json(refused, "code", "message", "lock")
        expect(refused["lock"]["batch"] == batch["id"], "the lock names another batch")

    def send(self) -> None:
        """Both files by their links, and first a wrong one."""
        shown = self.shown
        md5 = b64encode(REPORT_MD5.digest()).decode()
        place = "Invenio" if self.storage == "local" else "the S3 server"
        shown.title(f"A link takes only what was announced; {place} refuses the rest.")
        shown.say(
            "Its MD5 was announced, so this link wants it as a header: the reply to the "
            "announcement says which link needs which header."
        )
        refused = shown.curl(
            f"""\
            curl "$report_url" -H "Content-MD5: {md5}" \\
              -X PUT --data-binary "{BORING}"
            """,
            400,
        ).body
        code = refused["code"] if isinstance(refused, dict) else _s3_code(refused)
        shown.result(f"refused: {code}")
        shown.title(f"Send both files to {place}, without a token.")
        shown.curl(
            f"""curl "$report_url" -H "Content-MD5: {md5}" -T report.txt""", 200, 204
        )
        shown.curl("""curl "$json_url" -T report.txt.json""", 200, 204)

    def complete(self) -> None:
        """The completion, with permissions, and its job."""
        shown = self.shown
        shown.title("All is there: complete it, say who may do what, and publish.")
        shown.say(
            "Still no token. A job does the work; its random id is enough to ask for it."
        )
        accepted = shown.curl(
            """\
            curl -X PUT "$completion_url" -H "$JSON" -d '{
              "owners": ["owner", "other"], "write_access": "owners",
              "read_access": "public", "scope": "project", "publish": true}'
            """,
            202,
        ).body
        shown.json(accepted, "status", "job_id")
        shown.keep(job_url=accepted["job_url"])
        shown.title("Look at the job until it is done.")
        job = self.shown.wait_for_job(quiet=False)
        shown.json(job, "status", "result", "children", "date_done")

    def read(self) -> None:
        """What a visitor gets."""
        shown = self.shown
        shown.title("It is published, and anybody can read it.")
        record = shown.curl('curl "$API/records/$record"', 200).body
        shown.json({**record, "title": record["metadata"]["title"]}, "title", "access")
        content = '"$API/records/$record/files/report.txt/content"'
        copy = shown.curl(f"curl -L {content}", 200).body
        expect(copy == REPORT, "the bytes that came back are not those that were sent")
        shown.result("the bytes that were sent")

    def new_version(self) -> None:
        """The second version, by the second owner."""
        shown = self.shown
        shown.title("A new version, by the other owner named above.")
        batch = shown.curl(
            """\
            curl "$API/records/$record/uploads" -H "$TOKEN_2" -H "$JSON" -d '{
              "files": ["report-2.txt"], "completed_by": "in 2 minutes"}'
            """,
            201,
        ).body
        shown.json(batch, "version", "complete_before")
        shown.keep(
            next=batch["record_id"],
            url=batch["presigned_urls"]["report-2.txt"],
            completion_url=batch["completion_url"],
        )
        shown.say(
            "InvenioRDM wants a new publication date; then the file, and the end."
        )
        shown.curl(
            """\
            curl -X PUT "$API/records/$next/draft" -H "$TOKEN_2" -H "$JSON" \\
              -d @record.json
            """,
            200,
        )
        shown.curl('curl "$url" -T report.txt', 200, 204)
        shown.complete_and_publish()
        # The search index follows within a second or two.
        shown.poll(
            'curl "$API/records/$next/versions"',
            lambda reply: reply.body["hits"]["total"] == 2,
            200,
            seconds=30,
        )
        shown.result("two versions, each with files of its own")


def _s3_code(text: str) -> str:
    found = re.search("<Code>(.*?)</Code>", text)
    return found[1] if found else text


def tell(options) -> int:
    """Tells the story.

    :returns: how many steps it had.
    :raises DemoError: if one of them fails.
    """
    env = dict(word.split("=", 1) for word in shlex.split(options.env.read_text()))
    shown = Shown(
        options.work,
        {
            "TOKEN": f"Authorization: Bearer {env['TOKEN_OWNER']}",
            "TOKEN_2": f"Authorization: Bearer {env['TOKEN_OTHER']}",
        },
    )
    print("Each command stands here as it is run. In these variables are the site's")
    print("address, a header, and headers with the tokens of two accounts:")
    shown.keep(API=f"{env['BASE_URL']}/api", JSON="Content-Type: application/json")
    print("   TOKEN='Authorization: Bearer …'\n   TOKEN_2='Authorization: Bearer …'")
    story = Story(shown, options.storage)
    story.make_files()
    story.meet_the_lock(story.announce())
    story.send()
    story.complete()
    story.read()
    story.new_version()
    expires = transient(story)
    deadline = forgotten(story)
    abort(story)
    temporary_credentials(story, required=options.sts)
    see_it_expire(story, deadline)
    see_it_go(story, expires)
    return shown.steps


def main() -> int:
    """Parses the command line and turns the outcome into an exit code."""
    parser = story_parser(__doc__)
    parser.add_argument("--sts", action="store_true")
    return told(tell, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
