# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Files that stay elsewhere: upstream's meaning of R, and its defects.

The numbers are those of our review, as in ``test_defects``. Public hosts are named
by their addresses: the tests know no name service but the machine's own.
"""

from __future__ import annotations

import io
import random
import socket
import string
import time
import zipfile
from typing import Any

import pytest

from ..backdoor import bucket_size, set_limits, setting
from ..driver import Api, Draft, Reply, md5
from ..services.test_races import at_once
from .conftest import HOST
from .test_links import DATA, link_entry, publish, put_file, read


def new_url(place: str = f"https://{HOST}") -> str:
    """An address nobody has linked to before."""
    return f"{place}/{random.getrandbits(64):x}/a.nc"


def entry_of(url: str, key: str = "a.nc", **entry: Any) -> dict[str, Any]:
    """A file elsewhere, as it is begun."""
    return {"key": key, "transfer": {"type": "R", "url": url}, **entry}


def begin(draft: Draft, *entries: dict[str, Any]) -> Reply:
    """Begin files elsewhere."""
    return draft.api.call("POST", f"{draft.path}/files", json=list(entries))


def begin_as_system(draft: Draft, *entries: dict[str, Any]) -> None:
    """The same by the system, to whom the stock policy leaves it."""
    from invenio_access.permissions import system_identity
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with draft.api.app.app_context():
        service.draft_files.init_files(system_identity, draft.id, list(entries))


def location(api: Api, path: str) -> tuple[int, str | None]:
    """Status of a download, and where it leads."""
    reply = api.call("GET", path)
    return reply.status, reply.headers.get("Location")


def refusal(reply: Reply) -> tuple[int, str, str]:
    """Status, code and field of a refusal."""
    return reply.status, reply.json["code"], reply.json["errors"][0]["field"]


def test_defect_21_download_under_the_stock_policy(
    api: Api, other: Api, anonymous: Api, allowed: None
) -> None:
    """What the system linked is downloaded by whoever may read the record's files."""
    draft, url = api.new_draft(), new_url()
    begin_as_system(draft, entry_of(url, size=5, checksum=md5(b"hello")))
    (entry,) = api.get(f"{draft.path}/files").json["entries"]
    assert (entry["status"], entry["size"]) == ("completed", 5)
    assert entry["checksum"] == md5(b"hello")
    assert entry["transfer"] == {"type": "R"}
    assert location(api, draft.file("a.nc", "/content")) == (302, url)
    assert location(other, draft.file("a.nc", "/content"))[0] == 403
    assert location(anonymous, draft.file("a.nc", "/content"))[0] in (401, 403)
    path = f"/records/{publish(draft)}/files/a.nc/content"
    for reader in (api, other, anonymous):
        assert location(reader, path) == (302, url)


@pytest.mark.parametrize("record", ["public", "restricted"])
def test_defect_21_restricted_files(
    api: Api, other: Api, anonymous: Api, allowed: None, record: str
) -> None:
    """Restricted files are not given away by a redirect."""
    draft, url = api.new_draft(access={"record": record, "files": "restricted"}), ""
    begin_as_system(draft, entry_of(url := new_url()))
    path = f"/records/{publish(draft)}/files/a.nc/content"
    assert location(api, path) == (302, url)
    assert location(other, path)[0] == 403
    assert location(anonymous, path)[0] in (401, 403)


def test_defect_21_who_may_create(
    app: Any, api: Api, other: Api, allowed: None
) -> None:
    """The stock policy leaves it to the system, and the owner hears so."""
    draft = api.new_draft()
    for url in (new_url(), "HTTPS://8.8.8.8/a", "ftp://8.8.8.8/a", "nonsense"):
        assert begin(draft, entry_of(url)).status == 403
    assert begin(draft.as_(other), entry_of(new_url())).status == 403


