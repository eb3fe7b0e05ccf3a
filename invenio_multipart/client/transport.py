# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""HTTP requests over kept-alive connections, with no policy of its own.

Redirects are never followed: a token or a signed request must not end up at
an address that nobody chose.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from .connecting import connect
from .errors import NetworkError
from .limits import Bandwidth
from .retry import StopSignal

SEND_SIZE = 256 * 1024
"""Bytes per write: small enough for a smooth progress bar, large enough that
the interpreter does not become the limit."""

Origin = tuple[str, str, int]


def origin_of(url: str) -> Origin:
    """Scheme, host and port of a URL: what a token is good for, nothing else."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    port = parts.port or {"http": 80, "https": 443}.get(scheme, 0)
    return scheme, (parts.hostname or "").lower(), port


@dataclass(frozen=True)
class Response:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Incoming:
    """An answer whose body is read as it arrives."""

    def __init__(self, reply: http.client.HTTPResponse, origin: Origin) -> None:
        self.status = reply.status
        self.headers = {name.lower(): value for name, value in reply.getheaders()}
        """Names in lower case."""
        self._reply = reply
        self._origin = origin

    def readinto(self, view: memoryview) -> int:
        """Number of bytes that came and are in ``view`` now; 0 at the end.

        :raises NetworkError: when the body breaks off.
        """
        missing = self._reply.length
        try:
            count = self._reply.readinto(view)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _as_network_error(error, self._origin) from error
        if not count and missing and len(view):
            cut = ConnectionResetError(f"{missing} bytes of the answer are missing")
            raise _as_network_error(cut, self._origin)
        return count

    def read(self, limit: int) -> bytes:
        """The rest of the body, at most ``limit`` bytes of it.

        :raises NetworkError: when the body breaks off.
        """
        buffer = bytearray(limit)
        filled = 0
        with memoryview(buffer) as view:
            while filled < limit and (count := self.readinto(view[filled:])):
                filled += count
        return bytes(buffer[:filled])


class Transport:
    """Connections of one upload; safe to use from many threads.

    :param stop: checked while a body is sent.
    :param timeout_seconds: longest silence on a connection, not the length of
        a request: a large part over a slow line may take hours.
    :param bandwidth: what bodies that are sent keep to; None for no limit.
    """

    def __init__(
        self,
        stop: StopSignal,
        timeout_seconds: float = 120.0,
        bandwidth: Bandwidth | None = None,
    ) -> None:
        self._stop = stop
        self._timeout = timeout_seconds
        self._bandwidth = bandwidth or Bandwidth()
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._open: set[http.client.HTTPConnection] = set()
        self._tls: ssl.SSLContext | None = None

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | memoryview = b"",
        on_sent: Callable[[int], None] | None = None,
    ) -> Response:
        """One request, one answer, whatever its status.

        :param headers: sent as they are; Host is added.
        :param on_sent: called with the number of bytes after each write.
        :raises NetworkError: when there is no complete answer.
        :raises Stopped: when the upload ended meanwhile.
        """
        origin = origin_of(url)
        connection = self._take(origin)
        try:
            response, reusable = self._exchange(
                connection, method, url, headers, body, on_sent
            )
        except BaseException as error:
            self._discard(connection)
            # After a stop the failure is only the echo of our own abort().
            self._stop.check()
            if isinstance(error, (OSError, http.client.HTTPException, ValueError)):
                raise _as_network_error(error, origin) from error
            raise
        if reusable:
            with self._lock:
                self._idle.setdefault(origin, []).append(connection)
        else:
            self._discard(connection)
        return response

    @contextmanager
    def receive(self, url: str, headers: Mapping[str, str]) -> Iterator[Incoming]:
        """The answer to a GET, whatever its status, its body still to be read.

        The connection is kept when the body was read to its end.

        :param headers: sent as they are; Host is added.
        :raises NetworkError: when there is no answer.
        :raises Stopped: when all of it ended meanwhile.
        """
        origin = origin_of(url)
        connection = self._take(origin)
        try:
            try:
                self._write(connection, "GET", url, headers, b"", None)
                reply = connection.getresponse()
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise _as_network_error(error, origin) from error
            yield Incoming(reply, origin)
        except BaseException:
            self._discard(connection)
            # After a stop the failure is only the echo of our own abort().
            self._stop.check()
            raise
        if reply.isclosed() and not reply.will_close:
            with self._lock:
                self._idle.setdefault(origin, []).append(connection)
        else:
            self._discard(connection)

    def abort(self) -> None:
        """Break all connections, so that no thread keeps waiting on one."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            sock = connection.sock
            if sock is not None:
                # Unlike close(), this wakes a thread blocked on the socket. An
                # error means that it was gone already, which is what we want.
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give all connections back to the system."""
        with self._lock:
            connections = list(self._open)
            self._open.clear()
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | memoryview,
        on_sent: Callable[[int], None] | None,
    ) -> tuple[Response, bool]:
        broken: OSError | None = None
        try:
            self._write(connection, method, url, headers, body, on_sent)
        except (BrokenPipeError, ConnectionResetError) as error:
            # A server may refuse and hang up before it has read the body; its
            # answer says more than the broken pipe does.
            broken = error
        try:
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise (broken or error) from error
        names = {name.lower(): value for name, value in reply.getheaders()}
        reusable = broken is None and not reply.will_close
        return Response(reply.status, names, content), reusable

    def _write(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | memoryview,
        on_sent: Callable[[int], None] | None,
    ) -> None:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        names = {name.lower() for name in headers}
        connection.putrequest(
            method, target, skip_host="host" in names, skip_accept_encoding=True
        )
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        # In slices, because a socket's timeout covers a whole sendall().
        view = memoryview(body)
        size = self._bandwidth.piece_bytes(SEND_SIZE)
        for start in range(0, len(view), size):
            self._stop.check()
            piece = view[start : start + size]
            self._bandwidth.take(len(piece), self._stop)
            connection.send(piece)
            if on_sent is not None:
                on_sent(len(piece))

    def _take(self, origin: Origin) -> http.client.HTTPConnection:
        while True:
            self._stop.check()
            with self._lock:
                idle = self._idle.get(origin)
                try:
                    connection = idle.pop() if idle else self._connect(origin)
                except ValueError as error:
                    raise _as_network_error(error, origin) from error
            if connection.sock is None or not _has_hung_up(connection.sock):
                return connection
            self._discard(connection)

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        if origin[0] == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        connection = connect(*origin, self._timeout, self._tls)
        self._open.add(connection)
        return connection

    def _discard(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()


def _has_hung_up(sock: socket.socket) -> bool:
    # An idle connection has nothing to read, unless the server closed it.
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    # Much cheaper than a selector of its own, and this is asked before each request.
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _as_network_error(error: Exception, origin: Origin) -> NetworkError:
    scheme, host, port = origin
    reason = str(error) or type(error).__name__
    # A bad certificate or a malformed address will not get better.
    permanent = isinstance(
        error, (ssl.SSLCertVerificationError, ValueError, http.client.InvalidURL)
    )
    return NetworkError(
        f"No answer from {scheme}://{host}:{port}: {reason}", permanent=permanent
    )
