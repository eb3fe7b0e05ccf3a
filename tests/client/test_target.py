# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""No key of a record writes anything outside of the folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.client.download import Downloader
from invenio_multipart.client.errors import (
    DiskError,
    PartialDownloadError,
    TargetError,
)
from invenio_multipart.client.part_file import NAME_BYTES, PartFile, part_name
from invenio_multipart.client.target import Folder, safe_names

from .conftest import QUICK
from .content_server import RECORD
from .test_download import files_in, store  # noqa: F401 - a fixture

SEGMENTS = st.one_of(
    st.sampled_from(
        ["..", ".", "", "C:", "c:x", "a", "/", "\\", "..\\..", "\x00", "~"]
    ),
    st.text(max_size=8),
)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)


@given(KEYS)
def test_no_key_leaves_the_folder(key: str) -> None:
    """Whatever a server calls its files, they are below the folder, or refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name) / "inner")
        folder.make()
        try:
            path = folder.path_of(key)
        except TargetError:
            return
        inner = os.path.realpath(folder.path)
        assert os.path.realpath(path).startswith(f"{inner}{os.sep}")
        assert path.relative_to(folder.path).as_posix() == key
        assert ".." not in path.parts


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        "./a",
        "C:/x",
        "c:x",
        "a\nb",
    ],
)
def test_unsafe_keys(key: str) -> None:
    """Keys that would leave the folder, or trick a terminal, are refused."""
    with pytest.raises(TargetError):
        safe_names(key)


@pytest.mark.parametrize(
    "key", ["a\\b", "a/con", "nul.txt", "ab:stream", "what?", "dot.", "space /x"]
)
def test_keys_with_a_meaning_on_windows(key: str) -> None:
    """What means something else on Windows is refused there, and only there."""
    assert safe_names(key, windows=False) == key.split("/")
    with pytest.raises(TargetError):
        safe_names(key, windows=True)


def test_link_out_of_the_folder(tmp_path: Path) -> None:
    """A symbolic link below the folder is followed only to places below it."""
    folder = Folder(tmp_path / "in")
    folder.make()
    (tmp_path / "out").mkdir()
    (tmp_path / "in/deep").mkdir()
    (tmp_path / "in/away").symlink_to(tmp_path / "out")
    (tmp_path / "in/near").symlink_to("deep")

    with pytest.raises(TargetError, match="outside"):
        folder.path_of("away/a.bin")
    folder.make_parents(folder.path_of("near/new/a.bin"))
    assert (tmp_path / "in/deep/new").is_dir()
    assert not list((tmp_path / "out").iterdir())


def test_link_in_the_place_of_a_file(store, tmp_path: Path) -> None:  # noqa: F811
    """A link that has a file's name is replaced, when asked for, never written to."""
    store.put("a.bin", b"new")
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.bin").symlink_to(outside)
    part = part_name("a.bin", 3, store.entries["a.bin"]["checksum"])
    downloader = Downloader(store.base_url, policy=QUICK)

    with pytest.raises(PartialDownloadError):
        downloader.download(RECORD, tmp_path / "in")
    downloader.download(RECORD, tmp_path / "in", overwrite=True)
    (tmp_path / "in/a.bin").unlink()
    (tmp_path / "in" / part).symlink_to(outside)
    with pytest.raises(PartialDownloadError):
        downloader.download(RECORD, tmp_path / "in")

    assert outside.read_bytes() == b"precious"


def test_unsafe_names_of_a_record(store, tmp_path: Path) -> None:  # noqa: F811
    """Files with such names fail one by one; the others arrive."""
    for key in ("../up.bin", "/abs.bin", "x\ny", "good.bin", "a", "a/b", "n" * 300):
        store.put(key, b"x")
    # By itself this one would be fine.
    store.put("dir", b"x")
    (tmp_path / "in/dir").mkdir(parents=True)

    with pytest.raises(PartialDownloadError) as caught:
        Downloader(store.base_url, jobs=1, policy=QUICK).download(
            RECORD, tmp_path / "in"
        )

    codes = {result.key: result.code for result in caught.value.results}
    assert codes == {
        "../up.bin": "unsafe_key",
        "/abs.bin": "unsafe_key",
        "x\ny": "unsafe_key",
        # Its folder was made for the other one first.
        "a": "path_conflict",
        "n" * 300: "name_too_long",
        "dir": "path_conflict",
    }
    # What came of it is kept for a run that finds its place free.
    kept = "in/" + part_name("a", 1, store.entries["a"]["checksum"])
    assert set(files_in(tmp_path)) == {"in/good.bin", "in/a/b", kept}


def test_folder_that_is_a_file(store, tmp_path: Path) -> None:  # noqa: F811
    """A target that is no folder is told before anything is asked for."""
    store.put("a.bin", b"x")
    (tmp_path / "file").write_bytes(b"mine")

    with pytest.raises(DiskError, match="file"):
        Downloader(store.base_url, policy=QUICK).download(RECORD, tmp_path / "file")

    assert not store.requests("storage")


def test_folder_that_is_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder one may not write to is told at the start."""
    # Tests may run as an account that may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(DiskError, match="not writable"):
        Folder(tmp_path).make()


@given(st.text(min_size=1, max_size=300), st.integers(0), st.none() | st.text())
def test_names_of_unfinished_files(name: str, size: int, checksum: str | None) -> None:
    """They are never too long, and other ones for other bytes."""
    if "\ud800" <= max(name) <= "\udfff":
        return
    part = part_name(name, size, checksum)
    assert len(os.fsencode(part)) <= NAME_BYTES
    assert part == part_name(name, size, checksum)
    assert part != part_name(name, size + 1, checksum)


def test_name_given_while_another_waited(tmp_path: Path) -> None:
    """A file that got its name meanwhile is not taken for the unfinished one."""
    first = PartFile(tmp_path / "a.bin", "a.part")
    first.write(memoryview(b"whole"))
    first.finish(overwrite=False)

    second = PartFile(tmp_path / "a.bin", "a.part")
    second.write(memoryview(b"x"))
    with pytest.raises(TargetError, match="is there already"):
        second.finish(overwrite=False)
    second.discard()

    assert files_in(tmp_path) == {"a.bin": b"whole"}


def test_nothing_but_regular_files(tmp_path: Path) -> None:
    """What is no regular file is not written to."""
    os.mkfifo(tmp_path / "a.part")

    with pytest.raises(TargetError, match="regular"):
        PartFile(tmp_path / "a.bin", "a.part")
