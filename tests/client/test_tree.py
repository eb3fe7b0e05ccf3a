# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Which files of a folder are found, under which names."""

from __future__ import annotations

import io
import os
import re
import socket
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.client import ManyOptions, Named, Notice, Stdin, UsageError
from invenio_multipart.client.ignore import Ignore, parse_pattern
from invenio_multipart.client.many import Source
from invenio_multipart.client.tree import Found, Tree

from .trees import make_tree


def look(
    *sources: Source, notices: list[Notice] | None = None, **options: object
) -> dict[str, Found]:
    """What is found, by key."""
    heard = [] if notices is None else notices
    tree = Tree(ManyOptions(**options), heard.append)  # type: ignore[arg-type]
    return {found.key: found for found in tree.find(sources)}


def test_names_of_a_folder(tmp_path: Path) -> None:
    """A folder keeps its name; with a slash at its end, only what is in it counts."""
    make_tree(tmp_path / "in", {"a": 1, "b/c": 2, "b/.hidden": 3})
    assert set(look(tmp_path / "in")) == {"in/a", "in/b/c", "in/b/.hidden"}
    found = look(f"{tmp_path}/in/")
    assert {key: f.size_bytes for key, f in found.items()} == {
        "a": 1,
        "b/c": 2,
        "b/.hidden": 3,
    }
    assert set(look(tmp_path / "in" / "b" / "c")) == {"c"}


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dot means what is in the folder one is in, and so do two."""
    make_tree(tmp_path, {"x/a": 1})
    monkeypatch.chdir(tmp_path / "x")
    assert set(look(".")) == set(look("./")) == {"a"}
    assert set(look("..")) == {"x/a"}


def test_folder_in_the_draft(tmp_path: Path) -> None:
    """Everything can go below a folder of the draft; slashes around it are its."""
    make_tree(tmp_path / "in", {"a": 1, "b/c": 2})
    assert set(look(f"{tmp_path}/in/", prefix="/2026/run 1/")) == {
        "2026/run 1/a",
        "2026/run 1/b/c",
    }


def test_one_file_under_a_name(tmp_path: Path) -> None:
    """A name given counts, and is for a file only."""
    make_tree(tmp_path, {"a": 1})
    assert set(look(Named(tmp_path / "a", "x/y.dat"))) == {"x/y.dat"}
    with pytest.raises(UsageError, match="regular file"):
        look(Named(tmp_path, "x"))


def test_files_before_folders_in_order(tmp_path: Path) -> None:
    """The order does not depend on the disk."""
    make_tree(tmp_path, {"b/z": 1, "b/a/x": 1, "a": 1, "c": 1})
    assert list(look(f"{tmp_path}/")) == ["a", "c", "b/z", "b/a/x"]


def test_odd_names(tmp_path: Path) -> None:
    """Spaces and letters of all kinds are kept; what no draft takes is named."""
    good = ["a b", "ü ñ 漢", "e\u0301", "#?%&+", "'\"$`", "-rf", "~"]
    make_tree(tmp_path, dict.fromkeys(good, 1))
    (tmp_path / "new\nline").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")).write_bytes(b"x")
    found = look(f"{tmp_path}/")
    assert {key for key, f in found.items() if f.problem is None} == set(good)
    bad = {key: f.code for key, f in found.items() if f.problem}
    assert bad == {"new\nline": "invalid_key", "bad\\udcff": "invalid_key"}


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """Pipes and sockets are left out, and so are links to nothing."""
    make_tree(tmp_path, {"a": 1})
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        notices: list[Notice] = []
        assert set(look(f"{tmp_path}/", notices=notices)) == {"a"}
    codes = sorted(notice.code for notice in notices)
    assert codes == ["broken_symlink", "not_a_file", "not_a_file"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    """Files come by links as by their own names; a link upwards is left out."""
    make_tree(tmp_path / "in", {"a": 1, "sub/b": 2})
    make_tree(tmp_path / "other", {"c": 3})
    (tmp_path / "in" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "in" / "file").symlink_to("a")
    (tmp_path / "in" / "sub" / "up").symlink_to("..")
    (tmp_path / "other" / "self").symlink_to(".")
    (tmp_path / "other" / "back").symlink_to(tmp_path / "in")
    notices: list[Notice] = []
    found = look(tmp_path / "in", notices=notices)
    assert set(found) == {"in/a", "in/sub/b", "in/link/c", "in/file"}
    assert {notice.code for notice in notices} == {"symlink_loop"}
    assert len(notices) == 3


def test_links_may_be_left_or_refused(tmp_path: Path) -> None:
    """But what was named itself is meant."""
    make_tree(tmp_path / "in", {"a": 1})
    (tmp_path / "in" / "link").symlink_to("a")
    (tmp_path / "named").symlink_to("in")
    notices: list[Notice] = []
    found = look(tmp_path / "named", notices=notices, symlinks="skip")
    assert set(found) == {"named/a"}
    assert [notice.code for notice in notices] == ["symlink"]
    with pytest.raises(UsageError, match="symbolic link"):
        look(tmp_path / "in", symlinks="refuse")
    with pytest.raises(UsageError, match="follow, skip, refuse"):
        look(tmp_path / "in", symlinks="maybe")


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """They cannot both be in the draft; one file named twice is one file."""
    make_tree(tmp_path, {"x/a": 1, "y/a": 1})
    with pytest.raises(UsageError, match="Two files would be 'a'"):
        look(f"{tmp_path}/x/", f"{tmp_path}/y/")
    assert set(look(f"{tmp_path}/x/", f"{tmp_path}/x/")) == {"a"}


@pytest.mark.parametrize("sources", [[], ["/nowhere/at all"]])
def test_nothing_to_upload(sources: list[str]) -> None:
    """Said at once."""
    with pytest.raises(UsageError):
        look(*sources)


def test_a_folder_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named as failed; the rest is found."""
    make_tree(tmp_path, {"a": 1, "closed/b": 1})
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = look(f"{tmp_path}/")
    assert found["a"].problem is None
    assert found["closed/"].code == "unreadable"


