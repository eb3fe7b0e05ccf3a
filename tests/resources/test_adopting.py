# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Objects that others put into a bucket become files of records, where they are."""

from __future__ import annotations

import gc
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adopting import (
    LINKERS,
    Shelf,
    download,
    give_role,
    link,
    linked,
    open_shelf,
)
from tests.backdoor import bucket_size, set_limits, setting
from tests.driver import PART, Api, Draft, md5
from tests.reaping import reap
from tests.storage.sts.servers import NAMES, hindrance

DATA = b"temperatures of a long summer"


@pytest.fixture(
    params=[
        (server, versioned)
        for server in ("default", *NAMES)
        for versioned in (False, True)
    ],
    ids=lambda param: f"{param[0]}-{'versioned' if param[1] else 'plain'}",
)
def any_shelf(request: pytest.FixtureRequest, app: Any, local: str) -> Iterator[Shelf]:
    """A bucket on each server, with and without versions; drafts are stored locally."""
    server, versioned = request.param
    why = None if server == "default" else hindrance(server)
    if why:
        pytest.skip(f"without {server}: {why}")
    with open_shelf(app, server, versioned=versioned) as shelf:
        yield shelf


@pytest.fixture
def shelf(app: Any, local: str) -> Iterator[Shelf]:
    """A bucket without versions."""
    with open_shelf(app, "default", versioned=False) as shelf:
        yield shelf


@pytest.fixture
def versions(app: Any, local: str) -> Iterator[Shelf]:
    """A bucket with versions."""
    with open_shelf(app, "default", versioned=True) as shelf:
        yield shelf


@pytest.fixture(autouse=True)
def linker(app: Any) -> Iterator[None]:
    """The owner of new drafts may link objects."""
    give_role(app, "owner", LINKERS)
    yield
    give_role(app, "owner", LINKERS, taken=True)


def publish(draft: Draft) -> str:
    """Publish a draft; path of the record."""
    reply = draft.publish()
    assert reply.status == 202, reply.json
    return f"/records/{reply.json['id']}"


def test_an_object_is_an_ordinary_file(any_shelf: Shelf, api: Api) -> None:
    """It has size, digest and bytes of the object, and stays so when published."""
    version = any_shelf.put("data/a ü+~.txt", DATA)
    draft = api.new_draft()
    url = any_shelf.url("data/a ü+~.txt")
    (made,) = linked(draft, {"key": "mine.txt", "url": url})
    assert made["size"] == len(DATA)
    assert made["checksum"] == md5(DATA)
    assert made["origin"]["url"] == url
    assert made["origin"].get("version_id") == version
    entry = api.get(draft.file("mine.txt")).json
    assert entry["status"] == "completed"
    assert entry["checksum"] == md5(DATA)
    assert entry["transfer"] == {"type": "L"}
    assert draft.status("mine.txt")["is_consistent"] is True
    path = f"{publish(draft)}/files/mine.txt"
    assert download(api, f"{path}/content") == (200, DATA)
    assert download(api, f"{path}/content", Range="bytes=3-9") == (206, DATA[3:10])


def test_a_change_underneath_is_never_served(
    app: Any, any_shelf: Shelf, api: Api, anonymous: Api
) -> None:
    """With versions readers get what was published; without, they are told."""
    any_shelf.put("data/a.txt", DATA)
    draft = api.new_draft()
    linked(draft, {"key": "a.txt", "url": any_shelf.url("data/a.txt")})
    record = publish(draft)
    any_shelf.put("data/a.txt", DATA.upper())
    status, data = download(anonymous, f"{record}/files/a.txt/content")
    archive = _archive(anonymous, record)
    if any_shelf.versioned:
        assert (status, data) == (200, DATA)
        assert archive == {"a.txt": DATA}
    else:
        assert status == 409
        assert b"object_changed" in data
        assert archive is None
    with setting(app, MULTIPART_LINK_CHECK_SECONDS=-1):
        assert reap(app).failed == 0
    shown = anonymous.get(f"{record}/files/a.txt").json
    assert shown["checksum"] == md5(DATA)
    if not any_shelf.versioned:
        assert download(anonymous, f"{record}/files/a.txt/content")[0] in (409, 503)
        any_shelf.put("data/a.txt", DATA)
        with setting(app, MULTIPART_LINK_CHECK_SECONDS=-1):
            reap(app)
    assert download(anonymous, f"{record}/files/a.txt/content") == (200, DATA)


