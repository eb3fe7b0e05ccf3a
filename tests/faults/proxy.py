# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A proxy between everybody and the real S3 server, which breaks when told to.

It speaks just enough HTTP/1.1 to know where a request begins and ends. Heads and
bodies pass unchanged, the Host header too: S3 signatures cover it, and clients sign
for the address they know, which is the proxy's.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

_CHUNK = 2**16
_STATUS_LINE = len("HTTP/1.1 200")
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Point(Enum):
    """Where in a request something happens."""

    ARRIVED = "the store has seen nothing of it"
    MID_BODY = "the store has half of the body"
    ANSWERED = "the store has done it; nobody has heard"
    HALF_ANSWERED = "half of the reply has been passed on"


class Cut(Exception):
    """Reset the client's connection here."""


class Answered(Exception):
    """Answer in place of the server.

    :param retry_after_seconds: what the answer asks the client to wait.
    """

    def __init__(self, status: int, retry_after_seconds: int | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class Instead(Exception):
    """Pass on this reply, and not the one that came."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self.change = change


@dataclass
class Fault:
    """What to do at which request.

    :param method: HTTP method; several with a bar between them.
    :param pattern: regular expression searched in path and query.
    :param point: where in the request.
    :param action: called there; raises Cut or Answered, or lets the request go on.
        At ANSWERED it may raise Instead as well.
    :param hits: which of the matching requests, from 1; None for all.
    """

    method: str
    pattern: str
    point: Point
    action: Callable[[], None]
    hits: frozenset[int] | None
    seen: int = 0


@dataclass
class FaultProxy:
    """The proxy for the server at ``upstream``, listening on a port of its own."""

    upstream: str
    port: int = 0
    requests: list[str] = field(default_factory=list)
    """"METHOD target Range" of everything that came, in order."""
    answers: list[str] = field(default_factory=list)
    """"METHOD target status" of replies that were passed on whole, in order."""

    def __post_init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.up()

    @property
    def url(self) -> str:
        """Endpoint URL."""
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Accept connections (again)."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            listen = threading.Thread(target=self._accept, args=[self._listener])
            listen.daemon = True
            listen.start()

    def down(self) -> None:
        """Refuse connections from now on."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # Closing alone does not wake a thread that waits in accept.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def calm(self) -> None:
        """Let nothing break any more, and begin to count anew."""
        self.forget()
        with self._lock:
            # New lists: a reply that is still on its way belongs to the old ones.
            self.requests, self.answers = [], []

    def forget(self) -> None:
        """Let nothing break any more, and remember what came."""
        with self._lock:
            self._faults.clear()
        self.up()

    def at(
        self,
        method: str,
        pattern: str,
        action: Callable[[], None],
        point: Point = Point.ARRIVED,
        hits: set[int] | None = frozenset({1}),
    ) -> Fault:
        """Do something at matching requests; by default at the first only."""
        wanted = None if hits is None else frozenset(hits)
        fault = Fault(method, pattern, point, action, wanted)
        with self._lock:
            self._faults.append(fault)
        return fault

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One request; the reply ends with the connection."""
        with client:
            try:
                head, body = _read_head(client)
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
                wanted = (_header(head, b"range") or b"").decode()
                with self._lock:
                    self.requests.append(f"{method} {target} {wanted}")
                    answers = self.answers
                status = self._pass_on(
                    client, head, body, self._actions(method, target)
                )
                with self._lock:
                    answers.append(f"{method} {target} {status}")
            except Answered as answer:
                client.sendall(_error(answer))
            except (Cut, OSError, ValueError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def _actions(self, method: str, target: str) -> dict[Point, Callable[[], None]]:
        found = {}
        with self._lock:
            for fault in self._faults:
                if re.fullmatch(fault.method, method) and re.search(
                    fault.pattern, target
                ):
                    fault.seen += 1
                    if fault.hits is None or fault.seen in fault.hits:
                        found[fault.point] = fault.action
        return found

    def _pass_on(
        self,
        client: socket.socket,
        head: bytes,
        body: bytes,
        actions: dict[Point, Callable[[], None]],
    ) -> str:
        length = int(_header(head, b"content-length") or 0)
        actions.pop(Point.ARRIVED, _go_on)()
        if _header(head, b"expect"):
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        address = urlsplit(self.upstream)
        place = (address.hostname, address.port or 80)
        with socket.create_connection(place, timeout=60) as server:
            server.sendall(_without_keep_alive(head))
            left = length
            for piece in _pieces(client, body, length):
                server.sendall(piece)
                left -= len(piece)
                if left <= length // 2:
                    actions.pop(Point.MID_BODY, _go_on)()
            pieces = iter(lambda: server.recv(_CHUNK), b"")
            if not actions:
                return _streamed(pieces, client)
            reply = b"".join(pieces)
        try:
            actions.pop(Point.ANSWERED, _go_on)()
        except Instead as instead:
            reply = instead.change(reply)
        half = len(reply) // 2
        client.sendall(reply[:half])
        actions.pop(Point.HALF_ANSWERED, _go_on)()
        client.sendall(reply[half:])
        return _status(reply)


def cut() -> None:
    """Reset the connection."""
    raise Cut


def answer(status: int, retry_after_seconds: int | None = None) -> Callable[[], None]:
    """Answer with an S3 error of this status."""

    def action() -> None:
        raise Answered(status, retry_after_seconds)

    return action


def instead(change: Callable[[bytes], bytes]) -> Callable[[], None]:
    """Change the reply, head and all; for ANSWERED."""

    def action() -> None:
        raise Instead(change)

    return action


def wait(seconds: float) -> Callable[[], None]:
    """Let the client wait, then go on."""
    return lambda: time.sleep(seconds)


def _go_on() -> None:
    """Nothing is to break here."""


@contextmanager
def running(upstream: str) -> Iterator[FaultProxy]:
    """A proxy for as long as it is needed."""
    proxy = FaultProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.down()


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """Head of the request with its empty line, and what came of the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(_CHUNK)
        if not piece:
            raise ValueError("The client went away.")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


def _pieces(client: socket.socket, first: bytes, length: int) -> Iterator[bytes]:
    if first:
        yield first
    left = length - len(first)
    while left:
        piece = client.recv(min(_CHUNK, left))
        if not piece:
            raise Cut
        left -= len(piece)
        yield piece


def _streamed(pieces: Iterator[bytes], client: socket.socket) -> str:
    """Pass a reply on as it comes, however long it is; its status."""
    start = b""
    for piece in pieces:
        if len(start) < _STATUS_LINE:
            start += piece
        client.sendall(piece)
    return _status(start)


def _status(reply: bytes) -> str:
    return reply[:_STATUS_LINE].decode("latin-1")[-3:]


def _header(head: bytes, name: bytes) -> bytes | None:
    found = re.search(rb"(?im)^" + name + rb":[ \t]*(.*?)\r$", head)
    return found[1] if found else None


def _without_keep_alive(head: bytes) -> bytes:
    """The same head, asking to close after the reply: that is how it ends here."""
    kept = re.sub(rb"(?im)^(connection|expect):.*\r\n", b"", head)
    return kept[:-2] + b"Connection: close\r\n\r\n"


_CODES = {
    403: "AccessDenied",
    429: "TooManyRequests",
    500: "InternalError",
    501: "NotImplemented",
    502: "BadGateway",
    503: "SlowDown",
    504: "GatewayTimeout",
}


def _error(answer: Answered) -> bytes:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<Error><Code>{_CODES[answer.status]}</Code>"
        "<Message>A fault of the test.</Message></Error>"
    ).encode()
    head = f"HTTP/1.1 {answer.status} Fault\r\nContent-Type: application/xml\r\n"
    if answer.retry_after_seconds is not None:
        head += f"Retry-After: {answer.retry_after_seconds}\r\n"
    # As buckets answer that browsers may use: they see the status of an error, too.
    head += "Access-Control-Allow-Origin: *\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
