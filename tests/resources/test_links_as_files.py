# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A linked file is an ordinary file, wherever InvenioRDM uses files.

One record has three files, another one links to all of them; each test asks both for
the same thing.
"""

from __future__ import annotations

import gc
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from PIL import Image

from ..conftest import use_storage
from ..driver import Api, Draft, md5
from .test_links import link_entry, publish, put_file, read


def _png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 90)).save(stream, "PNG")
    return stream.getvalue()


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("inside/readme.txt", "what is in it")
    return stream.getvalue()


FILES = {
    "image.png": _png(),
    "many.zip": _zip(),
    "text.txt": b"0123456789" * 20,
}

SERIALIZED_AS = (
    "application/json",
    "application/vnd.inveniordm.v1+json",
    "application/ld+json",
    "application/marcxml+xml",
    "application/vnd.citationstyles.csl+json",
    "application/vnd.datacite.datacite+json",
    "application/vnd.datacite.datacite+xml",
    "application/x-dc+xml",
    "text/x-bibliography",
    "application/x-bibtex",
    "application/dcat+xml",
    "application/linkset+json",
)


@dataclass(frozen=True)
class Linked:
    """A record that links to all files of another.

    :param storage: kind of storage both use.
    """

    api: Api
    source: str
    record: str
    storage: str

    def both(self, path: str) -> tuple[str, str]:
        """An address below the source and below the record that links to it."""
        return tuple(f"/records/{id_}{path}" for id_ in (self.source, self.record))

    def alike(self, text: str) -> str:
        """Without what two records never have in common."""
        for id_ in (self.source, self.record):
            text = text.replace(id_, "RECORD")
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+Z]+|\d{14}\.\d", "TIME", text)
        return re.sub(r"[a-z0-9]{5}-[a-z0-9]{5}", "PID", text)


@pytest.fixture(scope="module", params=["s3", "local"])
def linked(request: pytest.FixtureRequest, app: Any) -> Linked:
    """Both records, published, on either storage."""
    use_storage(app, request.param)
    api = Api(app, app.tokens["owner"])
    source, draft = api.new_draft(), api.new_draft()
    for key, data in FILES.items():
        put_file(source, key, data)
    record = publish(source)
    entries = [link_entry(key, record, key) for key in FILES]
    reply = api.call("POST", f"{draft.path}/files", json=entries)
    assert reply.status == 201, reply.json
    return Linked(api, record, publish(draft), request.param)


@contextmanager
def downloaded(api: Api, path: str, **headers: str) -> Iterator[Any]:
    """What a download gives first: a redirect or the bytes."""
    headers["Authorization"] = f"Bearer {api._token}"
    with api.app.test_client().get(path, headers=headers) as reply:
        yield reply


def test_download(linked: Linked) -> None:
    """The bytes come as the source's do: from the store, or through the site."""
    for key, data in FILES.items():
        for path in linked.both(f"/files/{key}/content"):
            with downloaded(linked.api, path) as reply:
                if linked.storage == "local":
                    assert (reply.status_code, reply.data) == (200, data)
                    continue
                assert reply.status_code == 302
                url = reply.headers["Location"]
            answer = requests.get(url, timeout=30)
            assert answer.content == data


def test_ranges(linked: Linked) -> None:
    """A range of a linked file is that of its source."""
    wanted, seen = "bytes=5-14", []
    for path in linked.both("/files/text.txt/content"):
        with downloaded(linked.api, path, Range=wanted) as reply:
            if reply.status_code == 302:
                url = reply.headers["Location"]
                answer = requests.get(url, headers={"Range": wanted}, timeout=30)
                seen.append((answer.status_code, answer.content))
            else:
                seen.append((reply.status_code, reply.data))
    assert seen[0] == seen[1]
    if linked.storage == "s3":
        assert seen[1] == (206, FILES["text.txt"][5:15])


def test_archive(linked: Linked) -> None:
    """The archive of all files holds the linked ones."""
    for path in linked.both("/files-archive"):
        status, archive = read(linked.api, path)
        assert status == 200
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            held = {name: opened.read(name) for name in opened.namelist()}
        assert held == FILES


def test_listing_of_a_container(linked: Linked) -> None:
    """A linked archive can be looked into, and a file be taken out of it."""
    source, record = (
        linked.api.get(path) for path in linked.both("/files/many.zip/container")
    )
    assert record.status == 200, record.json
    assert linked.alike(json.dumps(record.json)) == linked.alike(
        json.dumps(source.json)
    )
    inside = "/files/many.zip/container/inside/readme.txt"
    assert read(linked.api, linked.both(inside)[1]) == (200, b"what is in it")