def _archive(api: Api, record: str) -> dict[str, bytes] | None:
    """Contents of a record's archive; None when it breaks off."""
    from invenio_multipart.errors import ObjectChanged

    try:
        status, data = download(api, f"{record}/files-archive")
    except ObjectChanged:
        return None
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_is_gone_is_shown(app: Any, any_shelf: Shelf, api: Api) -> None:
    """The status tells the problem until the object is there again."""
    any_shelf.put("data/a.txt", DATA)
    draft = api.new_draft()
    linked(draft, {"key": "a.txt", "url": any_shelf.url("data/a.txt")})
    any_shelf.delete("data/a.txt")
    with setting(app, MULTIPART_LINK_CHECK_SECONDS=-1):
        assert reap(app).done["objects_checked"] >= 1
    status = draft.status("a.txt")
    assert status["is_consistent"] is False
    assert status["error_message"] == "The object is gone."
    assert status["error_on"] is not None
    if any_shelf.versioned:
        return
    any_shelf.put("data/a.txt", DATA)
    with setting(app, MULTIPART_LINK_CHECK_SECONDS=-1):
        reap(app)
    status = draft.status("a.txt")
    assert status["is_consistent"] is True
    assert status["error_message"] is None


def test_a_folder(any_shelf: Shelf, api: Api) -> None:
    """All below a folder comes at once, its structure kept, marks of folders left out."""
    contents = {f"a/{n}.txt": f"{n}".encode() for n in range(12)}
    contents |= {"b ü.txt": b"b", "c/d/e#1?.txt": b"e"}
    for name, data in contents.items():
        any_shelf.put(f"data/run/{name}", data)
    any_shelf.put("data/run2/other", b"other")
    _mark(any_shelf, "data/run/empty/")
    draft = api.new_draft()
    made = linked(draft, {"key": "in/", "url": any_shelf.url("data/run/")})
    assert {file["key"] for file in made} == {f"in/{name}" for name in contents}
    for name, data in contents.items():
        entry = api.get(draft.file(f"in/{name}")).json
        # What the listing does not tell, a job has found out meanwhile.
        assert entry["checksum"] == md5(data)
        assert download(api, draft.file(f"in/{name}", "/content")) == (200, data)
    other = api.new_draft()
    made = linked(other, {"key": "", "url": any_shelf.url("data/run/")})
    assert {file["key"] for file in made} == set(contents)


def _mark(shelf: Shelf, key: str) -> None:
    shelf.client.put_object(Bucket=shelf.bucket, Key=key, Body=b"")


def test_a_new_version_links_only_what_changed(versions: Shelf, api: Api) -> None:
    """A folder linked again has the same files where its objects are the same."""
    for name in ("same", "changed", "removed"):
        versions.put(f"data/set/{name}", name.encode())
    draft = api.new_draft()
    linked(draft, {"key": "", "url": versions.url("data/set/")})
    first = _file_ids(draft)
    record = publish(draft)
    versions.put("data/set/changed", b"anew")
    versions.put("data/set/added", b"added")
    versions.client.delete_object(Bucket=versions.bucket, Key="data/set/removed")
    reply = api.call("POST", f"{record}/versions")
    assert reply.status == 201, reply.json
    second = Draft(api, reply.json["id"])
    linked(second, {"key": "", "url": versions.url("data/set/")})
    ids = _file_ids(second)
    assert ids.keys() == {"same", "changed", "added"}
    assert ids["same"] == first["same"]
    assert ids["changed"] != first["changed"]
    assert second.content("changed") == b"anew"
    for name in first:
        path = f"{record}/files/{name}/content"
        assert download(api, path) == (200, name.encode())


def _file_ids(draft: Draft) -> dict[str, str]:
    entries = draft.api.get(f"{draft.path}/files").json["entries"]
    return {entry["key"]: entry["file_id"] for entry in entries}


