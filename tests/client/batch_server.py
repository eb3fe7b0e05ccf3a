# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The two small servers, which know a draft, its batches and links as well.

They keep to docs/rest.md. Faults are queued by place, as for single files; the place
of a small file's bytes is ``put`` for any, and ``put-<key>`` for one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from .wire_server import (
    DRAFT,
    ApiHandler,
    StorageHandler,
    StoredFile,
    WireServer,
)

DRAFT_PATH = f"/api/records/{DRAFT}/draft"


@dataclass
class Announced:
    """A file of a batch."""

    key: str
    size: int
    md5: str
    content: bytes | None = None


@dataclass
class Batch:
    """A batch."""

    id: str
    state: str = "uploading"
    files: dict[str, Announced] = field(default_factory=dict)
    polls_left: int = 0
    error: dict[str, Any] | None = None


class BatchServer(WireServer):
    """What the servers saw, have, and will do wrong."""

    def __init__(self) -> None:
        self.batches: dict[str, Batch] = {}
        self.known_md5s: set[str] = set()
        self.told_digests: dict[str, Any] = {}
        self.linked: list[str] = []
        self.published = False
        self.problems: list[dict[str, Any]] = []
        self.limits: dict[str, int] = {}
        self.other_lock: dict[str, str] | None = None
        self.job_polls = 0
        self.page = 1000
        self.is_stock = False
        """Whether only upstream's own list of files is there."""
        self.is_endless = False
        """Whether each page of the list has the first one after it."""
        self.files_enabled = True
        self.expired_signatures: set[str] = set()
        super().__init__()

    def handlers(self) -> tuple[type[BaseHTTPRequestHandler], ...]:
        """Those of the API and of the storage."""
        return BatchApiHandler, BatchStorageHandler

    @property
    def batch(self) -> Batch | None:
        """The open one."""
        states = ("uploading", "completing")
        return next((b for b in self.batches.values() if b.state in states), None)

    def contents(self) -> dict[str, bytes]:
        """Complete files of the draft."""
        return {
            key: stored.content
            for key, stored in self.files.items()
            if stored.content is not None and stored.state == "completed"
        }

    def puts(self) -> Counter[str]:
        """How often each small file was sent, by key."""
        return Counter(
            unquote(urlsplit(seen.path).path.partition("/objects/")[2])
            for seen in self.requests("storage", "PUT")
            if "/objects/" in seen.path
        )

    def add(self, key: str, content: bytes) -> None:
        """A complete file of the draft."""
        stored = StoredFile(key, len(content), self.part_size, state="completed")
        stored.content = content
        self.files[key] = stored

    def links_of(self, batch: Batch, files: list[Announced]) -> dict[str, Any]:
        """Members of a reply that say where files go."""
        self.links_made += 1
        urls, headers = {}, {}
        for file in files:
            raw = bytes.fromhex(file.md5)
            urls[file.key] = (
                f"{self.storage_url}/objects/{quote(file.key)}"
                f"?batch={batch.id}&sig=g{self.links_made}"
            )
            headers[file.key] = {
                "Content-Length": str(file.size),
                "Content-MD5": base64.b64encode(raw).decode(),
            }
        return {"presigned_urls": urls, "headers": headers, "links": {}}


class BatchStorageHandler(StorageHandler):
    """S3, as far as PutObject goes as well."""

    world: BatchServer

    def do_PUT(self) -> None:  # noqa: N802 - the server calls it so
        """Take a whole object, or a part."""
        url = urlsplit(self.path)
        if not url.path.startswith("/objects/"):
            super().do_PUT()
            return
        key = unquote(url.path.removeprefix("/objects/"))
        query = parse_qs(url.query)
        place = f"put-{key}" if self.world.faults[f"put-{key}"] else "put"
        fault, body = self.take(place)
        batch = self.world.batches[query["batch"][0]]
        if fault and fault.kind == "status":
            self.refuse(fault.status, fault.code or "InternalError", fault.headers)
            return
        if fault and fault.kind == "wait":
            # Whoever sent it is gone by now, and it never came.
            self.hang_up()
            return
        file = batch.files.get(key)
        if query["sig"][0] in self.world.expired_signatures or file is None:
            self.refuse(403, "AccessDenied")
            return
        said = base64.b64decode(self.headers["Content-MD5"]).hex()
        if (said, len(body)) != (file.md5, file.size):
            self.refuse(403, "SignatureDoesNotMatch")
            return
        if hashlib.md5(body).hexdigest() != file.md5:
            self.refuse(400, "BadDigest")
            return
        if fault and fault.kind == "forget":
            self.reply(200, b"")
            return
        with self.world.lock:
            file.content = body
        if fault and fault.kind == "lost":
            self.hang_up()
            return
        self.reply(200, b"", {"ETag": f'"{file.md5}"'})


