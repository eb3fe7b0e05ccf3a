# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tokens, and which draft on which server is meant."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest

from invenio_multipart.client import UsageError
from invenio_multipart.client.cli.address import Target, target_of
from invenio_multipart.client.credentials import (
    TOKEN_VARIABLE,
    URL_VARIABLE,
    TokenStore,
    check_token,
    default_url,
    find_token,
    site_of,
)

SITE = "https://repository.example.org"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the tester's tokens nor the tester's keyring."""
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    """An empty store."""
    return TokenStore(tmp_path / "config")


def fake_keyring(*, broken: bool = False) -> ModuleType:
    """A keyring as the package of that name is called."""
    kept: dict[tuple[str, str], str] = {}
    module = ModuleType("keyring")

    def put(service: str, name: str, value: str) -> None:
        if broken:
            raise RuntimeError("No backend.")
        kept[service, name] = value

    def get(service: str, name: str) -> str | None:
        return kept.get((service, name))

    def remove(service: str, name: str) -> None:
        del kept[service, name]

    members = {"set_password": put, "get_password": get, "delete_password": remove}
    vars(module).update(members, kept=kept)
    return module


@pytest.mark.parametrize(
    ("text", "site", "identifier"),
    [
        (f"{SITE}/uploads/abcde-12345", SITE, "abcde-12345"),
        (f"{SITE}/uploads/abcde-12345?preview=1#files", SITE, "abcde-12345"),
        (f"{SITE}/records/abcde-12345", SITE, "abcde-12345"),
        (f"{SITE}/records/abcde-12345/preview/a.nc", SITE, "abcde-12345"),
        (f"{SITE}/api/records/abcde-12345/draft/files", SITE, "abcde-12345"),
        (f"{SITE}:443/uploads/42", SITE, "42"),
        (f"{SITE}:8443/uploads/42/", f"{SITE}:8443", "42"),
        (f"{SITE}/data/uploads/42", f"{SITE}/data", "42"),
        (f"{SITE}/data/api/records/42", f"{SITE}/data", "42"),
        ("http://[::1]:5000/uploads/42", "http://[::1]:5000", "42"),
        ("HTTPS://Repository.Example.ORG/uploads/42", SITE, "42"),
    ],
)
def test_addresses_out_of_a_browser(
    store: TokenStore, text: str, site: str, identifier: str
) -> None:
    """Whatever is in the address bar names the draft and its server."""
    assert target_of(text, None, store) == Target(site, identifier)


@pytest.mark.parametrize(
    "text",
    [
        SITE,
        f"{SITE}/uploads/",
        f"{SITE}/uploads/new",
        f"{SITE}/me/uploads",
        f"{SITE}/api/uploads/5f3a0733-c124-4e2d-b5e0-5ce0c4e0e473",
        f"{SITE}/uploads/%2e%2e",
        "ftp://repository.example.org/uploads/42",
        "https://user:secret@repository.example.org/uploads/42",
        "https://[::1/uploads/42",
        "../42",
        "",
    ],
)
def test_addresses_of_no_draft(store: TokenStore, text: str) -> None:
    """What names no draft is refused before anything is asked for."""
    with pytest.raises(UsageError) as caught:
        target_of(text, SITE, store)
    assert "secret" not in caught.value.message or "user:secret@" in text


def test_an_identifier_needs_a_server(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, or in the environment, or the only one that is known."""
    with pytest.raises(UsageError, match="Which server"):
        target_of("42", None, store)
    store.put("https://one.example.org", "token-1")
    assert target_of("42", None, store).site == "https://one.example.org"
    store.put("https://two.example.org", "token-2")
    with pytest.raises(UsageError, match=r"one\.example\.org, https://two"):
        default_url(store)
    monkeypatch.setenv(URL_VARIABLE, f"{SITE}/api")
    assert target_of("42", None, store) == Target(SITE, "42")
    assert target_of("42", "https://two.example.org", store).site[8:11] == "two"


def test_without_a_keyring_the_file_is_private(store: TokenStore) -> None:
    """Only its owner can read the file, and the folder that it is in."""
    place = store.put(SITE, "secret-token")

    assert str(store.path) in place
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert store.get(SITE) == "secret-token"
    assert store.get("https://other.example.org") is None
    assert store.remove(SITE)
    assert not store.remove(SITE)
    assert "secret-token" not in store.path.read_text()
    assert [path.name for path in store.path.parent.iterdir()] == ["tokens.json"]


def test_a_file_that_others_can_read_is_refused(store: TokenStore) -> None:
    """Its tokens may be known by now."""
    store.put(SITE, "secret-token")
    store.path.chmod(0o644)

    with pytest.raises(UsageError, match="chmod 600"):
        store.get(SITE)


def test_a_damaged_file_is_named(store: TokenStore) -> None:
    """It is not written over, as it may hold tokens."""
    store.put(SITE, "secret-token")
    store.path.write_text("{")

    with pytest.raises(UsageError, match="damaged"):
        store.put(SITE, "another")


def test_the_keyring_keeps_the_token(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file then only says that there is one."""
    keyring = fake_keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)

    assert store.put(SITE, "secret-token") == "the keyring"

    assert "secret-token" not in store.path.read_text()
    assert json.loads(store.path.read_text())[SITE] == {"kept_in": "keyring"}
    assert store.get(SITE) == "secret-token"
    assert store.remove(SITE)
    assert keyring.kept == {}


def test_a_keyring_that_does_not_work(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without a desktop the file takes over."""
    monkeypatch.setitem(sys.modules, "keyring", fake_keyring(broken=True))

    assert str(store.path) in store.put(SITE, "secret-token")
    assert store.get(SITE) == "secret-token"


def test_the_environment_comes_first(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But with an address beside it, for that server only."""
    store.put(SITE, "kept")
    assert find_token(f"{SITE}/api/", store) == "kept"
    monkeypatch.setenv(TOKEN_VARIABLE, "from-outside\n")
    assert find_token(SITE, store) == "from-outside"
    assert find_token("https://other.example.org", store) == "from-outside"
    monkeypatch.setenv(URL_VARIABLE, "https://other.example.org/")
    assert find_token(SITE, store) == "kept"
    with pytest.raises(UsageError, match=r"login https://third\.example\.org"):
        find_token("https://third.example.org", store)


@pytest.mark.parametrize("token", ["", " ", "a b", "a\tb", "naïve", "a\x00b"])
def test_tokens_that_are_none(token: str) -> None:
    """What no server can have given out is refused without asking one."""
    with pytest.raises(UsageError):
        check_token(token)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://Example.org/", "https://example.org"),
        ("https://example.org/api", "https://example.org"),
        ("https://example.org:443/data/api/", "https://example.org/data"),
        ("http://127.0.0.1:5000/api", "http://127.0.0.1:5000"),
    ],
)
def test_a_server_has_one_name(url: str, site: str) -> None:
    """However it is written, the token is found."""
    assert site_of(url) == site
    assert site_of(site) == site
