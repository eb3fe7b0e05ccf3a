# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The command line: what a person or a script sees of an upload."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from invenio_multipart.client import Progress, Uploader, cli
from invenio_multipart.client.progress import ProgressCounter
from invenio_multipart.client.terminal import ProgressDisplay, format_seconds

from .conftest import QUICK
from .wire_server import DRAFT, TOKEN, Fault, WireServer

KIB = 1024
MIB = 1024 * KIB
ROOT = Path(__file__).parents[2]
MakeFile = Callable[..., Path]


def command(server: WireServer, path: Path, *options: str) -> list[str]:
    """An upload command that runs without any installed package (-S)."""
    program = [sys.executable, "-S", "-m", "invenio_multipart.client", "upload"]
    where = ["--base-url", server.base_url, "--draft", DRAFT]
    return [*program, str(path), *where, *options]


def start(arguments: list[str], **options: object) -> subprocess.Popen[str]:
    """Run a command with the token in its environment."""
    environment = {**os.environ, cli.TOKEN_VARIABLE: TOKEN, "PYTHONPATH": str(ROOT)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    # Tests that run in the background of a shell inherit an ignored SIGINT.
    streams["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(arguments, text=True, env=environment, **streams)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def quick_cli(
    server: WireServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """The command line in this process, with short pauses."""
    monkeypatch.setattr(cli, "Uploader", partial(Uploader, policy=QUICK))
    monkeypatch.setenv(cli.TOKEN_VARIABLE, TOKEN)

    def run(path: Path, *options: str) -> int:
        where = ["--base-url", server.base_url, "--draft", DRAFT]
        return cli.main(["upload", str(path), *where, *options])

    return run


def test_upload_without_any_package_installed(
    server: WireServer, make_file: MakeFile, tmp_path: Path
) -> None:
    """The standard library is enough; the summary goes to file and output."""
    path = make_file(5 * 64 * KIB)
    report = tmp_path / "summary.json"

    process = start(
        command(server, path, "--key", "a b/c.bin", "--summary", str(report), "--json")
    )
    output, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors
    assert server.files["a b/c.bin"].content == path.read_bytes()
    summary = json.loads(output)
    assert json.loads(report.read_text()) == summary
    assert set(summary) == {
        *("parts", "parts_sent", "parts_reused", "bytes_sent", "seconds"),
        *("api_requests", "storage_requests", "md5", "sha256", "state"),
    }
    assert "a b/c.bin: 100%" in errors
    assert "\r" not in errors
    assert TOKEN not in output + errors


def test_interrupted_upload_goes_on_with_the_same_command(
    server: WireServer, make_file: MakeFile
) -> None:
    """Ctrl-C ends quickly, says how to go on, and nothing is sent twice."""
    path = make_file(8 * 64 * KIB)
    server.fail("part-8", Fault("wait"))
    process = start(command(server, path, "--jobs", "2"))
    assert server.waiting.acquire(timeout=30)
    while len(server.files[path.name].bytes) < 7:
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)

    assert process.returncode == 130
    assert "7 of 8 parts are stored" in errors
    assert "Run the same command again" in errors
    assert "Traceback" not in errors
    server.seen.clear()
    again = start(command(server, path, "--json"))
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert json.loads(output)["parts_reused"] == 7
    assert server.parts_put() == [8]


def test_terminal_shows_one_line_in_place(
    server: WireServer, make_file: MakeFile
) -> None:
    """On a terminal one line is written over and over, ended by a new line."""
    master, slave = pty.openpty()
    process = start(command(server, make_file(9 * 64 * KIB)), stderr=slave)
    output, _ = process.communicate(timeout=60)
    os.close(slave)
    shown = os.read(master, 1 << 20).decode()
    os.close(master)

    assert process.returncode == 0
    assert shown.count("\n") == 1
    assert shown.endswith("completed\x1b[K\r\n")
    assert output.startswith("completed: 9 parts sent, 0 reused")


@pytest.mark.parametrize(
    ("place", "fault", "code"),
    [
        pytest.param("entry", Fault("status", 403, "forbidden"), 3, id="refused"),
        pytest.param("entry", Fault("page"), 3, id="other-server"),
        pytest.param("register", Fault("reset"), 4, id="network"),
        pytest.param("part-1", Fault("damage"), 5, id="integrity"),
    ],
)
def test_exit_codes(
    server: WireServer,
    make_file: MakeFile,
    quick_cli: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    place: str,
    fault: Fault,
    code: int,
) -> None:
    """Each kind of failure has its own exit code and one line of reason."""
    server.fail(place, *[fault] * 20)

    assert quick_cli(make_file(100)) == code

    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1].startswith("error: ")
    assert shown.out == ""


