# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Two small servers that speak the upload API and S3's part protocol.

They keep to the wire contract and nothing else: the API plans, registers and
commits; the storage, at another origin, takes parts with signed length and
MD5. Faults are queued by place and happen once each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

TOKEN = "secret-token"
DRAFT = "abcde-12345"
FILES_PATH = f"/api/records/{DRAFT}/draft/files"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    :param kind: ``reset`` breaks the connection in mid-body, ``lost`` carries
        the request out and breaks the connection before the answer, ``status``
        answers with ``status``, ``damage`` flips a byte of the body,
        ``wait`` holds the request until the server is released, ``page``
        answers with a web page, as a login or a proxy does.
    """

    kind: str
    status: int = 0
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""


@dataclass
class StoredFile:
    """A file entry with its parts."""

    key: str
    size: int
    part_size: int
    registered: dict[int, dict[str, Any]] = field(default_factory=dict)
    bytes: dict[int, bytes] = field(default_factory=dict)
    etags: dict[int, str] = field(default_factory=dict)
    state: str = "initiated"
    content: bytes | None = None
    error_message: str | None = None
    polls_left: int = 0
    transfer_type: str = "M"

    @property
    def parts(self) -> int:
        """Number of planned parts."""
        return max(-(-self.size // self.part_size), 1)

    def entry(self) -> dict[str, Any]:
        """The entry as JSON."""
        if self.content is not None and self.state == "completed":
            md5 = hashlib.md5(self.content).hexdigest()
            done = {"status": "completed", "checksum": f"md5:{md5}"}
            return {
                "key": self.key,
                "size": self.size,
                "transfer": {"type": "L"},
            } | done
        transfer = {
            "type": self.transfer_type,
            "parts": self.parts,
            "part_size": self.part_size,
        }
        return {
            "key": self.key,
            "size": self.size,
            "status": "pending",
            "checksum": None,
            "transfer": transfer,
        }


@dataclass
class Seen:
    """A request as it arrived."""

    server: str
    method: str
    path: str
    headers: Message
    body: bytes = b""


class WireServer:
    """The pair of servers, with what they saw and what they will do wrong."""

    def __init__(self, part_size: int = 64 * 1024, page_size: int = 1000) -> None:
        self.part_size = part_size
        self.page_size = page_size
        self.local_storage = False
        self.links_up_front = False
        self.polls_until_completed = 0
        self.digests: dict[str, str | None] = {}
        self.state_after_commit = ""
        self.files: dict[str, StoredFile] = {}
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.seen: list[Seen] = []
        self.revoked_links: set[str] = set()
        self.links_made = 0
        self.wanted_headers: dict[str, dict[str, str]] = {}
        self.expiration: str | None = None
        self.etag: str | None = None
        self.connections: Counter[str] = Counter()
        self.lock = threading.RLock()
        self.released = threading.Event()
        self.waiting = threading.Semaphore(0)
        self._servers = [self._start(handler) for handler in self.handlers()]
        self.base_url, self.storage_url = (
            f"http://127.0.0.1:{server.server_port}" for server in self._servers
        )

    def handlers(self) -> tuple[type[BaseHTTPRequestHandler], ...]:
        """Those of the API and of the storage."""
        return ApiHandler, StorageHandler

    def _start(self, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
        bound = type(handler.__name__, (handler,), {"world": self})
        server = QuietServer(("127.0.0.1", 0), bound)
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return server

    def stop(self) -> None:
        """Close both servers."""
        self.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def fail(self, place: str, *faults: Fault) -> None:
        """Queue faults at ``part-<n>``, ``init``, ``register``, ``commit``..."""
        self.faults[place].extend(faults)

    def requests(self, server: str, method: str = "", ending: str = "") -> list[Seen]:
        """What arrived at ``api`` or ``storage``."""
        with self.lock:
            return [
                seen
                for seen in self.seen
                if seen.server == server
                and method in ("", seen.method)
                and urlsplit(seen.path).path.endswith(ending)
            ]

    def parts_put(self) -> list[int]:
        """Part numbers in the order their PUTs arrived."""
        return [
            int(parse_qs(urlsplit(seen.path).query)["partNumber"][0])
            for seen in self.requests("storage", "PUT")
            if "partNumber=" in seen.path
        ]

    def link(self, stored: StoredFile, number: int) -> dict[str, Any]:
        """A signed link for one part, bound to its length and MD5."""
        return self.sign(stored, number, bound_headers(stored.registered[number]))

    def unbound_link(self, stored: StoredFile, number: int) -> dict[str, Any]:
        """A signed link for any bytes of one part."""
        return self.sign(stored, number, {})

    def sign(
        self, stored: StoredFile, number: int, headers: dict[str, str]
    ) -> dict[str, Any]:
        """A link for one part that wants these headers."""
        with self.lock:
            self.links_made += 1
            signature = f"s{self.links_made}"
            self.wanted_headers[signature] = headers
        key = quote(stored.key, safe="")
        url = f"{self.storage_url}/bucket/{key}?partNumber={number}&sig={signature}"
        if self.local_storage:
            url = f"{self.base_url}/bucket/{key}?partNumber={number}&sig={signature}"
        return {
            "part": number,
            "url": url,
            "headers": headers,
            "expiration": self.expiration,
        }


def bound_headers(announced: dict[str, Any]) -> dict[str, str]:
    """What a link for exactly these bytes wants to be said."""
    raw = bytes.fromhex(announced["checksum"].partition(":")[2])
    return {
        "Content-MD5": base64.b64encode(raw).decode(),
        "Content-Length": str(announced["size"]),
    }


class QuietServer(ThreadingHTTPServer):
    """Does not print the broken connections that tests make."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that hangs up is part of many tests."""


