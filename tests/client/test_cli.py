# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The command line: what a person or a script sees of an upload."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from invenio_multipart import __version__
from invenio_multipart.client import RetryPolicy, Uploader
from invenio_multipart.client.cli import connect, main, outcome
from invenio_multipart.client.credentials import TOKEN_VARIABLE
from invenio_multipart.client.text import cells

from .batch_server import BatchServer
from .commands import Commands, first_event, home, until
from .conftest import QUICK
from .trees import make_tree, many
from .wire_server import DRAFT, TOKEN, Fault

__all__ = ("home",)

MIB = 2**20


@pytest.fixture
def server() -> Iterator[BatchServer]:
    """An API and a storage server of its own for each test."""
    world = BatchServer()
    yield world
    world.stop()


@pytest.fixture
def commands(home: Path) -> Commands:
    """The program, with the token in its environment."""
    return Commands(home, TOKEN)


def where(server: BatchServer) -> list[str]:
    """The draft as a browser shows it."""
    return ["--to", f"{server.base_url}/uploads/{DRAFT}"]


@pytest.fixture
def quick(
    server: BatchServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """The command line in this process, with short pauses."""
    hasty = partial(RetryPolicy, attempts=4, base_seconds=0.01, cap_seconds=0.02)
    monkeypatch.setattr(connect, "RetryPolicy", hasty)
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    def run(*words: str) -> int:
        return main(["upload", *words, *where(server)])

    return run


def test_a_folder_without_any_package_installed(
    server: BatchServer, commands: Commands
) -> None:
    """The standard library is enough; a person is told what was done."""
    contents = make_tree(commands.home / "data", many(30) | {"empty": 0})

    ended = commands.run("upload", "data/", *where(server), bare=True)

    assert ended.code == 0, ended.err
    assert server.contents() == contents
    lines = ended.out.splitlines()
    assert lines[0] == "Complete: 31 of 31 files, 29.3 KiB in all"
    assert lines[1].startswith("  sent    31 files, 29.3 KiB in ")
    assert lines[-1] == f"{server.base_url}/uploads/{DRAFT}"
    assert "\r" not in ended.err
    assert "\x1b" not in ended.err

    again = commands.run("upload", "data/", *where(server))
    assert again.out.splitlines()[1] == "  kept    31 files that were there"


def test_one_file_under_another_name(server: BatchServer, commands: Commands) -> None:
    """Of a single file both digests are shown."""
    contents = make_tree(commands.home, {"a.bin": 1000})

    ended = commands.run("upload", "a.bin", *where(server), "--key", "x y/b.bin")

    assert ended.code == 0, ended.err
    assert server.contents() == {"x y/b.bin": contents["a.bin"]}
    md5, sha256 = ended.out.splitlines()[-2:]
    assert len(md5.removeprefix("md5 ")) == 32
    assert len(sha256.removeprefix("sha256 ")) == 64


def test_standard_input(server: BatchServer, commands: Commands) -> None:
    """What another program writes becomes a file."""
    ended = commands.run(
        "upload", "-", *where(server), "--key", "notes.txt", stdin="Some notes.\n"
    )

    assert ended.code == 0, ended.err
    assert server.contents() == {"notes.txt": b"Some notes.\n"}
    assert commands.run("resume").out == "There is nothing to go on with.\n"


def test_events(server: BatchServer, commands: Commands) -> None:
    """A program gets one event per line, and the same summary in a file."""
    make_tree(commands.home / "data", {"a": 5, "b/c": 6})
    options = ["--json", "--summary", "summary.json"]

    ended = commands.run("upload", "data", *where(server), *options)

    assert ended.code == 0, ended.err
    assert ended.err == ""
    events = ended.events
    assert all(event["time"].endswith("Z") for event in events)
    start, *_, done = events
    assert start["event"] == "start"
    assert start["draft_id"] == DRAFT
    assert start["url"] == f"{server.base_url}/uploads/{DRAFT}"
    assert start["run"] == 1
    files = {event["key"]: event for event in events if event["event"] == "file"}
    assert set(files) == {"data/a", "data/b/c"}
    assert {file["outcome"] for file in files.values()} == {"sent"}
    progress = [event for event in events if event["event"] == "progress"]
    phases = [event["phase"] for event in progress]
    assert phases[0] == "scanning"
    assert phases[-1] == "completed"
    assert progress[-1]["done_bytes"] == progress[-1]["size_bytes"] == 11
    assert (done["event"], done["exit_code"], done["sent"]) == ("done", 0, 2)
    summary = json.loads((commands.home / "summary.json").read_text())
    assert summary.items() <= done.items()


def test_a_dry_run_changes_nothing(server: BatchServer, commands: Commands) -> None:
    """What would be sent is listed; nothing is, and nothing is remembered."""
    make_tree(commands.home / "data", {"a.txt": 5, "b.tmp": 5, "c/d.txt": 2000})
    options = ["--dry-run", "--ignore", "*.tmp"]

    ended = commands.run("upload", "data/", *where(server), *options)

    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "      5 B  a.txt",
        "  2.0 KiB  c/d.txt",
        "2 files would be sent.",
    ]
    assert not server.requests("storage")
    assert {seen.method for seen in server.seen} == {"GET"}
    assert not (commands.home / ".local").exists()