@pytest.mark.parametrize(
    "options",
    [["--jobs", "0"], ["--key", "../up"], ["--base-url", "nowhere"]],
    ids=["jobs", "key", "address"],
)
def test_wrong_usage(
    server: WireServer,
    make_file: MakeFile,
    quick_cli: Callable[..., int],
    options: list[str],
) -> None:
    """What cannot work is refused before any request, with exit code 2."""
    assert quick_cli(make_file(1), *options) == 2
    assert not server.seen


def test_summary_that_cannot_be_written(
    server: WireServer,
    make_file: MakeFile,
    tmp_path: Path,
    quick_cli: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The upload counts, and the message says that it is complete."""
    report = tmp_path / "absent" / "summary.json"

    assert quick_cli(make_file(100), "--summary", str(report)) == 2

    assert server.files["data.bin"].state == "completed"
    assert "The upload is complete" in capsys.readouterr().err


def test_summary_for_a_person(
    make_file: MakeFile,
    quick_cli: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without --json the outcome and both digests are readable lines."""
    assert quick_cli(make_file(100)) == 0

    outcome, md5, sha256 = capsys.readouterr().out.splitlines()
    assert outcome.startswith("completed: 1 parts sent, 0 reused")
    assert len(md5.removeprefix("md5 ")) == 32
    assert len(sha256.removeprefix("sha256 ")) == 64


def test_missing_file_and_token(
    tmp_path: Path,
    quick_cli: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A missing file and a missing token are named, with exit code 2."""
    assert quick_cli(tmp_path / "absent.bin") == 2
    monkeypatch.delenv(cli.TOKEN_VARIABLE)
    assert quick_cli(tmp_path / "absent.bin") == 2

    first, second = capsys.readouterr().err.splitlines()
    assert "absent.bin" in first
    assert cli.TOKEN_VARIABLE in second


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit codes are where a script's author looks for them."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["upload", "--help"])

    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for code in {number for _, number in cli.EXIT_CODES} | {0, cli.INTERRUPTED}:
        assert f"\n  {code:<3}  " in shown


def look(done: int, sent: int, phase: str = "uploading") -> Progress:
    """A moment of an upload of 100 MiB."""
    return Progress(phase, 100 * MIB, done, sent, 10, done // (10 * MIB), 0)


@pytest.mark.parametrize("width", [10, 40, 80, 200])
@pytest.mark.parametrize("name", ["a.nc", "x" * 300], ids=["short", "long"])
def test_line_fits_the_terminal(width: int, name: str) -> None:
    """The line never wraps, whatever the name and the width."""
    display = ProgressDisplay(name, io.StringIO())
    display(look(50 * MIB, 50 * MIB))

    line = display.line(look(50 * MIB, 50 * MIB), width)

    assert len(line) < width
    assert "50%" in line
    if width >= 80:
        assert line.startswith(name[:4])
        assert "[####" in line


def test_speed_and_time_left() -> None:
    """Rate and time left follow from what was sent, not from what was reused."""
    stream, moments = io.StringIO(), iter([0.0, 5.0])
    display = ProgressDisplay("a.nc", stream, clock=lambda: next(moments))

    display(look(50 * MIB, 0))
    display(look(75 * MIB, 25 * MIB))

    last = stream.getvalue().splitlines()[-1]
    assert last == "a.nc: 75%  75.0/100.0 MiB  5.0 MiB/s  ETA 0:05"


def test_log_lines_are_few() -> None:
    """Without a terminal there is a line per phase and one every five seconds."""
    stream, now = io.StringIO(), 0.0
    display = ProgressDisplay("a.nc", stream, clock=lambda: now)

    for step in range(100):
        now = step / 10
        display(look(step * MIB, step * MIB))
    display(look(100 * MIB, 100 * MIB, "committing"))

    assert len(stream.getvalue().splitlines()) == 3


def test_bytes_of_a_failed_part_are_taken_back() -> None:
    """The bar never counts bytes that did not arrive; the traffic does."""
    seen: list[Progress] = []
    now = iter(range(100))
    counter = ProgressCounter(100, seen.append, clock=lambda: float(next(now)))

    counter.wrote(1, 60)
    counter.take_back(1)
    counter.wrote(1, 100)
    counter.settle(1, 100, reused=False)

    assert [progress.done_bytes for progress in seen] == [60, 0, 100, 100]
    assert [progress.sent_bytes for progress in seen] == [60, 60, 160, 160]
    assert seen[-1].parts_done == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (65, "1:05"), (3661, "1:01:01")]
)
def test_times_are_readable(seconds: float, text: str) -> None:
    """Seconds are shown as a clock shows them."""
    assert format_seconds(seconds) == text