class Handler(BaseHTTPRequestHandler):
    """What both servers have in common."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet per answer; Nagle would add 40 ms to each.
    disable_nagle_algorithm = True
    world: WireServer
    name = ""

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        with self.world.lock:
            self.world.connections[self.name] += 1

    def log_message(self, *_: Any) -> None:
        """Keep the test output clean."""

    def take(self, place: str) -> tuple[Fault | None, bytes]:
        """The fault due at ``place``, and the body of the request."""
        with self.world.lock:
            faults = self.world.faults[place]
            fault = faults.popleft() if faults else None
        length = int(self.headers.get("Content-Length") or 0)
        if fault and fault.kind == "reset":
            self.rfile.read(length // 2)
            self.note(b"")
            self.hang_up()
            raise ConnectionAbortedError
        body = self.rfile.read(length)
        self.note(body)
        if fault and fault.kind == "wait":
            self.world.waiting.release()
            self.world.released.wait(30)
        if fault and fault.kind == "damage":
            body = bytes([body[0] ^ 1]) + body[1:]
        return fault, body

    def note(self, body: bytes) -> None:
        """Remember the request."""
        with self.world.lock:
            self.world.seen.append(
                Seen(self.name, self.command, self.path, self.headers, body)
            )

    def hang_up(self) -> None:
        """Reset the connection, as a crash or a firewall does."""
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.close_connection = True
        self.connection.close()

    def reply(
        self, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class StorageHandler(Handler):
    """S3, as far as UploadPart goes."""

    name = "storage"

    def do_PUT(self) -> None:
        """Take one part."""
        world = self.world
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        number, signature = int(query["partNumber"][0]), query["sig"][0]
        fault, body = self.take(f"part-{number}")
        if fault and fault.kind == "status":
            self.refuse(fault.status, fault.code or "InternalError", fault.headers)
            return
        if signature in world.revoked_links:
            self.refuse(403, "AccessDenied")
            return
        stored = world.files[unquote(url.path).partition("/bucket/")[2]]
        signed = world.wanted_headers[signature]
        if {name: self.headers.get(name) for name in signed} != signed:
            self.refuse(403, "SignatureDoesNotMatch")
            return
        # Checked when it is there, signed or not, as S3 does.
        announced = self.headers.get("Content-MD5")
        if announced and hashlib.md5(body).digest() != base64.b64decode(announced):
            self.refuse(400, "BadDigest")
            return
        etag = hashlib.md5(body).hexdigest()
        with world.lock:
            stored.bytes[number] = body
            stored.etags[number] = f'"{etag}"'
            stored.state = "uploading"
        if fault and fault.kind == "lost":
            self.hang_up()
            return
        told = etag if world.etag is None else world.etag
        self.reply(200, b"", {"ETag": f'"{told}"'})

    def refuse(
        self, status: int, code: str, headers: dict[str, str] | None = None
    ) -> None:
        """An error in S3's XML."""
        body = f"<Error><Code>{code}</Code><Message>No: {code}.</Message></Error>"
        self.reply(status, body.encode(), headers)


