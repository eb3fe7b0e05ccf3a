# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Replies read by httptools are what http.client makes of them."""

from __future__ import annotations

import http.client
import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("httptools", reason="the faster HTTP is not installed")

from invenio_multipart.client import fast_http
from invenio_multipart.client.connecting import connect
from invenio_multipart.client.fast_http import FastResponse


class _Wire(io.RawIOBase):
    """Bytes that arrive in pieces; afterwards the other side has hung up."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._pieces:
            return 0
        piece = self._pieces.pop(0)
        if len(piece) > len(buffer):
            self._pieces.insert(0, piece[len(buffer) :])
        count = min(len(piece), len(buffer))
        buffer[:count] = piece[:count]
        return count


class _Socket:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Wire(list(self._pieces)))


def told(
    kind: type[http.client.HTTPResponse], pieces: list[bytes], method: str = "GET"
) -> object:
    """All that is asked of a reply."""
    reply = kind(_Socket(pieces), method=method)  # type: ignore[arg-type]
    try:
        reply.begin()
        headers = {name.lower(): value for name, value in reply.getheaders()}
        length, will_close = reply.length, reply.will_close
        body = reply.read()
    except (http.client.HTTPException, OSError) as error:
        return type(error)
    return reply.status, headers, length, will_close, body, reply.isclosed()


OK = b"HTTP/1.1 200 OK\r\n"
REPLIES = {
    "plain": OK + b'Content-Length: 5\r\nETag: "a"\r\n\r\nhello',
    "empty": OK + b"Content-Length: 0\r\n\r\n",
    "more than one reply": OK + b"Content-Length: 2\r\n\r\nab" + OK,
    "a body that breaks off": OK + b"Content-Length: 50\r\n\r\nhello",
    "closes": OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\nhello",
    "stays": OK + b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
    "closes, and stays": OK
    + b"Content-Length: 5\r\nConnection: close\r\nConnection: keep-alive\r\n\r\nhello",
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "until the end": OK + b"X: y\r\n\r\nhello",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "nothing to say": b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    "nothing, so long": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "as before": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "wait": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nab",
    "a range": b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx",
    "no": b"HTTP/1.1 503 Slow Down\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nno",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab",
    "said twice": OK + b"X-Id: 1\r\nContent-Length: 1\r\nx-id: 2\r\n\r\na",
    "spaces": OK + b"X:   y  \r\nContent-Length:  1 \r\n\r\na",
    "no header": OK + b"\r\nhello",
    "odd letters": OK + b"X: \xe4\xff\r\nContent-Length: 1\r\n\r\na",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nothing": b"",
    "half a head": OK + b"Content-Le",
    "a negative length": OK + b"Content-Length: -5\r\n\r\nhello",
    "no length": OK + b"Content-Length: five\r\n\r\nhello",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "the same length": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "both": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded": OK + b"X: a\r\n b\r\nContent-Length: 1\r\n\r\na",
    "long": OK + b"X: " + b"y" * 20_000 + b"\r\nContent-Length: 1\r\n\r\na",
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("size", [1, 20, 10**6])
@pytest.mark.parametrize("name", REPLIES)
def test_any_reply(name: str, size: int, method: str) -> None:
    """However it arrives."""
    data = REPLIES[name]
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert told(FastResponse, pieces, method) == told(
        http.client.HTTPResponse, pieces, method
    )


NAMES = st.sampled_from(
    ["ETag", "Connection", "content-length", "Transfer-Encoding", "X-Amz-Id-2"]
)
VALUES = st.sampled_from(["", "0", "3", "close", "keep-alive", "chunked", '"a"', "x,y"])


@given(
    status=st.sampled_from([100, 200, 204, 206, 304, 404, 503]),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    body=st.sampled_from([b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n"]),
)
def test_any_headers(status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    """In any order."""
    lines = [f"HTTP/1.1 {status} Some", *(f"{n}: {v}" for n, v in headers), "", ""]
    data = "\r\n".join(lines).encode() + body
    assert told(FastResponse, [data]) == told(http.client.HTTPResponse, [data])


def test_what_a_more_lenient_parser_might_take() -> None:
    """Where a body ends is not for us to guess."""
    head = fast_http._Head(REPLIES["plain"])
    assert head.is_usual
    head.on_header(b"Transfer-Encoding", b"chunked")
    assert not head.is_usual


def test_usual_replies_are_read_by_httptools(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for these that it is there."""
    monkeypatch.setattr(
        http.client.HTTPResponse, "begin", lambda _: pytest.fail("slow")
    )
    for name in ("plain", "a range", "no", "said twice"):
        assert told(FastResponse, [REPLIES[name]])
    assert connect("http", "localhost", 1, 1.0, None).response_class is FastResponse


def test_without_it_http_client_does() -> None:
    """As on any machine with nothing but Python."""
    program = (
        "import sys, http.client; sys.modules['httptools'] = None\n"
        "from invenio_multipart.client.connecting import connect\n"
        "found = connect('http', 'localhost', 1, 1.0, None).response_class\n"
        "assert found is http.client.HTTPResponse, found"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert fast_http.httptools