def test_images(linked: Linked) -> None:
    """A linked image is served in sizes, and stands in the record's manifest."""
    images, manifests = [], []
    with warnings.catch_warnings():
        # Upstream leaves the image's file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        for id_ in (linked.source, linked.record):
            path = f"/iiif/record:{id_}:image.png/full/^20,/0/default.png"
            status, data = read(linked.api, path)
            assert status == 200
            images.append(Image.open(io.BytesIO(data)))
            manifest = linked.api.get(f"/iiif/record:{id_}/manifest").json
            manifests.append(linked.alike(json.dumps(manifest, sort_keys=True)))
        gc.collect()
    assert images[0].size == images[1].size == (20, 15)
    assert images[0].tobytes() == images[1].tobytes()
    assert manifests[0] == manifests[1]
    links = linked.api.get(linked.both("/files/image.png")[1]).json["links"]
    assert links["iiif_api"]


def test_preview(linked: Linked) -> None:
    """The previewer opens linked files as it does others."""
    from invenio_access.permissions import system_identity
    from invenio_app_rdm.records_ui.views.records import PreviewFile
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with linked.api.app.test_request_context():
        for key, data in FILES.items():
            item = service.files.get_file_content(system_identity, linked.record, key)
            preview = PreviewFile(item, linked.record, url="/preview")
            assert (preview.size, preview.is_local()) == (len(data), True)
            with preview.open() as stream:
                assert stream.read() == data


def test_statistics(linked: Linked) -> None:
    """A download counts for the record that was asked, not for the source."""
    from invenio_queues.proxies import current_queues
    from invenio_stats.proxies import current_stats

    with linked.api.app.app_context():
        current_queues.declare()
        list(current_stats.consume("file-download"))
        with downloaded(linked.api, linked.both("/files/text.txt/content")[1]):
            pass
        counted = [
            event
            for event in current_stats.consume("file-download")
            if event["recid"] in (linked.source, linked.record)
        ]
    assert [(event["recid"], event["file_key"]) for event in counted] == [
        (linked.record, "text.txt")
    ]
    assert counted[0]["size"] == len(FILES["text.txt"])


def refresh(app: Any) -> None:
    """Have the search see what was indexed."""
    from invenio_search import current_search_client

    with app.app_context():
        prefix = app.config["SEARCH_INDEX_PREFIX"]
        current_search_client.indices.refresh(index=f"{prefix}rdmrecords*")


def test_search(linked: Linked) -> None:
    """Records and drafts with links are indexed: what is in them fits the index."""
    draft = linked.api.new_draft()
    entry = link_entry("mine.txt", linked.source, "text.txt")
    reply = linked.api.call("POST", f"{draft.path}/files", json=[entry])
    assert reply.status == 201
    refresh(linked.api.app)
    query = {"q": f'id:"{linked.record}"'}
    found = linked.api.call("GET", "/records", query_string=query)
    hits = found.json["hits"]["hits"]
    assert [hit["id"] for hit in hits] == [linked.record]
    assert {e["key"] for e in hits[0]["files"]["entries"].values()} == set(FILES)
    assert hits[0]["files"]["total_bytes"] == sum(map(len, FILES.values()))
    # The draft is indexed anew by its next change.
    kept = linked.api.get(draft.path).json
    assert linked.api.call("PUT", draft.path, json=kept).status == 200
    refresh(linked.api.app)
    query = {"q": f'id:"{draft.id}"'}
    found = linked.api.call("GET", "/user/records", query_string=query)
    hits = found.json["hits"]["hits"]
    assert [hit["id"] for hit in hits] == [draft.id]


def test_serializers(linked: Linked) -> None:
    """Every export of a record says of links what it says of files."""
    for accept in SERIALIZED_AS:
        texts = []
        for path in linked.both(""):
            headers = {"Accept": accept, "Authorization": f"Bearer {linked.api._token}"}
            with linked.api.app.test_client().get(path, headers=headers) as reply:
                assert reply.status_code == 200, (accept, reply.data)
                texts.append(linked.alike(reply.get_data(as_text=True)))
        # In which order files come is left open.
        assert sorted(texts[0]) == sorted(texts[1]), (accept, texts)
        assert "origin" not in texts[1], accept


def test_entries(linked: Linked) -> None:
    """The entry of a link has what that of its source has, and says its origin."""
    for path in ("/files", "/files/text.txt"):
        shown = []
        for place in linked.both(path):
            reply = linked.api.get(place).json
            entries = {entry["key"]: entry for entry in reply.get("entries", [reply])}
            origins = [entry["links"].pop("origin", None) for entry in entries.values()]
            assert all(origins) is (linked.record in place)
            shown.append(json.loads(linked.alike(json.dumps(entries))))
        for key, entry in shown[0].items():
            assert shown[1][key] == entry


