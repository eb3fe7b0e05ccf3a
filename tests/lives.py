# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Makes, uses and gives up files, and looks what is left of them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, NamedTuple

from .backdoor import s3_client
from .driver import Api, Draft, Reply


class Bytes(NamedTuple):
    """A file instance, and where its bytes are."""

    file_id: uuid.UUID
    uri: str
    data: bytes


def put(draft: Draft, key: str, data: bytes) -> Bytes:
    """A small file by upstream's own three calls."""
    begin(draft, key, data)
    assert draft.commit(key).status == 200
    return bytes_of(draft, key)


def begin(draft: Draft, key: str, data: bytes) -> None:
    """The same, but nobody says that it is whole."""
    reply = draft.api.call("POST", f"{draft.path}/files", json=[{"key": key}])
    assert reply.status == 201, reply.json
    headers = {"Content-Type": "application/octet-stream"}
    reply = draft.api.call(
        "PUT", draft.file(key, "/content"), data=data, headers=headers
    )
    assert reply.status == 200, reply.json


def link(draft: Draft, key: str, record: str, target: str) -> Reply:
    """Link one file."""
    transfer = {"type": "R", "record": {"id": record, "key": target}}
    entry = {"key": key, "transfer": transfer}
    return draft.api.call("POST", f"{draft.path}/files", json=[entry])


def linked(draft: Draft, key: str, record: str, target: str) -> None:
    """Link one file that can be linked."""
    reply = link(draft, key, record, target)
    assert reply.status == 201, reply.json


def publish(draft: Draft) -> str:
    """Publish what can be published; the id of the record."""
    reply = draft.publish()
    assert reply.status == 202, reply.json
    return str(reply.json["id"])


def new_version(api: Api, record: str) -> Draft:
    """A draft of the next version, without files, that could be published."""
    reply = api.call("POST", f"/records/{record}/versions")
    assert reply.status == 201, reply.json
    draft = Draft(api, reply.json["id"])
    metadata = {**reply.json["metadata"], "publication_date": "2026-02-02"}
    body = {**reply.json, "metadata": metadata}
    assert api.call("PUT", draft.path, json=body).status == 200
    return draft


def import_files(draft: Draft) -> None:
    """Take over the files of the version before, in upstream's way."""
    reply = draft.api.call("POST", f"{draft.path}/actions/files-import")
    assert reply.status == 201, reply.json


def content(api: Api, path: str) -> tuple[int, bytes]:
    """What a download from local storage gives."""
    headers = {"Authorization": f"Bearer {api._token}"} if api._token else {}
    with api.app.test_client().get(f"{path}/content", headers=headers) as reply:
        return reply.status_code, reply.data


def delete_record(app: Any, record: str) -> None:
    """Withdraw a record, as its curators do: a tombstone, and the files are kept."""
    from invenio_access.permissions import system_identity
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with app.app_context():
        service.delete_record(system_identity, record, {"note": "withdrawn"})


def bytes_of(draft: Draft, key: str) -> Bytes:
    """The file that the newest object of this key in the draft's bucket has."""
    from invenio_files_rest.models import ObjectVersion
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    with draft.api.app.app_context():
        record = service.draft_cls.pid.resolve(draft.id, registered_only=False)
        file = ObjectVersion.get(record.bucket_id, key).file
        found = Bytes(file.id, file.uri, b"")
        if not file.uri.startswith("s3://"):
            found = found._replace(data=Path(file.uri).read_bytes())
        return found


def sizes(app: Any, record: str) -> dict[str, tuple[int, int]]:
    """Size of each bucket of a PID, and what its files add up to."""
    from invenio_files_rest.models import ObjectVersion
    from invenio_rdm_records.proxies import current_rdm_records_service as service

    found = {}
    with app.app_context():
        for cls in (service.record_cls, service.draft_cls):
            for holder in _of_pid(cls, record):
                heads = ObjectVersion.get_by_bucket(holder.bucket_id)
                total = sum(version.file.size for version in heads)
                found[cls.__name__] = (holder.bucket.size, total)
    return found


def _of_pid(cls: Any, record: str) -> list[Any]:
    from invenio_pidstore.errors import PersistentIdentifierError
    from sqlalchemy.exc import NoResultFound

    try:
        holder = cls.pid.resolve(record, registered_only=False)
    except (PersistentIdentifierError, NoResultFound):
        return []
    return [holder] if holder.bucket is not None else []


def is_there(app: Any, file: Bytes) -> tuple[bool, bool]:
    """Whether the file has a row, and whether it has bytes."""
    from invenio_files_rest.models import FileInstance

    with app.app_context():
        row = FileInstance.get(file.file_id) is not None
    if not file.uri.startswith("s3://"):
        return row, Path(file.uri).exists()
    bucket, _, key = file.uri.removeprefix("s3://").partition("/")
    listed = s3_client(app).list_objects_v2(Bucket=bucket, Prefix=key)
    return row, "Contents" in listed


def settle(app: Any) -> None:
    """Do what a worker does in the end, whatever became of the tasks."""
    from invenio_multipart.proxies import current_multipart

    with app.app_context():
        current_multipart.reaper.free()


def noted(app: Any) -> int:
    """How many ended uses nobody has looked at."""
    from invenio_multipart.records.models import EndedUse

    with app.app_context():
        return int(EndedUse.query.count())
