# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""``login`` and ``logout``."""

from __future__ import annotations

import argparse
import getpass
import ipaddress
import sys
from urllib.parse import urlsplit

from ..api import TRANSIENT, api_root, refusal
from ..credentials import TokenStore, check_token, default_url, site_of
from ..errors import RefusedError, UsageError
from ..retry import RetryPolicy, StopSignal
from ..transport import Response, Transport
from ..wire import read_json
from .output import tell, warn


def login(options: argparse.Namespace) -> int:
    """The token for a server is kept, and the server has accepted it."""
    site = site_of(options.url)
    if urlsplit(site).scheme == "http" and not _is_loopback(site):
        warn(f"Everybody on the way can read a token that is sent to {site}.")
    token = check_token(_ask(site))
    check_with_server(site, token)
    place = TokenStore().put(site, token)
    tell(f"You are logged in to {site}. The token is in {place}.")
    return 0


def logout(options: argparse.Namespace) -> int:
    """The token for a server is forgotten."""
    store = TokenStore()
    site = site_of(options.url or default_url(store))
    if not store.remove(site):
        raise UsageError(f"You are not logged in to {site}.")
    tell(
        f"The token for {site} is forgotten here. It stays valid until you delete it "
        f"at {site}/account/settings/applications/."
    )
    return 0


def check_with_server(site: str, token: str) -> None:
    """The server knows the token.

    :raises RefusedError: when it does not.
    :raises NetworkError: when it does not answer.
    :raises ProtocolError: when it is no InvenioRDM.
    """
    stop = StopSignal()
    transport = Transport(stop)
    # What only somebody who is logged in may ask for, and what costs little.
    url = f"{api_root(site)}/user/records?size=1"
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}

    def ask() -> Response:
        response = transport.send("GET", url, headers)
        if 200 <= response.status < 300:
            return response
        raise refusal(response, TRANSIENT, "The server")

    try:
        read_json(RetryPolicy(attempts=3).run(ask, stop))
    except RefusedError as error:
        if error.status in (401, 403):
            raise RefusedError(
                f"{site} does not accept this token.",
                status=error.status,
                code="token",
            ) from error
        raise
    finally:
        transport.close()


def _ask(site: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"Access token for {site}: ")
    return sys.stdin.readline()


def _is_loopback(site: str) -> bool:
    host = urlsplit(site).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
