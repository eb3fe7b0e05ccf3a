# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""The steps of the batch demo about temporary S3 credentials."""

import json

from shown import DemoError

PROGRAM = """\
import json, re, boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

sts = json.load(open("batch.json"))["sts"]
bucket, prefix = sts["bucket"], sts["prefix"]
s3 = boto3.client("s3", endpoint_url=sts["endpoint_url"],
                  region_name=sts["region"], **sts["credentials"])

def attempt(what, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
        print(f"{what:32}done")
    except (ClientError, S3UploadFailedError) as error:
        code = re.search(r"\\((\\w+)\\)", str(error))[1]
        print(f"{what:32}refused: {code}")

at = dict(Bucket=bucket, Key=prefix + "runs/1/notes.txt")
attempt("upload 20 MB in parts", s3.upload_file,
        "data.bin", bucket, prefix + "data.bin")
attempt("write into a folder inside", s3.put_object, Body=b"notes", **at)
attempt("list inside", s3.list_objects_v2, Bucket=bucket, Prefix=prefix)
attempt("read inside", s3.get_object, **at)
attempt("delete inside", s3.delete_object, **at)
attempt("write outside", s3.put_object, Bucket=bucket, Key="elsewhere")
attempt("write beside, one letter more", s3.put_object,
        Bucket=bucket, Key=prefix.rstrip("/") + "x/notes.txt")
attempt("list outside", s3.list_objects_v2, Bucket=bucket)
attempt("make a bucket", s3.create_bucket, Bucket="my-own-bucket")
"""

INSIDE = {"upload 20 MB in parts", "write into a folder inside", "list inside"}
ATTEMPTS = 9
SIZE = 20_000_000


def temporary_credentials(story, *, required: bool) -> None:
    """Credentials where the store has some, and what a site says that has none.

    :raises DemoError: if they are required and there are none.
    """
    shown = story.shown
    shown.title("Temporary S3 credentials in place of links, for S3 programs.")
    reply = shown.curl(
        """\
        curl "$API/uploads" -H "$TOKEN" -H "$JSON" -d '{
          "record": '"$(cat record.json)"', "mode": "sts-credentials",
          "files": [{"key": "data.bin", "size": 20000000}, "runs/1/notes.txt"]}'
        """,
        *((201,) if required else (201, 400)),
    )
    if reply.status == 400:
        shown.json(reply.body, "code", "message")
        if reply.body["code"] != "sts_unavailable":
            raise DemoError("that is not what is wrong")
        shown.say("./run-demo.sh batch --sts shows them, on an S3 server that has STS.")
        return
    batch = reply.body
    shown.json(batch, "presigned_urls")
    shown.json(batch["sts"], "session_name", "expiration", "bucket", "prefix")
    (shown.folder / "batch.json").write_text(json.dumps(batch))
    (shown.folder / "data.bin").write_bytes(bytes(range(250)) * (SIZE // 250))
    shown.say("The reply is in batch.json, and data.bin has 20 MB. With boto3:")
    shown.write("sts.py", PROGRAM)
    _try(story, INSIDE, INSIDE)
    shown.title("Complete it, by its completion_url.")
    shown.keep(completion_url=batch["completion_url"])
    story.shown.complete_and_publish()
    shown.keep(lent=batch["record_id"])
    found = shown.curl('curl "$API/records/$lent/files"', 200).body
    for entry in sorted(found["entries"], key=lambda entry: entry["key"]):
        shown.say(f"{entry['key']}, {entry['size']:,} bytes", first="     ")
    shown.title("The same credentials, now that the batch is complete.")
    if _try(story, set(), {"list inside"}):
        shown.say(
            "This server takes back the right to write, not the session: until that "
            "ends, the folder can be listed. It is empty; the files are elsewhere."
        )


def _try(story, least: set[str], most: set[str]) -> set[str]:
    """Runs the program.

    :param least: what must be allowed.
    :param most: what may be allowed.
    :returns: what was.
    :raises DemoError: it was less or more.
    """
    shown = story.shown
    code, printed = shown.shell("python sts.py")
    lines = printed.splitlines()
    for line in lines:
        shown.say(line, first="     ")
    done = {line[:32].strip() for line in lines if line.endswith(" done")}
    refused = sum(" refused: " in line for line in lines)
    if code or len(done) + refused != ATTEMPTS or not least <= done <= most:
        raise DemoError("something was refused or allowed that should not have been")
    return done