class ApiHandler(StorageHandler):
    """Invenio, as far as one file goes, and its own disk as storage."""

    name = "api"

    def do_PUT(self) -> None:
        """Take one part of a file on local storage."""
        if not self.is_authorized():
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.json(401, {"status": 401, "message": "Who are you?"})
            return
        super().do_PUT()

    def do_GET(self) -> None:
        """Entry, parts or status of a file."""
        self.serve()

    def do_POST(self) -> None:
        """A new file, a registration of parts or a commit."""
        self.serve()

    def is_authorized(self) -> bool:
        """The request carries the token."""
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def serve(self) -> None:
        """Find the operation, let a queued fault happen, answer."""
        path = urlsplit(self.path).path
        operation, key = self.route(path)
        fault, body = self.take(operation)
        if fault and fault.kind == "page":
            self.reply(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})
        elif fault and fault.kind == "status":
            self.refuse_json(fault.status, fault.code, fault.headers, fault.message)
        elif not self.is_authorized():
            self.refuse_json(401, "unauthorized")
        elif not path.startswith(FILES_PATH):
            self.refuse_json(404, "not_found")
        else:
            data = json.loads(body) if body else None
            with self.world.lock:
                status, answer = getattr(self, f"on_{operation}")(key, data)
            if fault and fault.kind == "lost":
                self.hang_up()
            else:
                self.json(status, answer)

    def route(self, path: str) -> tuple[str, str]:
        """Operation and file key."""
        rest = path.removeprefix(FILES_PATH).lstrip("/")
        if self.command == "POST" and not rest:
            return "init", ""
        first, _, last = rest.rpartition("/")
        if last in ("parts", "commit", "upload") and first:
            name = {"parts": "register"}.get(last, last)
            if self.command == "GET" and last == "parts":
                name = "parts"
            return name, unquote(first)
        return "entry", unquote(rest)

    def json(self, status: int, data: Any) -> None:
        """Answer with JSON."""
        headers = {"Content-Type": "application/json"}
        self.reply(status, json.dumps(data).encode(), headers)

    def refuse_json(
        self,
        status: int,
        code: str,
        headers: dict[str, str] | None = None,
        message: str = "",
    ) -> None:
        """An error in Invenio's form."""
        data: dict[str, Any] = {"status": status, "code": code, "errors": []}
        data["message"] = message or f"No: {code}."
        self.reply(status, json.dumps(data).encode(), headers)

    def on_entry(self, key: str, _: Any) -> tuple[int, Any]:
        """The file, or 404."""
        stored = self.world.files.get(key)
        if stored is None:
            return 404, {"status": 404, "message": "No such file."}
        return 200, self.entry_of(stored)

    def entry_of(self, stored: StoredFile) -> dict[str, Any]:
        """The entry, with links for all parts where this server gives them."""
        entry = stored.entry()
        if self.world.links_up_front and entry["status"] == "pending":
            numbers = range(1, stored.parts + 1)
            links = [self.world.unbound_link(stored, number) for number in numbers]
            entry["links"] = {"parts": links}
        return entry

    def on_init(self, _: str, data: Any) -> tuple[int, Any]:
        """A planned upload; an existing key is refused."""
        (wanted,) = data
        if wanted["key"] in self.world.files:
            return 400, {"status": 400, "message": "It exists.", "code": "exists"}
        part_size = wanted["transfer"].get("part_size", self.world.part_size)
        stored = StoredFile(wanted["key"], wanted["size"], part_size)
        self.world.files[stored.key] = stored
        return 201, {"enabled": True, "entries": [self.entry_of(stored)]}

    def on_parts(self, key: str, _: Any) -> tuple[int, Any]:
        """One page of the parts that are there."""
        query = parse_qs(urlsplit(self.path).query)
        first = int(query["from"][0])
        size = min(int(query["size"][0]), self.world.page_size)
        stored = self.world.files[key]
        numbers = [number for number in sorted(stored.bytes) if number >= first]
        shown = [
            {
                "part": number,
                "size": len(stored.bytes[number]),
                "status": "uploaded",
                "checksum": stored.registered.get(number, {}).get("checksum"),
                "etag": stored.etags.get(number),
            }
            for number in numbers[:size]
        ]
        links = {"next": "more"} if len(numbers) > size else {}
        return 200, {"parts": shown, "links": links}

    def on_register(self, key: str, data: Any) -> tuple[int, Any]:
        """Links bound to the announced lengths and digests."""
        stored = self.world.files[key]
        for item in data:
            stored.registered[item["part"]] = item
        links = [self.world.link(stored, item["part"]) for item in data]
        return 200, {"parts": links}

    def on_commit(self, key: str, data: Any) -> tuple[int, Any]:
        """Put the parts together; repeatable."""
        stored = self.world.files[key]
        missing = set(range(1, stored.parts + 1)) - set(stored.bytes)
        if missing:
            return 400, {"status": 400, "message": "Parts!", "code": "missing_parts"}
        content = b"".join(stored.bytes[n] for n in range(1, stored.parts + 1))
        stored.content = content
        stored.state = "verifying"
        stored.polls_left = self.world.polls_until_completed
        if data["checksum"] != f"md5:{hashlib.md5(content).hexdigest()}":
            stored.state, stored.error_message = "failed", "The digests differ."
        elif not stored.polls_left:
            stored.state = self.world.state_after_commit or "completed"
        return 200, stored.entry()

    def on_upload(self, key: str, _: Any) -> tuple[int, Any]:
        """The state; a verification ends after some looks at it."""
        stored = self.world.files[key]
        if stored.state == "verifying":
            stored.polls_left -= 1
            if stored.polls_left < 0:
                stored.state = "completed"
        return 200, {
            "state": stored.state,
            "error_message": stored.error_message,
            "digests": self.world.digests,
        }