def test_defect_21_a_site_that_allows_it(api: Api, other: Api, open_site: None) -> None:
    """Where the site's policy lets owners link, they do, and nobody else."""
    draft, url = api.new_draft(), new_url()
    reply = begin(draft, entry_of(url, metadata={"about": "depths"}))
    assert reply.status == 201, reply.json
    (entry,) = reply.json["entries"]
    assert (entry["status"], entry["size"]) == ("completed", 0)
    assert entry["metadata"] == {"about": "depths"}
    assert "url" not in str(entry["transfer"])
    assert location(api, draft.file("a.nc", "/content")) == (302, url)
    assert begin(draft.as_(other), entry_of(new_url())).status == 403
    assert draft.delete("a.nc").status == 204
    assert begin(draft, entry_of(url)).status == 201


def test_defect_21_a_policy_that_is_taken_as_it_is(
    app: Any, api: Api, local: str
) -> None:
    """A site may keep its policy from being extended; nothing is lost otherwise."""
    from invenio_rdm_records.services.permissions import RDMRecordPermissionPolicy

    from invenio_multipart.services.permissions import with_links

    class SitePolicy(RDMRecordPermissionPolicy):
        multipart_links = True

    assert with_links(SitePolicy) is SitePolicy
    extended = with_links(RDMRecordPermissionPolicy)
    assert issubclass(extended, RDMRecordPermissionPolicy)
    assert with_links(extended) is extended
    changed = {name for name in vars(extended) if name.startswith("can_")}
    for name in changed:
        kept = getattr(RDMRecordPermissionPolicy, name)
        assert getattr(extended, name)[: len(kept)] == list(kept), name
    source, draft = api.new_draft(), api.new_draft()
    put_file(source, "a.txt")
    entry = link_entry("mine.txt", source.id, "a.txt")
    with setting(app, RDM_PERMISSION_POLICY=SitePolicy):
        assert begin(draft, entry).status == 403
    assert begin(draft, entry).status == 201


def test_defect_21_other_routes(app: Any, api: Api, open_site: None) -> None:
    """Archive, container, content, parts, status and commit do without its bytes."""
    draft = api.new_draft()
    assert begin(draft, entry_of(new_url(), "a.zip", size=10)).status == 201
    put_file(draft, "b.txt")
    assert draft.status("a.zip")["state"] == "completed"
    content = api.call("PUT", draft.file("a.zip", "/content"), data=b"x")
    assert content.status in (400, 403), content.json
    assert draft.parts("a.zip").status == 404
    assert draft.commit("a.zip").status in (400, 403)
    container = api.get(draft.file("a.zip", "/container"))
    assert (container.status, container.json["code"]) == (400, "not_allowed_here")
    for finish in (lambda: draft.path, lambda: f"/records/{publish(draft)}"):
        status, archive = read(api, f"{finish()}/files-archive")
        assert status == 200
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            assert opened.namelist() == ["b.txt"]
            assert opened.read("b.txt") == DATA


def test_defect_21_an_image_elsewhere(api: Api, open_site: None) -> None:
    """IIIF does not break over an image that is elsewhere."""
    draft = api.new_draft()
    assert begin(draft, entry_of(new_url(), "a.png")).status == 201
    record = publish(draft)
    reply = api.get(f"/iiif/record:{record}:a.png/full/^200,/0/default.png")
    assert 400 <= reply.status < 500, reply.json
    assert api.get(f"/iiif/record:{record}/manifest").status == 200


def test_defect_21_new_version_and_deletion(api: Api, open_site: None) -> None:
    """A new version takes the link over; both drafts can be discarded."""
    draft, url = api.new_draft(), new_url()
    assert begin(draft, entry_of(url, size=7)).status == 201
    record = publish(draft)
    reply = api.call("POST", f"/records/{record}/versions")
    version = Draft(api, reply.json["id"])
    imported = api.call("POST", f"{version.path}/actions/files-import")
    assert imported.status == 201, imported.json
    assert location(api, version.file("a.nc", "/content")) == (302, url)
    assert api.call("DELETE", version.path).status == 204
    assert location(api, f"/records/{record}/files/a.nc/content") == (302, url)


