# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which file keys are taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.keys import MAX_KEY_BYTES, check_key
from invenio_multipart.errors import InvalidKey


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "a/b/c.nc",
        "..a",
        "a..",
        "a/...",
        ".hidden",
        "with space.txt",
        "ümläut/日本語/𝛂.txt",
        "a+b~c*d'(e)!&$,;=:@%41",
        "C:\\data\\file.txt",
        "x" * MAX_KEY_BYTES,
    ],
)
def test_keys_are_kept(key):
    """Directories, odd characters and every script are taken as they are."""
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "a/./b",
        "..\\a",
        "a\\..\\b",
        "a/..\\b",
        "a//b",
        "a/",
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "a\x85b",
        "\ud800",
        "x" * (MAX_KEY_BYTES + 1),
        "é" * (MAX_KEY_BYTES // 2 + 1),
    ],
)
def test_unsafe_keys_are_refused(key):
    """What could climb, collide, break a header or not be stored is refused."""
    with pytest.raises(InvalidKey) as caught:
        check_key(key)
    assert caught.value.field == "key"


@given(st.text(max_size=60) | st.text("./\\a", max_size=8))
def test_any_text(key):
    """Whatever is taken stays below its folder however a client reads it."""
    try:
        check_key(key)
    except InvalidKey:
        return
    for separated in (key.split("/"), key.replace("\\", "/").split("/")):
        assert not {".", ".."} & set(separated)
    assert all(key.split("/"))
    assert len(key.encode()) <= MAX_KEY_BYTES