class BatchApiHandler(ApiHandler):
    """Invenio, as far as an upload of many files goes."""

    world: BatchServer

    def do_PUT(self) -> None:  # noqa: N802 - the server calls it so
        """Complete or abort."""
        self.serve()

    def do_DELETE(self) -> None:  # noqa: N802 - the server calls it so
        """Take a file out of the draft."""
        self.serve()

    def serve(self) -> None:
        """Find the operation, let a queued fault happen, answer."""
        path = urlsplit(self.path).path
        found = self._find(path)
        if found is None:
            super().serve()
            return
        operation, arguments = found
        fault, body = self.take(operation.__name__.removeprefix("on_"))
        if fault and fault.kind == "page":
            self.reply(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
        elif fault and fault.kind == "status":
            self.refuse_json(fault.status, fault.code, fault.headers)
        elif not self.is_authorized() and operation != self.on_job:
            self.refuse_json(401, "unauthorized")
        else:
            data = json.loads(body) if body else None
            with self.world.lock:
                status, answer = operation(*arguments, data)
            if fault and fault.kind == "lost":
                self.hang_up()
            elif status == 204:
                self.send_response(204)
                self.end_headers()
            else:
                self.json(status, answer)

    def _find(self, path: str) -> tuple[Callable[..., Any], list[str]] | None:
        routes: dict[str, Callable[..., Any]] = {
            rf"GET {DRAFT_PATH}": self.on_draft,
            rf"GET {DRAFT_PATH}/files": self.on_files,
            rf"GET {DRAFT_PATH}/content-links": self.on_links,
            rf"DELETE {DRAFT_PATH}/files/(.+)": self.on_delete,
            rf"POST {DRAFT_PATH}/uploads": self.on_announce,
            rf"POST {DRAFT_PATH}/links/known": self.on_known,
            rf"POST {DRAFT_PATH}/links": self.on_link,
            rf"POST {DRAFT_PATH}/actions/publish": self.on_publish,
            r"POST /api/records": self.on_new,
            r"GET /api/uploads": self.on_mine,
            r"GET /api/uploads/jobs/(.+)": self.on_job,
            r"GET /api/uploads/([^/]+)": self.on_batch,
            r"GET /api/uploads/([^/]+)/files": self.on_batch_files,
            r"POST /api/uploads/([^/]+)/files": self.on_more,
            r"PUT /api/uploads/([^/]+)/complete": self.on_complete,
            r"PUT /api/uploads/([^/]+)/abort": self.on_abort,
        }
        for route, operation in routes.items():
            match = re.fullmatch(route, f"{self.command} {path}")
            if match:
                return operation, [unquote(group) for group in match.groups()]
        return None

    def on_new(self, _: Any) -> tuple[int, Any]:
        """The draft, as if it were new."""
        return 201, {"id": DRAFT}

    def on_draft(self, _: Any) -> tuple[int, Any]:
        """The draft."""
        page = f"{self.world.base_url}/uploads/{DRAFT}"
        return 200, {"id": DRAFT, "links": {"self_html": page}}

    def on_publish(self, _: Any) -> tuple[int, Any]:
        """Publish, unless something is wrong with the record."""
        if self.world.problems:
            refusal = {"status": 400, "message": "A validation error occurred."}
            return 400, {**refusal, "errors": self.world.problems}
        self.world.published = True
        page = f"{self.world.base_url}/records/{DRAFT}"
        return 202, {"id": DRAFT, "links": {"self_html": page}}

    def on_links(self, _: Any) -> tuple[int, Any]:
        """A page of all files, in the order of their keys."""
        if self.world.is_stock:
            return 404, {"status": 404, "message": "Not found."}
        after = parse_qs(urlsplit(self.path).query).get("after", [""])[0]
        every = sorted(self._entries(), key=lambda entry: entry["key"])
        if self.world.is_endless:
            after = ""
        page = [entry for entry in every if entry["key"] > after][: self.world.page]
        links = {}
        if page and (self.world.is_endless or page[-1] is not every[-1]):
            last = quote(page[-1]["key"], safe="")
            path = f"{DRAFT_PATH}/content-links?links=no&after={last}"
            links["next"] = f"{self.world.base_url}{path}"
        enabled = self.world.files_enabled
        return 200, {"enabled": enabled, "files": page, "links": links}

    def on_files(self, _: Any) -> tuple[int, Any]:
        """All files, those of the batch too."""
        enabled = self.world.files_enabled
        return 200, {"enabled": enabled, "entries": self._entries()}

    def _entries(self) -> list[dict[str, Any]]:
        entries = [stored.entry() for stored in self.world.files.values()]
        if self.world.batch is not None:
            entries += [
                {
                    "key": file.key,
                    "size": file.size,
                    "status": "pending",
                    "transfer": {"type": "M"},
                }
                for file in self.world.batch.files.values()
            ]
        return entries

    def on_delete(self, key: str, _: Any) -> tuple[int, Any]:
        """Out of draft and batch."""
        batch = self.world.batch
        if batch and batch.files.pop(key, None):
            return 204, None
        if self.world.files.pop(key, None):
            return 204, None
        return 404, {"status": 404, "message": "No such file."}

    def on_announce(self, data: Any) -> tuple[int, Any]:
        """A new batch."""
        if self.world.other_lock or self.world.batch:
            lock = self.world.other_lock or {"stage": "uploading", "batch": "?"}
            refusal = {"status": 423, "code": "locked", "message": "Locked."}
            return 423, {**refusal, "lock": lock}
        batch = Batch(f"batch-{len(self.world.batches) + 1}")
        status, answer = self._fill(batch, data)
        if status == 201:
            self.world.batches[batch.id] = batch
        return status, {**self._shown(batch), **answer}

    def on_more(self, batch_id: str, data: Any) -> tuple[int, Any]:
        """Further files."""
        batch = self.world.batches[batch_id]
        if batch.state != "uploading":
            return 409, {
                "status": 409,
                "code": "state_conflict",
                "state": batch.state,
                "message": f"The batch is {batch.state}.",
            }
        return self._fill(batch, data)

    def _fill(self, batch: Batch, data: Any) -> tuple[int, Any]:
        files = [
            Announced(item["key"], item["size"], item["checksum"].removeprefix("md5:"))
            for item in data["files"]
        ]
        told = {item["key"]: item.get("digests") for item in data["files"]}
        self.world.told_digests.update(told)
        refusal = self._refusal(batch, files)
        if refusal is not None:
            return 400, {"status": 400, "message": refusal["code"], **refusal}
        batch.files.update({file.key: file for file in files})
        return 201, self.world.links_of(batch, files)

    def _refusal(self, batch: Batch, files: list[Announced]) -> dict[str, Any] | None:
        limits = self.world.limits
        if len(files) > limits.get("call", 10_000):
            return {
                "code": "too_many_files",
                "limit": limits["call"],
                "files": len(files),
            }
        taken = [f.key for f in files if f.key in {**self.world.files, **batch.files}]
        if taken:
            return {"code": "keys_taken", "keys": taken}
        total = len(self.world.files) + len(batch.files) + len(files)
        if total > limits.get("record", 10_000):
            return {
                "code": "too_many_files",
                "limit": limits["record"],
                "files": total,
            }
        size = sum(f.size for f in (*batch.files.values(), *files))
        if size > limits.get("quota", 2**60):
            return {"code": "quota_exceeded"}
        for index, file in enumerate(files):
            if file.size > limits.get("size", 2**60):
                field_name = f"files.{index}.size"
                errors = [{"field": field_name, "messages": ["Too large."]}]
                return {"code": "invalid_plan", "errors": errors}
        return None

    def on_mine(self, _: Any) -> tuple[int, Any]:
        """My batches."""
        states = parse_qs(urlsplit(self.path).query).get("state")
        batches = self.world.batches.values()
        hits = [self._shown(b) for b in batches if not states or b.state in states]
        return 200, {"hits": {"hits": hits, "total": len(hits)}}

    def on_batch(self, batch_id: str, _: Any) -> tuple[int, Any]:
        """A batch."""
        return 200, self._shown(self.world.batches[batch_id])

    def on_batch_files(self, batch_id: str, _: Any) -> tuple[int, Any]:
        """A page of its files, with fresh links for what is missing."""
        batch = self.world.batches[batch_id]
        query = parse_qs(urlsplit(self.path).query)
        after = query.get("after", [""])[0]
        keys = sorted(key for key in batch.files if key > after)
        page = [batch.files[key] for key in keys[: self.world.page]]
        waiting = [file for file in page if file.content is None]
        shown = [
            {
                "key": file.key,
                "size": file.size,
                "checksum": f"md5:{file.md5}",
                "state": "uploading",
                "uploaded": file.content is not None,
                "uploaded_bytes": len(file.content or b""),
                "error_message": None,
            }
            for file in page
        ]
        more = len(keys) > len(page)
        links = self.world.links_of(batch, waiting)
        return 200, {
            "files": shown,
            **links,
            "next": page[-1].key if more else None,
        }

    def on_complete(self, batch_id: str, _: Any) -> tuple[int, Any]:
        """Have it completed by a job."""
        batch = self.world.batches[batch_id]
        if batch.state in ("aborted", "expired"):
            return 409, {
                "status": 409,
                "code": "state_conflict",
                "state": batch.state,
                "message": "It is over.",
            }
        if batch.state == "uploading":
            batch.state, batch.polls_left = "completing", self.world.job_polls
        return 202, {"status": "accepted", "job_url": self._job_url(batch)}

    def on_abort(self, batch_id: str, _: Any) -> tuple[int, Any]:
        """End it without files."""
        batch = self.world.batches[batch_id]
        batch.state = "aborted"
        return 200, self._shown(batch)

    def on_job(self, batch_id: str, _: Any) -> tuple[int, Any]:
        """The completion."""
        batch = self.world.batches[batch_id]
        if batch.state == "completing" and batch.polls_left > 0:
            batch.polls_left -= 1
            return 200, {"status": "PENDING", "progress": {"done": 0, "total": 9}}
        if batch.state == "completing":
            self._complete(batch)
        if batch.error is not None:
            error, batch.error = batch.error, None
            return 200, {"status": "FAILURE", **error}
        return 200, {"status": "SUCCESS", "result": {"files": len(batch.files)}}

    def _complete(self, batch: Batch) -> None:
        missing = [f.key for f in batch.files.values() if f.content is None]
        if missing:
            batch.state = "uploading"
            errors = {"missing": missing, "wrong": [], "extra": []}
            batch.error = {
                "result": {"errors": errors},
                "error": {"code": "files_differ", "message": "Some are missing."},
            }
            return
        batch.state = "completed"
        for file in batch.files.values():
            self.world.add(file.key, file.content or b"")

    def on_known(self, data: Any) -> tuple[int, Any]:
        """Which of some files are known."""
        files = [
            item
            for item in data["files"]
            if item["checksum"].removeprefix("md5:") in self.world.known_md5s
        ]
        return 200, {"files": files, "total": len(files)}

    def on_link(self, data: Any) -> tuple[int, Any]:
        """Link files, all or none."""
        for item in data["files"]:
            if item["checksum"].removeprefix("md5:") not in self.world.known_md5s:
                refusal = {"status": 400, "code": "link_target_unavailable"}
                return 400, {**refusal, "message": "Gone."}
        for item in data["files"]:
            self.world.linked.append(item["key"])
            self.world.add(item["key"], b"?" * item["size"])
        return 201, {"files": [], "total": len(data["files"])}

    def _job_url(self, batch: Batch) -> str:
        return f"{self.world.base_url}/api/uploads/jobs/{batch.id}"

    def _shown(self, batch: Batch) -> dict[str, Any]:
        return {
            "id": batch.id,
            "record_id": DRAFT,
            "mode": "s3-presigned-url",
            "state": batch.state,
            "job_url": self._job_url(batch) if batch.state == "completing" else None,
        }