def test_defect_22_conflicts_with_an_earlier_link(api: Api, open_site: None) -> None:
    """Another size or digest for the same address is refused, in any record."""
    first, second, url = api.new_draft(), api.new_draft(), new_url()
    known = {"size": 5, "checksum": md5(b"hello")}
    assert begin(first, entry_of(url, **known)).status == 201
    wrong = begin(second, entry_of(url, size=6))
    assert refusal(wrong) == (400, "link_conflict", "size")
    wrong = begin(second, entry_of(url, checksum=md5(b"other")))
    assert refusal(wrong) == (400, "link_conflict", "checksum")
    assert second.api.get(second.file("a.nc")).status == 404
    for key, entry in (("same", known), ("left-open", {})):
        reply = begin(second, entry_of(url.replace("https", "HTTPS"), key, **entry))
        assert reply.status == 201, reply.json
        made = api.get(second.file(key)).json
        assert (made["size"], made["checksum"]) == (5, md5(b"hello"))
    assert bucket_size(second) == 10
    assert second.delete("same").status == 204
    assert bucket_size(second) == 5


def test_defect_22_what_nobody_said(api: Api, open_site: None) -> None:
    """Size and digest cannot be put under files of others that show none."""
    first, second, url = api.new_draft(), api.new_draft(), new_url()
    assert begin(first, entry_of(url)).status == 201
    assert refusal(begin(second, entry_of(url, size=6)))[1] == "link_conflict"
    late = begin(second, entry_of(url, checksum=md5(b"x")))
    assert refusal(late)[1] == "link_conflict"
    assert first.delete("a.nc").status == 204
    assert begin(second, entry_of(url, size=6)).status == 201
    assert api.get(second.file("a.nc")).json["size"] == 6


def test_defect_22_an_internal_address(app: Any, api: Api, open_site: None) -> None:
    """The place of one of the site's own files is no address to link to."""
    from invenio_db import db
    from invenio_files_rest.models import FileInstance

    draft, url = api.new_draft(), new_url()
    put_file(draft, "own.txt")
    with app.app_context():
        own = FileInstance.query.filter(FileInstance.readable).first().uri
        inside = FileInstance.create()
        inside.set_uri(url, 1, None, readable=True)
        db.session.commit()
    for place in (own, f"file://{own}"):
        assert begin(draft, entry_of(place, "b")).status in (400, 403)
    assert refusal(begin(draft, entry_of(url))) == (400, "invalid_link", "url")


REFUSED = [
    "https://8.8.4.4/a",
    "https://8.8.8.8:444/a",
    "https://8.8.8.8.example/a",
    "http://8.8.8.8:81/a",
    "https://user@8.8.8.8/a",
    "https://8.8.8.8@127.0.0.1/a",
    "https://8.8.8.8/../a",
    "https://8.8.8.8",
    "https://8.8.8.8/a#b",
    "https://134744072/a",
    "https://0x08080808/a",
    "https://010.8.8.8/a",
    "https://8.2056/a",
    "https://127.0.0.1/a",
    "https://localhost/a",
    "https://[::1]/a",
    "https://[::ffff:127.0.0.1]/a",
    "https://[::ffff:8.8.8.8]/a",
    "file:///etc/passwd",
    "gopher://8.8.8.8/a",
    "//8.8.8.8/a",
    "https://8.8.8.8/a\r\nX: y",
]


def test_defect_22_refused_addresses(api: Api, open_site: None) -> None:
    """Scheme, user, host, port and path are all looked at; nothing is left behind."""
    draft = api.new_draft()
    for url in REFUSED:
        reply = begin(draft, entry_of(url))
        assert refusal(reply) == (400, "invalid_link", "url"), url
    assert api.get(f"{draft.path}/files").json["entries"] == []


def test_defect_22_allowed_places(api: Api, open_site: None) -> None:
    """Ports and plain http are taken where the list names them."""
    places = (f"https://{HOST}:8443", f"http://{HOST}", f"HTTPS://{HOST}:443")
    entries = [entry_of(new_url(place), place[-5:]) for place in places]
    assert begin(api.new_draft(), *entries).status == 201