def test_a_version_that_is_asked_for(versions: Shelf, api: Api) -> None:
    """An older version of an object can be linked as well as the newest."""
    older = versions.put("data/a.txt", b"older")
    versions.put("data/a.txt", b"newer")
    url = versions.url("data/a.txt")
    draft = api.new_draft()
    made = linked(
        draft,
        {"key": "older", "url": url, "version_id": older},
        {"key": "newer", "url": url},
    )
    assert [file["size"] for file in made] == [5, 5]
    assert draft.content("older") == b"older"
    assert draft.content("newer") == b"newer"
    reply = link(draft, {"key": "no", "url": url, "version_id": "no-such-version"})
    assert (reply.status, reply.json["code"]) == (400, "link_target_unavailable")


def test_the_same_object_is_one_file(shelf: Shelf, api: Api) -> None:
    """Linked twice, in one call or in two, it has one file instance."""
    shelf.put("data/a.txt", DATA)
    url = shelf.url("data/a.txt")
    draft, other = api.new_draft(), api.new_draft()
    linked(draft, {"key": "1", "url": url}, {"key": "2", "url": url})
    linked(other, {"key": "3", "url": url})
    ids = {*_file_ids(draft).values(), *_file_ids(other).values()}
    assert len(ids) == 1


def test_another_object_of_the_same_name_is_refused(shelf: Shelf, api: Api) -> None:
    """What was linked as something else is a conflict, and names the object."""
    shelf.put("data/a.txt", DATA)
    url = shelf.url("data/a.txt")
    linked(api.new_draft(), {"key": "a", "url": url})
    shelf.put("data/a.txt", DATA[:-1])
    draft = api.new_draft()
    reply = link(draft, {"key": "a", "url": url})
    assert (reply.status, reply.json["code"]) == (400, "link_conflict")
    assert url in reply.json["message"]
    assert api.get(f"{draft.path}/files").json["entries"] == []


def test_the_digest_of_an_object_in_parts(shelf: Shelf, api: Api) -> None:
    """Where the ETag is no MD5 a job reads the object once."""
    parts = [b"a" * PART, b"b" * 1000]
    shelf.put_in_parts("data/large.bin", parts)
    draft = api.new_draft()
    (made,) = linked(draft, {"key": "a", "url": shelf.url("data/large.bin")})
    assert made["checksum"] is None
    assert api.get(draft.file("a")).json["checksum"] == md5(b"".join(parts))


def test_by_the_route_of_files(shelf: Shelf, api: Api) -> None:
    """The route by which files are begun links objects and folders as well."""
    shelf.put("data/a.txt", DATA)
    shelf.put("data/b/c.txt", b"c")
    draft = api.new_draft()
    entries = [
        {"key": "one", "transfer": {"type": "R", "url": shelf.url("data/a.txt")}},
        {"key": "all/", "transfer": {"type": "R", "url": shelf.url("data/")}},
    ]
    reply = api.call("POST", f"{draft.path}/files", json=entries)
    assert reply.status == 201, reply.json
    found = {entry["key"]: entry["status"] for entry in reply.json["entries"]}
    assert found == dict.fromkeys(["one", "all/a.txt", "all/b/c.txt"], "completed")