def test_a_new_version_takes_links_over(linked: Linked) -> None:
    """Files of the version before are imported, links with their origin."""
    versions = linked.api.call("POST", linked.both("/versions")[1])
    draft = Draft(linked.api, versions.json["id"])
    reply = linked.api.call("POST", f"{draft.path}/actions/files-import")
    assert reply.status == 201, reply.json
    entries = linked.api.get(f"{draft.path}/files").json["entries"]
    assert {entry["key"] for entry in entries} == set(FILES)
    assert all(entry["links"]["origin"] for entry in entries)
    assert draft.content("text.txt") == FILES["text.txt"]
    assert draft.status("text.txt")["origin"]["record"] == linked.source
    assert draft.delete("text.txt").status == 204
    assert linked.api.call("DELETE", draft.path).status == 204
    path = linked.both("/files/text.txt")[1]
    assert linked.api.get(path).json["checksum"] == md5(FILES["text.txt"])


def test_edit_and_publish(linked: Linked) -> None:
    """A record with links is edited and published like any other."""
    draft = Draft(linked.api, linked.record)
    edit = linked.api.call("POST", draft.path)
    assert edit.status == 201
    changed = {**edit.json["metadata"], "title": "Linked measurements"}
    body = {**edit.json, "metadata": changed}
    assert linked.api.call("PUT", draft.path, json=body).status == 200
    listed = linked.api.get(f"{draft.path}/files").json["entries"]
    assert all(entry["links"]["origin"] for entry in listed)
    assert draft.content("text.txt") == FILES["text.txt"]
    assert draft.publish().status == 202
    entries = linked.api.get(linked.both("/files")[1]).json["entries"]
    assert all(entry["links"]["origin"] for entry in entries)


def test_deposit_form(linked: Linked) -> None:
    """The deposit page gets linked files as finished ones, that can be removed."""
    from invenio_access.permissions import system_identity
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    draft = linked.api.new_draft()
    entry = link_entry("mine.txt", linked.source, "text.txt")
    reply = linked.api.call("POST", f"{draft.path}/files", json=[entry])
    # What the form reads of the reply to an initiation, and of the page itself.
    (made,) = reply.json["entries"]
    assert {"key", "size", "checksum", "status", "links", "transfer"} <= set(made)
    assert {"self", "content", "commit"} <= set(made["links"])
    with linked.api.app.test_request_context():
        listed = service.draft_files.list_files(system_identity, draft.id).to_dict()
        page = json.loads(json.dumps(listed, default=str))
    assert [e["status"] for e in page["entries"]] == ["completed"]
    assert linked.api.call("DELETE", made["links"]["self"]).status == 204
    assert linked.api.get(f"{draft.path}/files").json["entries"] == []


def test_without_this_package(linked: Linked) -> None:
    """Upstream's own classes serve and list linked files: a site can leave."""
    from invenio_access.permissions import system_identity
    from invenio_files_rest.storage import pyfs_storage_factory
    from invenio_rdm_records.proxies import current_rdm_records_service as service
    from invenio_records_resources.services.files.transfer import LocalTransfer
    from invenio_records_resources.services.files.transfer.registry import (
        TransferRegistry,
    )
    from invenio_s3 import s3fs_storage_factory

    app = linked.api.app
    stock = TransferRegistry("L")
    stock.register(LocalTransfer)
    extension, files = (
        app.extensions[f"invenio-{name}"]
        for name in ("records-resources", "files-rest")
    )
    ours, factory = extension.transfer_registry, files.storage_factory
    extension.transfer_registry = stock
    files.storage_factory = (
        s3fs_storage_factory if linked.storage == "s3" else pyfs_storage_factory
    )
    try:
        entries = linked.api.get(linked.both("/files")[1]).json["entries"]
        assert {entry["status"] for entry in entries} == {"completed"}
        assert {entry["transfer"]["type"] for entry in entries} == {"L"}
        with app.test_request_context():
            item = service.files.get_file_content(
                system_identity, linked.record, "text.txt"
            )
            sent = item.send_file()
            assert sent.status_code == (302 if linked.storage == "s3" else 200)
            sent.close()
            with item.open_stream("rb") as stream:
                assert stream.read() == FILES["text.txt"]
    finally:
        extension.transfer_registry, files.storage_factory = ours, factory