def test_a_new_draft_that_is_published(server: BatchServer, commands: Commands) -> None:
    """The draft is named at once; in the end it is the record's page that is."""
    make_tree(commands.home, {"a.txt": 5})
    new = ["--new", "--title", "T", "--url", server.base_url, "--publish"]

    ended = commands.run("upload", "a.txt", *new)

    assert ended.code == 0, ended.err
    assert f"New draft: {server.base_url}/uploads/{DRAFT}" in ended.err
    assert server.published
    assert ended.out.startswith("Published: 1 of 1 file, 5 B in all\n")
    assert f"{server.base_url}/records/{DRAFT}\n" in ended.out
    (made,) = server.requests("api", "POST", "/api/records")
    assert json.loads(made.body)["metadata"]["title"] == "T"


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["ctrl-c", "terminated", "hung-up"],
)
def test_an_interrupted_run_goes_on(
    server: BatchServer, commands: Commands, sent: signal.Signals, code: int
) -> None:
    """However it is asked to end, it does so soon, and says how to go on."""
    make_tree(commands.home / "data", many(20))
    server.fail("put-d001/f0019.dat", Fault("wait"))
    # What nohup has told us to ignore, our children would ignore, too.
    before = signal.signal(sent, signal.SIG_DFL)
    process = commands.start("upload", "data/", *where(server), "--quiet")
    signal.signal(sent, before)
    until(lambda: sum(server.puts().values()) == 20)

    process.send_signal(sent)
    out, err = process.communicate(timeout=20)

    assert process.returncode == code
    assert out == ""
    assert err.startswith("Interrupted. 19 of 20 files are there. To go on, run the")
    assert "resume 1. What has arrived is not sent again." in err
    assert "Traceback" not in err
    shown = commands.run("resume").out
    assert "interrupted" in shown
    assert "resume 1" in shown
    server.released.set()
    server.seen.clear()
    again = commands.run("resume", "1")
    assert again.code == 0, again.err
    assert len(server.contents()) == 20
    assert set(server.puts()) <= {"d001/f0019.dat"}
    assert commands.run("resume").out == "There is nothing to go on with.\n"