def test_standard_input(tmp_path: Path) -> None:
    """It is kept in a file until it is sent, and that file removed."""
    tree = Tree(ManyOptions(prefix="p"), lambda _: None, io.BytesIO(b"x" * 3_000_000))
    (found,) = tree.find([Stdin("in/data.bin")])
    assert (found.key, found.size_bytes) == ("p/in/data.bin", 3_000_000)
    assert Path(found.path).read_bytes() == b"x" * 3_000_000
    tree.close()
    assert not Path(found.path).exists()


def test_ignore_file_of_a_folder(tmp_path: Path) -> None:
    """It holds from its folder downwards, and nearer ones have the last word."""
    files = ["a.tmp", "a.dat", "sub/a.tmp", "sub/keep.tmp", "sub/x/y.log", "b/sub/z"]
    make_tree(tmp_path / "in", dict.fromkeys(files, 1))
    (tmp_path / "in" / ".uploadignore").write_text("*.tmp\n# no\n\n/sub/x/\n")
    (tmp_path / "in" / "sub" / ".uploadignore").write_text("!keep.tmp\n")
    found = set(look(tmp_path / "in"))
    assert found == {"in/a.dat", "in/sub/keep.tmp", "in/b/sub/z"}


@pytest.mark.parametrize(
    ("pattern", "ignored", "taken"),
    [
        ("*.log", ["a.log", "x/y/a.log", ".log"], ["a.log.gz", "alog"]),
        ("/a.log", ["a.log"], ["x/a.log"]),
        ("x/a", ["x/a"], ["y/x/a", "x/b/a"]),
        ("x/*", ["x/a", "x/b"], ["x/a/b", "y/x/a"]),
        ("x/**", ["x/a", "x/a/b"], ["x", "y/x/a"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["ax"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "x/a/b"]),
        ("a?c", ["abc", "x/a.c"], ["ac", "a/c", "abbc"]),
        ("[a-c]1", ["a1", "c1"], ["d1", "a2"]),
        ("[!a-c]1", ["d1"], ["a1"]),
        ("[^a]", ["b"], ["a"]),
        ("[]]x", ["]x"], ["ax"]),
        ("[z-a]", [], ["z", "a"]),
        ("[ab", ["[ab"], ["a"]),
        ("[a&&b~^]", ["&", "^", "~"], ["c"]),
        (r"\#a", ["#a"], ["a"]),
        (r"\!a", ["!a"], ["a"]),
        (r"a\*", ["a*"], ["ab"]),
        ("a\\ ", ["a "], ["a"]),
        ("a   ", ["a"], ["a   "]),
        ("ü(.+", ["ü(.+"], ["ü(xx"]),
    ],
)
def test_patterns(pattern: str, ignored: Sequence[str], taken: Sequence[str]) -> None:
    """As git reads them."""
    ignore = Ignore([pattern])
    assert [p for p in ignored if not ignore.verdict(p, is_folder=False)] == []
    assert [p for p in taken if ignore.verdict(p, is_folder=False)] == []


def test_patterns_for_folders(tmp_path: Path) -> None:
    """A slash at the end means folders only, and all that is in them."""
    make_tree(tmp_path, {"build/a": 1, "x/build/b/c": 1, "y/build": 1})
    assert set(look(f"{tmp_path}/", ignore=("build/",))) == {"y/build"}


def test_the_last_pattern_decides() -> None:
    """So a file is taken back, and left out again."""
    ignore = Ignore(["*.dat", "!a.dat", "x/a.dat"])
    said = [ignore.verdict(p, is_folder=False) for p in ("b.dat", "a.dat", "x/a.dat")]
    assert said == [True, False, True]
    assert ignore.verdict("other", is_folder=False) is None


@pytest.mark.parametrize("line", ["", "   ", "# all", "/", "!", "!/", "\n"])
def test_lines_that_say_nothing(line: str) -> None:
    """Empty lines and comments."""
    assert parse_pattern(line) is None


NAMES = st.text("ab.", min_size=1, max_size=4)


@given(
    st.lists(NAMES, min_size=1, max_size=3),
    st.text("ab.*?", min_size=1, max_size=5).filter(lambda p: "**" not in p),
)
def test_patterns_of_names_against_a_model(names: list[str], pattern: str) -> None:
    """A pattern without a slash is about the last name, as a shell reads it."""
    verdict = Ignore([pattern]).verdict("/".join(names), is_folder=False)
    assert bool(verdict) == fnmatchcase(names[-1], pattern)


@given(
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(st.sampled_from(["a", "b.", "*", "?", "**"]), min_size=2, max_size=4),
)
def test_patterns_of_paths_against_a_model(names: list[str], wanted: list[str]) -> None:
    """A pattern with slashes is about the whole path, name by name."""

    def fits(names: list[str], wanted: list[str]) -> bool:
        if not wanted:
            return not names
        if wanted[0] == "**":
            if len(wanted) == 1:
                return bool(names)
            return any(fits(names[n:], wanted[1:]) for n in range(len(names) + 1))
        return (
            bool(names)
            and fnmatchcase(names[0], wanted[0])
            and fits(names[1:], wanted[1:])
        )

    verdict = Ignore(["/".join(wanted)]).verdict("/".join(names), is_folder=False)
    assert bool(verdict) == fits(names, wanted)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_line_is_a_pattern(line: str, path: str) -> None:
    """Whatever stands in the file, nothing breaks."""
    try:
        Ignore([line]).verdict(path, is_folder=True)
    except re.error as error:  # pragma: no cover - what this test looks for
        raise AssertionError(line) from error