def test_zip_listing(shelf: Shelf, api: Api) -> None:
    """What is in a zip file can be listed and taken out where it is."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/a.txt", DATA)
    shelf.put("data/a.zip", packed.getvalue())
    draft = api.new_draft()
    linked(draft, {"key": "a.zip", "url": shelf.url("data/a.zip")})
    record = publish(draft)
    listed = api.get(f"{record}/files/a.zip/container")
    assert listed.status == 200, listed.json
    assert listed.json["entries"][0]["key"] == "inner/a.txt"
    path = f"{record}/files/a.zip/container/inner/a.txt"
    assert download(api, path) == (200, DATA)


def test_images(versions: Shelf, api: Api) -> None:
    """IIIF shows an image where it is, the version that was linked."""
    from PIL import Image

    def png(color: str) -> bytes:
        packed = io.BytesIO()
        Image.new("RGB", (40, 30), color).save(packed, "PNG")
        return packed.getvalue()

    versions.put("data/a.png", png("red"))
    draft = api.new_draft()
    linked(draft, {"key": "a.png", "url": versions.url("data/a.png")})
    publish(draft)
    versions.put("data/a.png", png("blue"))
    with warnings.catch_warnings():
        # Upstream leaves the image's file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        path = f"/iiif/record:{draft.id}:a.png/full/^20,/0/default.png"
        status, data = download(api, path)
        gc.collect()
    assert status == 200
    image = Image.open(io.BytesIO(data)).convert("RGB")
    assert image.size == (20, 15)
    assert image.getpixel((5, 5)) == (255, 0, 0)


def test_who_may(app: Any, shelf: Shelf, api: Api, other: Api) -> None:
    """One needs the role, or to be an administrator, and the right to the draft."""
    shelf.put("data/a.txt", DATA)
    file = {"key": "a.txt", "url": shelf.url("data/a.txt")}
    draft = other.new_draft()
    reply = link(draft, file)
    assert (reply.status, reply.json["code"]) == (403, "access_denied")
    # Neither is told whether there is such an object.
    missing = link(draft, {"key": "a.txt", "url": shelf.url("data/no")})
    assert missing.json["message"] == reply.json["message"]
    assert link(draft.as_(api), file).status == 403
    admin = Api(app, app.tokens["admin"])
    assert link(draft.as_(admin), file).status == 201


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://{bucket}",
        "s3://another-bucket/data/a.txt",
        "s3://{bucket}/a.txt",
        "s3://{bucket}/data",
        "s3://{bucket}/",
        "s3://{bucket}/data2/a.txt",
        "s3://{bucket}/data/../data2/a.txt",
        "s3://{bucket}/data/%2e%2e/data2/a.txt",
        "s3://{bucket}/data/..%2fdata2/a.txt",
        "s3://{bucket}/data/..\\data2\\a.txt",
        "s3://{bucket}/data//a.txt",
        "s3://{bucket}/data/a.txt?versionId=1",
        "s3://{bucket}/data/a\x01.txt",
        "s3://{bucket}/data/" + "a" * 1025,
        "s3://user:pass@{bucket}/data/a.txt",
        "s3:/{bucket}/data/a.txt",
        "S3://{bucket}/data/a.txt",
        "s3a://{bucket}/data/a.txt",
        "s3://{bucket}#/data/a.txt",
    ],
)
def test_places_that_are_not_linked_to(shelf: Shelf, api: Api, url: str) -> None:
    """Tricks and mistakes in an address are refused with words, on both routes."""
    for key in ("data/a.txt", "data2/a.txt", "a.txt"):
        shelf.put(key, DATA)
    url = url.format(bucket=shelf.bucket)
    draft = api.new_draft()
    reply = link(draft, {"key": "a.txt", "url": url})
    assert reply.status == 400, reply.json
    assert reply.json["message"]
    entry = {"key": "a.txt", "transfer": {"type": "R", "url": url}}
    reply = api.call("POST", f"{draft.path}/files", json=[entry])
    assert 400 <= reply.status < 500, reply.json
    assert api.get(f"{draft.path}/files").json["entries"] == []


@pytest.mark.parametrize(
    "url",
    [
        "data/no.txt",
        "data/a.txt/b",
        "data/none/",
        "data/" + "a" * 300,
        "data/" + "ü" * 500,
        "data/👾\u202e\ufffe",
        "data/a.txt?x=1",
        "data/a.txt#x",
    ],
)
def test_objects_that_are_not_there(shelf: Shelf, api: Api, url: str) -> None:
    """Whatever the store says of a key that it does not have, it is not there."""
    shelf.put("data/a.txt", DATA)
    draft = api.new_draft()
    key = "in/" if url.endswith("/") else "a.txt"
    reply = link(draft, {"key": key, "url": shelf.url(url)})
    assert reply.status == 400, reply.json
    assert reply.json["code"] == "link_target_unavailable"


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"], ids=["NUL", "half"])
@pytest.mark.parametrize("field", ["key", "url", "version_id"])
def test_texts_that_cannot_be_stored(
    shelf: Shelf, api: Api, field: str, text: str
) -> None:
    """NULs and halves of characters are refused wherever they are."""
    shelf.put("data/a.txt", DATA)
    draft = api.new_draft()
    file = {"key": "a", "url": shelf.url("data/a.txt"), field: text}
    if field == "url":
        file["url"] = shelf.url(f"data/{text}")
    assert link(draft, file).status == 400
    transfer = {k: v for k, v in file.items() if k != "key"}
    entry = {"key": file["key"], "transfer": {"type": "R", **transfer}}
    reply = api.call("POST", f"{draft.path}/files", json=[entry])
    assert 400 <= reply.status < 500, reply.json


@pytest.mark.parametrize(
    ("key", "code"),
    [("in", "invalid_key"), ("../", "invalid_key"), ("/", "invalid_key")],
)
def test_keys_of_folders(shelf: Shelf, api: Api, key: str, code: str) -> None:
    """The key of a folder is a folder, and a safe one."""
    shelf.put("data/run/a.txt", DATA)
    draft = api.new_draft()
    reply = link(draft, {"key": key, "url": shelf.url("data/run/")})
    assert (reply.status, reply.json["code"]) == (400, code)


def test_keys_that_the_draft_has(shelf: Shelf, api: Api) -> None:
    """A folder brings all of its objects or none."""
    for name in ("a", "b"):
        shelf.put(f"data/{name}", DATA)
    draft = api.new_draft()
    linked(draft, {"key": "b", "url": shelf.url("data/a")})
    reply = link(draft, {"key": "", "url": shelf.url("data/")})
    assert (reply.status, reply.json["code"]) == (400, "keys_taken")
    assert _file_ids(draft).keys() == {"b"}


def test_limits_of_files(app: Any, shelf: Shelf, api: Api) -> None:
    """Too many objects for a call or a record are refused, and the limit is named."""
    for number in range(7):
        shelf.put(f"data/{number}", DATA)
    draft = api.new_draft()
    folder = {"key": "", "url": shelf.url("data/")}
    with setting(app, MULTIPART_BATCH_MAX_FILES=6):
        reply = link(draft, folder)
    assert (reply.status, reply.json["code"]) == (400, "too_many_files")
    assert "6" in reply.json["message"]
    with setting(app, RDM_RECORDS_MAX_FILES_COUNT=5):
        reply = link(draft, folder)
    assert (reply.status, reply.json["code"]) == (400, "too_many_files")
    assert "5" in reply.json["message"]
    with setting(app, MULTIPART_BATCH_MAX_FILES=7):
        assert link(draft, folder).status == 201


@pytest.mark.parametrize("counts", ["full", "none"])
def test_quota(app: Any, shelf: Shelf, api: Api, counts: str) -> None:
    """Linked objects count in the quota as the site has it."""
    shelf.put("data/a", b"a" * 60)
    shelf.put("data/b", b"b" * 60)
    draft = api.new_draft()
    set_limits(draft, quota_size=100)
    with setting(app, MULTIPART_LINK_QUOTA=counts):
        reply = link(draft, {"key": "", "url": shelf.url("data/")})
        if counts == "full":
            assert (reply.status, reply.json["code"]) == (400, "quota_exceeded")
            assert bucket_size(draft) == 0
        else:
            assert reply.status == 201, reply.json


def test_files_of_the_repository(app: Any, shelf: Shelf, api: Api) -> None:
    """A file of the repository is no object of others, wherever it is stored."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance

    shelf.put("data/own", DATA)
    url = shelf.url("data/own")
    with app.app_context():
        instance = FileInstance(uri=url, size=len(DATA), storage_class="L")
        db.session.add(instance)
        db.session.commit()
    reply = link(api.new_draft(), {"key": "a", "url": url})
    assert (reply.status, reply.json["code"]) == (400, "invalid_link")


def test_a_store_that_is_down(app: Any, shelf: Shelf, api: Api) -> None:
    """Without the store the answer is to try again later."""
    draft = api.new_draft()
    with setting(app, S3_ENDPOINT_URL="http://127.0.0.1:9"):
        vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)
        reply = link(draft, {"key": "a", "url": shelf.url("data/a")})
    vars(app.extensions["invenio-s3"]).pop("init_s3fs_info", None)
    assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
