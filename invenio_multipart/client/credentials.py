# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Access tokens, one for each server: in the keyring, or in a file of mode 0600.

A token goes in by a prompt or by standard input, and out to its own server.
It is in no argument, no log and no list of what was uploaded.
"""

from __future__ import annotations

import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

from .api import api_root
from .errors import UsageError
from .places import NAME, config_folder, read_private, write_private
from .transport import origin_of

TOKEN_VARIABLE = "INVENIO_MULTIPART_TOKEN"  # noqa: S105 - a name, no secret
URL_VARIABLE = "INVENIO_MULTIPART_URL"

KEYRING = "keyring"


def site_of(base_url: str) -> str:
    """The name that a server's token is kept under: its address without ``/api``.

    :raises UsageError: when it is no plain http or https address.
    """
    root = api_root(base_url)
    scheme, host, port = origin_of(root)
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[scheme] == port
    path = root.split("://", 1)[1].partition("/")[2]
    rest = path[: -len("api")].rstrip("/")
    return f"{scheme}://{host}{'' if usual else f':{port}'}{f'/{rest}' if rest else ''}"


def check_token(token: str) -> str:
    """``token`` without white space around it.

    :raises UsageError: when it cannot be a token.
    """
    token = token.strip()
    if not token:
        raise UsageError("The access token is empty.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("The access token holds characters that no token has.")
    return token


class TokenStore:
    """The tokens that ``login`` has kept.

    :param folder: for the file; the user's configuration when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or config_folder()) / "tokens.json"

    def sites(self) -> list[str]:
        """Servers there is a token for."""
        return sorted(self._read())

    def get(self, site: str) -> str | None:
        """The token for ``site``, None when there is none.

        :raises UsageError: when others can read the file.
        """
        kept = self._read().get(site)
        if kept is None:
            return None
        if kept.get("kept_in") == KEYRING:
            return _from_keyring(site)
        return str(kept["token"]) if kept.get("token") else None

    def put(self, site: str, token: str) -> str:
        """``token`` is kept for ``site``.

        :returns: where it is, for a person.
        """
        sites = self._read()
        if _into_keyring(site, token):
            sites[site] = {"kept_in": KEYRING}
            place = "the keyring"
        else:
            sites[site] = {"kept_in": "file", "token": token}
            place = f"{self.path}, which only you can read"
        write_private(self.path, sites)
        return place

    def remove(self, site: str) -> bool:
        """The token for ``site`` is forgotten; False when there was none."""
        sites = self._read()
        kept = sites.pop(site, None)
        if kept is None:
            return False
        if kept.get("kept_in") == KEYRING:
            _out_of_keyring(site)
        write_private(self.path, sites)
        return True

    def _read(self) -> dict[str, dict[str, Any]]:
        if os.name == "posix" and self.path.exists():
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if mode & 0o077:
                raise UsageError(
                    f"Others can read {self.path}, and with it your tokens. Make new "
                    f"tokens if you are not alone there, then: chmod 600 {self.path}"
                )
        data = read_private(self.path)
        return data if isinstance(data, dict) else {}


def find_token(base_url: str, store: TokenStore) -> str:
    """The token for a server: from the environment, or as ``login`` has kept it.

    With an address in the environment as well, the token there is for that
    server only.

    :raises UsageError: when there is none.
    """
    site = site_of(base_url)
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    meant = os.environ.get(URL_VARIABLE, "").strip()
    if token and (not meant or site_of(meant) == site):
        return check_token(token)
    kept = store.get(site)
    if kept:
        return kept
    raise UsageError(
        f"There is no access token for {site}. Make one on its page "
        f"{site}/account/settings/applications/ and run: login {site} "
        f"(or set {TOKEN_VARIABLE})."
    )


def default_url(store: TokenStore) -> str:
    """The server that is meant when none is named.

    :raises UsageError: when there is none, or more than one.
    """
    named = os.environ.get(URL_VARIABLE, "").strip()
    if named:
        return named
    sites = store.sites()
    if len(sites) == 1:
        return sites[0]
    reason = f"you are logged in to {', '.join(sites)}" if sites else "none is known"
    raise UsageError(f"Which server? Give --url (or set {URL_VARIABLE}); {reason}.")


def _keyring() -> Any:
    try:
        return import_module("keyring")
    except ImportError:
        return None


def _from_keyring(site: str) -> str | None:
    keyring = _keyring()
    try:
        found = keyring.get_password(NAME, site) if keyring else None
    except Exception as error:
        # Its backends raise what they like.
        raise UsageError(f"The keyring does not answer: {error}") from error
    return str(found) if found else None


def _into_keyring(site: str, token: str) -> bool:
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(NAME, site, token)
        return bool(keyring.get_password(NAME, site) == token)
    except Exception:  # noqa: BLE001 - no usable backend: then it is the file
        return False


def _out_of_keyring(site: str) -> None:
    keyring = _keyring()
    try:
        if keyring:
            keyring.delete_password(NAME, site)
    except Exception as error:
        raise UsageError(f"The keyring does not answer: {error}") from error
