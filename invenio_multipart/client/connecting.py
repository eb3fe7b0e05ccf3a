# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""New connections: straight to a server, or by the proxy of the environment.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are heeded as curl and Python do it, in
either case. This machine itself is never asked for by a proxy.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

Response: type[http.client.HTTPResponse]
try:
    from .fast_http import FastResponse as Response
except ImportError:
    from http.client import HTTPResponse as Response


@dataclass(frozen=True)
class Proxy:
    """Where requests go instead, over plain HTTP."""

    host: str
    port: int
    authorization: str | None
    """Value of Proxy-Authorization."""

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy wants to be told."""
        if self.authorization is None:
            return {}
        return {"Proxy-Authorization": self.authorization}


class _Forwarded(http.client.HTTPConnection):
    """Requests that a proxy passes on: they name the whole address."""

    def __init__(self, proxy: Proxy, host: str, port: int, timeout: float) -> None:
        super().__init__(proxy.host, proxy.port, timeout=timeout)
        place = f"[{host}]" if ":" in host else host
        self._root = f"http://{place}" + (
            "" if port == http.client.HTTP_PORT else f":{port}"
        )
        self._proxy = proxy

    def putrequest(
        self,
        method: str,
        url: str,
        skip_host: bool = False,
        skip_accept_encoding: bool = False,
    ) -> None:
        """Begin a request; ``url`` is path and query."""
        super().putrequest(method, self._root + url, skip_host, skip_accept_encoding)
        for name, value in self._proxy.headers.items():
            self.putheader(name, value)


def connect(
    scheme: str, host: str, port: int, timeout: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    """A connection that opens with its first request.

    :param timeout: seconds, of a silence.
    :param tls: for the scheme https.
    :raises ValueError: the environment's proxy is no address of one.
    """
    proxy = proxy_for(scheme, host, port)
    connection: http.client.HTTPConnection
    if scheme != "https":
        if proxy is None:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        else:
            connection = _Forwarded(proxy, host, port, timeout)
    else:
        way = (host, port) if proxy is None else (proxy.host, proxy.port)
        connection = http.client.HTTPSConnection(*way, timeout=timeout, context=tls)
        if proxy is not None:
            connection.set_tunnel(host, port, proxy.headers)
    connection.response_class = Response
    return connection


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy that leads there, None when there is none.

    :raises ValueError: it is no ``http://`` address.
    """
    if _is_here(host) or proxy_bypass(f"{host}:{port}") or proxy_bypass(host):
        return None
    proxies = getproxies()
    address = proxies.get(scheme) or proxies.get("all")
    if not address:
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(
            f"the proxy {parts.scheme}://{parts.hostname or ''} of the environment is "
            "not one of http"
        )
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(parts.hostname, parts.port or 80, authorization)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
