# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Two small servers that give out the files of a record.

The API lists files and names the place of their bytes, or sends them itself; the
storage, at another origin, sends ranges to whoever has a link that is good. Faults
are queued by place and happen once each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

TOKEN = "secret-token"
RECORD = "abcde-12345"
FILES_PATH = f"/api/records/{RECORD}/files"
LINKS_PATH = f"/api/records/{RECORD}/content-links"
PARTS_PATH = f"/api/records/{RECORD}/part-digests"


@dataclass
class Trouble:
    """One thing that goes wrong.

    :param kind: ``status`` answers with ``status``, ``reset`` breaks the connection
        after ``after`` bytes of the body, ``cut`` closes it there as if all were
        well, ``damage`` flips a bit of the byte at offset ``after`` of the answer,
        ``wait`` holds the answer there until the server is released.
    """

    kind: str
    status: int = 0
    after: int = 0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """A request as it arrived, and the bytes of content it got."""

    server: str
    path: str
    range: str | None
    authorization: str | None
    sent: int = 0


class QuietServer(ThreadingHTTPServer):
    """Does not print the broken connections that tests make."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that hangs up is part of many tests."""


class ContentServer:
    """The pair of servers, with what they saw and what they will do wrong."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.redirects = True
        self.ranges = True
        self.etags = True
        self.sends_length = True
        self.public = True
        self.repr_digest: str | None = None
        self.link_uses: int | None = None
        self.links_per_page = 0
        self.repeats_page = False
        self.first_links_expired = False
        self.linked: set[str] = set()
        self.expired: set[str] = set()
        self.without_link: set[str] = set()
        self.parts: dict[str, list[dict[str, Any]]] = {}
        self.troubles: dict[str, deque[Trouble]] = defaultdict(deque)
        self.always: dict[str, Trouble] = {}
        self.seen: list[Seen] = []
        self.lock = threading.RLock()
        self.released = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.links: dict[str, int] = {}
        self.on_sent: Callable[[], None] = lambda: None
        self._servers = [self._start("api"), self._start("storage")]
        self.base_url, self.storage_url = (
            f"http://127.0.0.1:{server.server_port}" for server in self._servers
        )

    def _start(self, name: str) -> QuietServer:
        bound = type(name, (Handler,), {"world": self, "name": name})
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

    def put(self, key: str, content: bytes, **entry: Any) -> None:
        """A file of the record; keywords change its entry."""
        md5 = hashlib.md5(content).hexdigest()
        known = {"key": key, "size": len(content), "checksum": f"md5:{md5}"}
        self.contents[key] = content
        self.entries[key] = {**known, "status": "completed", **entry}

    def put_in_parts(self, key: str, content: bytes, part_size: int) -> None:
        """A file whose parts have digests that the server tells."""
        self.put(key, content)
        parts = [
            content[at : at + part_size] for at in range(0, len(content), part_size)
        ]
        self.parts[key] = [
            {
                "part": number,
                "size": len(data),
                "checksum": f"md5:{hashlib.md5(data).hexdigest()}",
            }
            for number, data in enumerate(parts, start=1)
        ]

    def fail(self, key: str, *troubles: Trouble) -> None:
        """Queue trouble for the next answers with this file's bytes; for "list" and
        "link" those that list the files or name the place of bytes."""
        self.troubles[key].extend(troubles)

    def requests(self, server: str, key: str | None = None) -> list[Seen]:
        """What arrived at ``api`` or ``storage``, for the bytes of a file."""
        with self.lock:
            return [
                seen
                for seen in self.seen
                if seen.server == server
                and (key is None or f"/{quote(key)}" in seen.path)
            ]

    def sent(self, key: str) -> int:
        """Bytes of a file that went out."""
        return sum(
            seen.sent
            for name in ("api", "storage")
            for seen in self.requests(name, key)
        )

    def trouble_at(self, place: str) -> Trouble | None:
        """What goes wrong now."""
        with self.lock:
            queue = self.troubles[place]
            return queue.popleft() if queue else self.always.get(place)


class Handler(BaseHTTPRequestHandler):
    """API and storage; which one is a matter of the name."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    world: ContentServer
    name = ""

    def log_message(self, *_: Any) -> None:
        """Keep the test output clean."""

    def do_GET(self) -> None:
        """List, entry, place of the bytes, or bytes."""
        authorization = self.headers.get("Authorization")
        self.seen = Seen(self.name, self.path, self.headers.get("Range"), authorization)
        with self.world.lock:
            self.world.seen.append(self.seen)
        path = unquote(urlsplit(self.path).path)
        if self.name == "storage":
            self.store(path.removeprefix("/bucket/"))
        elif not self.world.public and authorization != f"Bearer {TOKEN}":
            self.refuse(403)
        elif path == FILES_PATH:
            self.tell({"entries": list(self.world.entries.values())}, "list")
        elif path == LINKS_PATH:
            page = self.page_of_links() if self.world.links_per_page else None
            self.tell(page, "links")
        elif path == PARTS_PATH:
            query = parse_qs(urlsplit(self.path).query)
            parts = self.world.parts.get(query["key"][0])
            self.tell(None if parts is None else {"parts": parts}, "parts")
        elif path.endswith("/content"):
            self.give(path.removeprefix(f"{FILES_PATH}/").removesuffix("/content"))
        else:
            self.tell(self.world.entries.get(path.removeprefix(f"{FILES_PATH}/")), "")

    def page_of_links(self) -> dict[str, Any]:
        """A page of files with their links."""
        world, query = self.world, parse_qs(urlsplit(self.path).query)
        after = "" if world.repeats_page else query.get("after", [""])[0]
        keys = sorted(key for key in world.entries if key > after)
        size = int(query.get("size", [world.links_per_page])[0])
        page = keys[: min(size, world.links_per_page)]
        hidden = world.entries if "links" in query else world.without_link
        files = [
            world.entries[key] | {"url": None if key in hidden else self.new_link(key)}
            for key in page
        ]
        return {"files": files, "links": {"next": "…"} if keys[len(page) :] else {}}

    def new_link(self, key: str) -> str:
        """One that was not given out before."""
        world = self.world
        with world.lock:
            link = f"s{len(world.links) + 1}"
            world.links[link] = 0
            if world.first_links_expired and key not in world.linked:
                world.expired.add(link)
            world.linked.add(key)
        return f"{world.storage_url}/bucket/{quote(key)}?signature={link}"

    def tell(self, data: Any, place: str) -> None:
        """JSON, or 404."""
        trouble = self.world.trouble_at(place) if place else None
        if trouble and trouble.kind == "status":
            self.refuse(trouble.status, trouble.headers)
        elif data is None:
            self.refuse(404)
        else:
            self.reply(200, json.dumps(data).encode(), {})

    def give(self, key: str) -> None:
        """The API's answer to a request for bytes."""
        world = self.world
        trouble = world.trouble_at("link")
        digest = {"Repr-Digest": world.repr_digest} if world.repr_digest else {}
        if trouble:
            self.refuse(trouble.status, trouble.headers)
        elif key not in world.contents:
            self.refuse(404)
        elif not world.redirects:
            self.send_content(key, digest)
        else:
            headers = {"Location": self.new_link(key), **digest}
            self.reply(302, b"See there.", headers)

    def store(self, key: str) -> None:
        """The storage's answer; a link is good for some uses only."""
        world = self.world
        link = parse_qs(urlsplit(self.path).query)["signature"][0]
        with world.lock:
            world.links[link] += 1
            used_up = world.link_uses and world.links[link] > world.link_uses
            used_up = used_up or link in world.expired
        if used_up:
            self.refuse(403)
        else:
            self.send_content(key, {})

    def send_content(self, key: str, headers: dict[str, str]) -> None:
        """The bytes, or a range of them, or trouble."""
        world = self.world
        content = world.contents[key]
        trouble = world.trouble_at(key)
        if trouble and trouble.kind == "status":
            self.refuse(trouble.status, trouble.headers)
            return
        status, body = 200, content
        if world.etags:
            # Unlike a digest, it is computed only once for all ranges.
            headers = {"ETag": f'"{hash(content):x}"', **headers}
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if found and world.ranges:
            first = int(found[1])
            if first >= len(content):
                self.refuse(416)
                return
            last = min(int(found[2] or len(content)), len(content) - 1)
            status, body = 206, content[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self.send_body(status, body, headers, trouble)

    def send_body(
        self, status: int, body: bytes, headers: dict[str, str], trouble: Trouble | None
    ) -> None:
        """An answer that may break on its way."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.world.sends_length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if trouble and trouble.kind == "damage":
            at = min(trouble.after, len(body) - 1)
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        if trouble and trouble.kind in ("reset", "cut", "wait"):
            self.send_piece(body[: trouble.after])
            if trouble.kind == "wait":
                self.world.waiting.release()
                self.world.released.wait(30)
                body = body[trouble.after :]
            else:
                self.hang_up(reset=trouble.kind == "reset")
                return
        self.send_piece(body)
        self.world.on_sent()

    def send_piece(self, data: bytes) -> None:
        """Bytes of content."""
        self.seen.sent += len(data)
        self.wfile.write(data)
        self.wfile.flush()

    def hang_up(self, *, reset: bool) -> None:
        """Close the connection, as a crash or a hasty proxy does."""
        if reset:
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        self.close_connection = True
        self.connection.close()

    def refuse(self, status: int, headers: dict[str, str] | None = None) -> None:
        """An error."""
        data = {"status": status, "message": f"No: {status}.", "code": "refused"}
        self.reply(status, json.dumps(data).encode(), headers or {})

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def repr_digest(content: bytes) -> str:
    """The header of RFC 9530 with a SHA-256."""
    digest = hashlib.sha256(content).digest()
    return f"sha-256=:{base64.b64encode(digest).decode()}:"