def interrupt_at_thread(nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C as the main thread starts its nth one from now on."""
    begun = itertools.count(1)
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if threading.current_thread() is threading.main_thread() and next(begun) == nth:
            raise KeyboardInterrupt
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)


@pytest.mark.parametrize("nth", range(1, 9))
def test_interrupted_while_threads_begin(
    quick: Callable[..., int], home: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """Ctrl-C counts at any moment, also when half of the threads are there."""
    make_tree(home / "data", many(20))
    interrupt_at_thread(nth, monkeypatch)

    assert quick(f"{home}/data/") == 130


@pytest.mark.parametrize("nth", range(1, 9))
def test_large_file_interrupted_while_threads_begin(
    server: BatchServer, home: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """So it does where a file is sent in parts."""
    make_tree(home, {"a": 500_000})
    interrupt_at_thread(nth, monkeypatch)

    with pytest.raises(KeyboardInterrupt):
        Uploader(server.base_url, TOKEN, policy=QUICK).upload(DRAFT, home / "a")


def test_a_killed_run_can_be_found_again(
    server: BatchServer, commands: Commands, tmp_path: Path
) -> None:
    """Whoever forgot the command finds it; it runs where it was started."""
    make_tree(commands.home / "data", {"a": 5})
    server.fail("put-a", Fault("wait"))
    process = commands.start("upload", "data/", *where(server), "--quiet")
    assert server.waiting.acquire(timeout=30)
    running = commands.run("resume", "1")
    assert running.code == 2
    assert "still running" in running.err
    process.kill()
    process.communicate()
    server.released.set()

    assert "dead" in commands.run("resume").out
    assert commands.run("resume", "1", cwd=tmp_path).code == 0
    assert set(server.contents()) == {"a"}


def test_files_that_fail_are_named(server: BatchServer, commands: Commands) -> None:
    """The others are there; the exit code says that not all are."""
    make_tree(commands.home / "data", {"good": 5, "bad": 6})
    server.add("bad", b"other bytes")

    ended = commands.run("upload", "data/", *where(server))

    assert ended.code == 1
    assert "failed: bad: " in ended.err
    assert ended.out.startswith("Not complete: 1 of 2 files")
    assert "\n  failed  1 file:\n    bad: " in ended.out
    with_json = commands.run("upload", "data/", *where(server), "--json")
    assert with_json.code == 1
    assert with_json.events[-1]["exit_code"] == 1
    failed = [event for event in with_json.events if event.get("outcome") == "failed"]
    assert [event["key"] for event in failed] == ["bad"]
    assert "partial" in commands.run("resume").out


@pytest.mark.parametrize(
    ("place", "fault", "code"),
    [
        pytest.param("draft", Fault("status", 403, "forbidden"), 3, id="refused"),
        pytest.param("draft", Fault("page"), 3, id="other-server"),
        pytest.param("draft", Fault("status", 503, "away"), 4, id="network"),
        pytest.param("put", Fault("status", 400, "BadDigest"), 5, id="integrity"),
    ],
)
def test_exit_codes(
    server: BatchServer,
    quick: Callable[..., int],
    home: Path,
    capsys: pytest.CaptureFixture[str],
    place: str,
    fault: Fault,
    code: int,
) -> None:
    """Each kind of failure has its own exit code, also of a single file."""
    make_tree(home, {"a.txt": 5})
    server.fail(place, *[fault] * 20)

    assert quick(str(home / "a.txt")) == code

    shown = capsys.readouterr()
    assert ("error: " in shown.err) != ("failed" in shown.out)


def test_a_refusal_says_what_to_do(
    server: BatchServer,
    quick: Callable[..., int],
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Below the reason stands what a person can do; a program gets it, too."""
    make_tree(home, {"a.txt": 5})
    server.fail("draft", *[Fault("status", 403, "access_denied")] * 2)

    assert quick(str(home / "a.txt")) == 3
    reason, advice = capsys.readouterr().err.splitlines()[-2:]
    assert reason == "error: No: access_denied."
    assert advice.startswith("       Is it your draft")
    assert quick(str(home / "a.txt"), "--json") == 3
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "error"
    assert last["exit_code"] == 3
    assert last["code"] == "access_denied"
    assert last["advice"] == advice.strip()


def test_a_server_that_is_away(
    quick: Callable[..., int], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All attempts are used up, and it says that it goes on from there."""
    make_tree(home, {"a.txt": 5})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [
        "upload",
        str(home / "a.txt"),
        "--to",
        f"http://127.0.0.1:{port}/uploads/1",
    ]

    assert main(words) == 4

    shown = capsys.readouterr().err
    assert "Gave up after 4 attempts" in shown
    # Whoever watches it wait is told why, and not every time.
    assert shown.count("Trying again.") == 1


@pytest.mark.parametrize(
    "options",
    [
        ["a.txt", "--jobs", "0"],
        ["a.txt", "--bandwidth", "-1"],
        ["a.txt", "--key", "../up"],
        ["a.txt", "b.txt", "--key", "c"],
        ["folder", "--key", "c"],
        ["absent.txt"],
        ["a\0.txt"],
        ["-"],
        ["-", "a.txt", "--key", "c"],
        ["-", "--key", "c", "--detach"],
        ["a.txt", "--dry-run", "--detach"],
        ["a.txt", "--symlinks", "perhaps"],
        ["a.txt", "--new"],
        ["a.txt", "--draft", "1"],
    ],
    ids=" ".join,
)
def test_wrong_usage(
    server: BatchServer,
    quick: Callable[..., int],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    """What cannot work is refused with exit code 2, before anything is sent."""
    make_tree(home, {"a.txt": 5, "b.txt": 5, "folder/c.txt": 5})
    monkeypatch.chdir(home)
    try:
        code = quick(*options)
    except SystemExit as error:
        code = int(error.code or 0)

    assert code == 2
    assert "error: " in capsys.readouterr().err
    assert not server.requests("storage")
    assert {seen.method for seen in server.seen} <= {"GET"}


def test_without_a_token(server: BatchServer, home: Path) -> None:
    """It says where to get one, and how to hand it over."""
    make_tree(home, {"a.txt": 5})

    ended = Commands(home, "").run("upload", "a.txt", *where(server))

    assert ended.code == 2
    assert f"login {server.base_url}" in ended.err
    assert not server.seen


def test_a_summary_that_cannot_be_written(
    server: BatchServer,
    quick: Callable[..., int],
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The upload counts, and the message says that it is over."""
    make_tree(home, {"a.txt": 5})

    assert quick(str(home / "a.txt"), "--summary", str(home / "absent" / "s")) == 2

    assert set(server.contents()) == {"a.txt"}
    assert "The upload is over" in capsys.readouterr().err


def test_a_home_that_cannot_be_written(server: BatchServer, commands: Commands) -> None:
    """The upload goes on; only it cannot be found by a number later."""
    make_tree(commands.home, {"a.txt": 5})
    (commands.home / ".local").write_text("no folder")

    ended = commands.run("upload", "a.txt", *where(server))
    detached = commands.run("upload", "a.txt", *where(server), "--detach")

    assert ended.code == 0, ended.err
    assert "cannot be remembered" in ended.err
    assert detached.code == 2


def test_what_is_kept_has_no_token(server: BatchServer, commands: Commands) -> None:
    """Nor can anybody else read it."""
    make_tree(commands.home, {"a.txt": 5})
    commands.run("upload", "a.txt", *where(server))

    kept = [path for path in commands.home.rglob("*.json") if path.is_file()]
    assert kept
    for path in kept:
        assert TOKEN not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("bare", [True, False], ids=["plain", "rich"])
@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal(
    server: BatchServer, commands: Commands, bare: bool, columns: int
) -> None:
    """Lines are drawn in place and never wrap, with rich and without."""
    pyte = pytest.importorskip("pyte")
    if not bare:
        pytest.importorskip("rich")
    names = {f"文件 {'x' * 200}{number}.nc": 200_000 for number in range(12)}
    make_tree(commands.home / "data", names)
    # Slow enough to be seen on a busy machine.
    options = ["--bandwidth", "500K"]

    code, shown = commands.on_terminal(
        "upload", "data/", *where(server), *options, columns=columns, bare=bare
    )

    assert code == 0, shown
    screen = pyte.HistoryScreen(columns, 24)
    stream = pyte.Stream(screen)
    seen = set()
    for start in range(0, len(shown), 10):
        stream.feed(shown[start : start + 10])
        seen.update(row.rstrip() for row in screen.display)
    rows = [row.rstrip() for row in screen.display]
    assert any("Uploading" in row and "%" in row for row in seen)
    assert any("/12 files" in row for row in seen)
    # What had wrapped would have pushed the picture down.
    assert sum(row.startswith("Complete ") for row in rows) == 1
    assert rows[0].startswith("Complete ")
    assert any(row.startswith("Complete: 12 of 12 files") for row in rows)
    assert all(cells(row) <= columns for row in seen)


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit codes are where a script's author looks for them."""
    with pytest.raises(SystemExit) as caught:
        main(["upload", "--help"])

    assert caught.value.code == 0
    shown = capsys.readouterr().out
    codes = {number for _, number in outcome.EXIT_CODES}
    for code in codes | {0, 129, outcome.INTERRUPTED, 143}:
        assert f"\n  {code:<3}  " in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package, by the command and by the usual option."""
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"invenio-multipart {__version__}\n"

    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"invenio-multipart {__version__}\n"


def test_events_begin_at_once(server: BatchServer, commands: Commands) -> None:
    """A program that reads along is told where it goes before it has gone there."""
    make_tree(commands.home, {"a.txt": 5})
    server.fail("put", Fault("wait"))
    process = commands.start("upload", "a.txt", *where(server), "--json")

    event = first_event(process, event="progress", phase="uploading")

    assert event["files"] == 1
    server.released.set()
    assert first_event(process, event="done")["exit_code"] == 0
    process.communicate(timeout=20)