def test_defect_22_nothing_is_allowed_by_default(app: Any, api: Api) -> None:
    """A site that names no host links to none."""
    from marshmallow import ValidationError

    from invenio_multipart.errors import InvalidLink

    with pytest.raises((InvalidLink, ValidationError)):
        begin_as_system(api.new_draft(), entry_of(new_url()))


def test_defect_22_private_hosts_by_name(app: Any, api: Api, open_site: None) -> None:
    """A site may name a host of its own network; only that one is taken."""
    draft = api.new_draft()
    with setting(app, MULTIPART_REMOTE_PRIVATE_HOSTS=["LocalHost"]):
        assert begin(draft, entry_of(new_url("https://localhost"))).status == 201
        reply = begin(draft, entry_of(new_url("https://127.0.0.1"), "b"))
        assert refusal(reply) == (400, "invalid_link", "url")
        assert "private network" in reply.json["message"]
        elsewhere = begin(draft, entry_of(new_url("https://8.8.4.4"), "c"))
        assert refusal(elsewhere) == (400, "invalid_link", "url")


def test_defect_22_hosts_nobody_knows(app: Any, api: Api, open_site: None) -> None:
    """A host without an address is refused, not kept for later."""
    allowed = ["nowhere.invalid"]
    with setting(app, RECORDS_RESOURCES_FILES_ALLOWED_REMOTE_DOMAINS=allowed):
        reply = begin(api.new_draft(), entry_of("https://nowhere.invalid/a"))
    assert refusal(reply) == (400, "invalid_link", "url")
    assert "name service" in reply.json["message"]


