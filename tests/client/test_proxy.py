# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""A machine that reaches the world by a proxy only."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from invenio_multipart.client import connecting
from invenio_multipart.client.connecting import proxy_for
from invenio_multipart.client.errors import NetworkError
from invenio_multipart.client.retry import StopSignal
from invenio_multipart.client.transport import Transport

NAME = "repository.example.org"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class _Handler(BaseHTTPRequestHandler):
    """The repository, and a proxy that knows only how to get there."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Take a body, and say where it went to."""
        self.server.heads.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Be a tunnel to the repository, whatever name it is asked for by."""
        self.server.heads.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(self.server.beyond) as there:  # type: ignore[attr-defined]
            back = threading.Thread(target=_pass_on, args=(there, self.connection))
            back.start()
            _pass_on(self.connection, there)
            back.join()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _pass_on(from_: socket.socket, to: socket.socket) -> None:
    # Either end may have hung up.
    with suppress(OSError):
        while data := from_.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


def _serving(context: ssl.SSLContext | None = None) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.heads = []  # type: ignore[attr-defined]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def proxy() -> Iterator[Any]:
    """A proxy."""
    server = _serving()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Connections."""
    made = Transport(StopSignal(), timeout_seconds=10)
    yield made
    made.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of the repository, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "repository.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_plain(
    proxy: Any, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy is told the whole address, and who we are, on kept connections."""
    host, port = proxy.server_address
    monkeypatch.setenv("http_proxy", f"http://me:p%40ss@{host}:{port}")
    for body in (b"one", b"two"):
        headers = {"Content-Length": "3"}
        reply = transport.send("PUT", f"http://{NAME}:8080/a?b=c", headers, body)
        assert (reply.status, reply.body) == (200, body)
    (path, head), _ = proxy.heads
    assert path == f"http://{NAME}:8080/a?b=c"
    assert head["Host"] == f"{NAME}:8080"
    assert head["Proxy-Authorization"] == "Basic bWU6cEBzcw=="


def test_tunnel(
    proxy: Any,
    transport: Transport,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through a tunnel the certificate is that of the repository; secrets go inside."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    beyond = _serving(context)
    try:
        proxy.beyond = beyond.server_address
        host, port = proxy.server_address
        monkeypatch.setenv("HTTPS_PROXY", f"me:pass@{host}:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        headers = {"Content-Length": "3", "Authorization": "Bearer secret"}
        reply = transport.send("PUT", f"https://{NAME}/a", headers, b"one")
        assert (reply.status, reply.body) == (200, b"one")
        ((path, head),) = proxy.heads
        assert path == f"{NAME}:443"
        assert head["Proxy-Authorization"] == "Basic bWU6cGFzcw=="
        assert "Authorization" not in head
        ((path, head),) = beyond.heads  # type: ignore[attr-defined]
        assert (path, head["Authorization"]) == ("/a", "Bearer secret")
        assert "Proxy-Authorization" not in head
    finally:
        transport.close()
        beyond.shutdown()
        beyond.server_close()


@pytest.mark.parametrize(
    ("variables", "address", "found"),
    [
        ({}, ("https", NAME, 443), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", NAME, 443), ("p", 1)),
        ({"HTTPS_PROXY": "http://p:1"}, ("http", NAME, 80), None),
        ({"ALL_PROXY": "http://p"}, ("https", NAME, 443), ("p", 80)),
        (
            {"ALL_PROXY": "http://p:1", "NO_PROXY": ".example.org"},
            ("https", NAME, 443),
            None,
        ),
        (
            {"ALL_PROXY": "http://p:1", "NO_PROXY": f"{NAME}:9"},
            ("https", NAME, 9),
            None,
        ),
        (
            {"ALL_PROXY": "http://p:1", "NO_PROXY": f"{NAME}:9"},
            ("https", NAME, 443),
            ("p", 1),
        ),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, ("https", NAME, 443), None),
        ({"ALL_PROXY": "http://p:1"}, ("http", "localhost", 80), None),
        ({"ALL_PROXY": "http://p:1"}, ("http", "127.0.0.2", 80), None),
        ({"ALL_PROXY": "http://p:1"}, ("http", "::1", 80), None),
        ({"ALL_PROXY": "http://p:1"}, ("http", "10.0.0.1", 80), ("p", 1)),
    ],
)
def test_which(
    variables: dict[str, str],
    address: tuple[str, str, int],
    found: tuple[str, int] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variables mean what they mean elsewhere; this machine needs no proxy."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(*address)
    assert (proxy and (proxy.host, proxy.port)) == found


def test_a_proxy_of_another_kind(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that cannot be used is an error that says so, at once, without its secret."""
    monkeypatch.setenv("ALL_PROXY", "socks5://me:pass@p:1080")
    with pytest.raises(NetworkError, match="socks5://p") as caught:
        transport.send("GET", f"https://{NAME}/", {})
    assert caught.value.permanent
    assert "pass" not in caught.value.message


def test_no_proxy_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses in brackets are those of IPv6."""
    monkeypatch.setenv("ALL_PROXY", "http://p:1")
    made = connecting.connect("http", "2001:db8::1", 8080, 1, None)
    made.sock = _Recorder()  # type: ignore[assignment]
    made.putrequest("GET", "/a")
    made.endheaders()
    assert b"GET http://[2001:db8::1]:8080/a HTTP/1.1" in made.sock.data  # type: ignore[union-attr]
    made.sock = None


class _Recorder:
    """A socket that only listens."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        """Take it down."""
        self.data += data