def test_defect_22_a_slow_name_service(
    app: Any, api: Api, open_site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name service that does not answer costs the request its time-out, once."""
    real = socket.getaddrinfo

    def slow(host: Any, *args: Any, **options: Any) -> Any:
        if host == "slow.example":
            time.sleep(3)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    entries = [entry_of(f"https://slow.example/{n}", str(n)) for n in range(20)]
    with setting(
        app,
        RECORDS_RESOURCES_FILES_ALLOWED_REMOTE_DOMAINS=["slow.example"],
        MULTIPART_REMOTE_DNS_SECONDS=0.2,
    ):
        draft, begun = api.new_draft(), time.monotonic()
        reply = begin(draft, *entries)
    assert refusal(reply) == (400, "invalid_link", "url")
    assert time.monotonic() - begun < 2.5


def test_defect_22_long_addresses(app: Any, api: Api, open_site: None) -> None:
    """The longest address is kept; a longer one is refused, not broken on."""
    draft = api.new_draft()
    noise = "".join(random.choices(string.ascii_letters + string.digits, k=8000))
    url = f"https://{HOST}/{noise}"
    site_keeps = app.config["FILES_REST_FILE_URI_MAX_LEN"]
    assert begin(draft, entry_of(url[:site_keeps])).status == 201
    with setting(app, FILES_REST_FILE_URI_MAX_LEN=10_000):
        assert begin(draft, entry_of(url[:2000], "b")).status == 201
        for refused in (url[:2001], url):
            reply = begin(draft, entry_of(refused, "c"))
            assert refusal(reply) == (400, "invalid_link", "url")
    reply = begin(draft, entry_of(url[: site_keeps + 1], "c"))
    assert refusal(reply) == (400, "invalid_link", "url")


MISSTATED: list[tuple[dict[str, Any], Any]] = [
    ({"size": -1}, (400, "invalid_link", "size")),
    ({"size": 2**63}, (400, "invalid_link", "size")),
    ({"size": 2**63 - 1}, (400, "quota_exceeded", "size")),
    ({"checksum": "md5:x"}, (400, "invalid_digest", "checksum")),
    ({"checksum": "nonsense"}, (400, "invalid_digest", "checksum")),
    ({"key": "../a"}, (400, "invalid_key", "key")),
    ({"storage_class": "ZZZZ"}, (400, "invalid_plan", "storage_class")),
]


def test_defect_22_what_is_said_of_it(api: Api, open_site: None) -> None:
    """Size, digest, key and storage class are checked as for any file."""
    draft = api.new_draft()
    for entry, expected in MISSTATED:
        reply = begin(draft, {**entry_of(new_url()), **entry})
        assert refusal(reply) == expected, entry


def test_defect_22_sizes_stay_within_the_database(api: Api, open_site: None) -> None:
    """However large files elsewhere are said to be, their sum breaks nothing."""
    draft = api.new_draft()
    set_limits(draft, quota_size=None, max_file_size=None)
    first = begin(draft, entry_of(new_url(), "a", size=2**63 - 1))
    assert first.status in (201, 400), first.json
    second = begin(draft, entry_of(new_url(), "b", size=2**63 - 1))
    assert refusal(second) == (400, "quota_exceeded", "size")


def test_defect_22_quota(api: Api, open_site: None) -> None:
    """A file elsewhere counts in the record's quota, and is refused beyond it."""
    draft = api.new_draft()
    set_limits(draft, quota_size=100)
    assert begin(draft, entry_of(new_url(), "a", size=60)).status == 201
    reply = begin(draft, entry_of(new_url(), "b", size=60))
    assert refusal(reply) == (400, "quota_exceeded", "size")


def test_defect_22_at_once(api: Api, open_site: None) -> None:
    """Twenty first links to the same addresses, in any order, make one row of each."""
    from invenio_files_rest.models import FileInstance

    urls = [new_url(), new_url()]
    drafts = [api.new_draft() for _ in range(20)]

    def linking(index: int, draft: Draft) -> Any:
        order = urls if index % 2 else urls[::-1]
        entries = [entry_of(url, url[-20:], size=3) for url in order]
        return lambda: begin(draft, *entries)

    replies = at_once([linking(*pair) for pair in enumerate(drafts)])
    assert [reply.status for reply in replies] == [201] * 20
    with api.app.app_context():
        for url in urls:
            assert len(FileInstance.query.filter_by(uri=url).one().objects) == 20


@pytest.mark.parametrize("changes", [{"files": {"enabled": False}}, None])
def test_defect_22_drafts_that_take_no_files(
    api: Api, open_site: None, changes: Any
) -> None:
    """With files switched off, or of a published record, it is a clear 400."""
    if changes:
        draft = api.new_draft(**changes)
    else:
        draft = api.new_draft()
        put_file(draft, "a.txt")
        draft = Draft(api, publish(draft))
        assert api.call("POST", draft.path).status == 201
    reply = begin(draft, entry_of(new_url()))
    assert reply.status in (400, 403), reply.json


def test_defect_22_no_version(api: Api, open_site: None) -> None:
    """An address elsewhere has no version of a bucket."""
    entry = entry_of(new_url())
    entry["transfer"]["version_id"] = "1"
    reply = begin(api.new_draft(), entry)
    assert refusal(reply) == (400, "invalid_link", "version_id")


def test_defect_23_media_files(api: Api, local: str, allowed: None) -> None:
    """Among media files an address elsewhere is refused, a link to a record works."""
    source = api.new_draft()
    put_file(source, "a.txt")
    record = publish(source)
    draft = api.new_draft(media_files={"enabled": True})
    path = f"/records/{draft.id}/draft/media-files"
    reply = api.call("POST", path, json=[entry_of(new_url())])
    assert (reply.status, reply.json["code"]) == (400, "not_allowed_here")
    reply = api.call("POST", path, json=[link_entry("b.txt", record, "a.txt")])
    assert reply.status == 201, reply.json
    (entry,) = reply.json["entries"]
    assert (entry["status"], entry["transfer"]) == ("completed", {"type": "L"})
    assert read(api, f"{path}/b.txt/content") == (200, DATA)
    put_file(draft, "main.txt")
    published = publish(draft)
    content = f"/records/{published}/media-files/b.txt/content"
    assert read(api, content) == (200, DATA)
