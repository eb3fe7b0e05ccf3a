# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The script of a batch, run by real shells against a real repository."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..backdoor import setting
from ..batching import Open, announce, brought, open_batch
from ..driver import Api, Draft, md5
from ..serving import by_proxy, serving

SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
MIB = 2**20
NAMES = (
    *("plain.txt", "a b  c.txt", " leading and trailing ", "-dash", "--jobs"),
    *("q'uo\"te`s.txt", "$(touch pwned).txt", "$HOME;&|<>", "*?[a-z]{1,2}~!#"),
    *("back\\slash\\n.txt", "100%41%.txt", "+&=?#.txt", "ümlaut/日本 語/🙂.txt"),
    *("deep/er/and/deeper/x.bin", "@GRANT@", "'"),
)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not repeat, zeros among them; the same ones each time."""
    return random.Random(seed).randbytes(size)


@dataclass
class Ran:
    """What a run of the script has done.

    :param lines: what it printed.
    """

    code: int
    lines: list[str]
    errors: str

    @property
    def sent(self) -> list[str]:
        """What it says that it has sent."""
        return sorted(line[5:] for line in self.lines if line.startswith("sent "))


@dataclass
class Machine:
    """A machine with a shell and files, and without an account.

    :param path: PATH of the programs it has, None for those of this machine.
    """

    shell: Sequence[str]
    folder: Path
    port: int
    path: str | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What programs see; with a locale, as a person has it."""
        return {
            **os.environ,
            **by_proxy(self.port),
            "PATH": self.path or os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            **self.extra,
        }

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Files in the folder that the script is run in."""
        for name, content in contents.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def start(self, script: Path, *arguments: str) -> subprocess.Popen[str]:
        """Begin a run in a session of its own."""
        shell = shutil.which(self.shell[0])
        assert shell is not None
        return subprocess.Popen(
            [shell, *self.shell[1:], str(script), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, script: Path, *arguments: str) -> Ran:
        """Run it to its end."""
        process = self.start(script, *arguments)
        output, errors = process.communicate(timeout=300)
        return Ran(process.returncode, output.splitlines(), errors)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    """Each shell that there is."""
    command = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    return command


@pytest.fixture
def port(app: Any) -> Iterator[int]:
    """Where the application is."""
    with serving(app) as number:
        yield number


@pytest.fixture
def machine(port: int, tmp_path: Path) -> Machine:
    """A machine with the first shell that there is."""
    return _machine(
        next(s for s in SHELLS.values() if shutil.which(s[0])), port, tmp_path
    )


@pytest.fixture
def any_machine(shell: Sequence[str], port: int, tmp_path: Path) -> Machine:
    """A machine with each of the shells."""
    return _machine(shell, port, tmp_path)


def _machine(shell: Sequence[str], port: int, tmp_path: Path) -> Machine:
    folder = tmp_path / "a folder\nof 'files'"
    folder.mkdir()
    return Machine(shell, folder, port)


def fetch(batch: Open, url: str, **headers: str) -> Any:
    """The raw reply of one of the batch's addresses."""
    path = url.removeprefix("http://localhost").removeprefix("/api")
    return batch.api.app.test_client().get(path, headers=headers)


def save(batch: Open, folder: Path, **changes: str) -> Path:
    """The script, as it is downloaded by its URL.

    :param changes: settings of its own that a test needs otherwise.
    """
    reply = fetch(batch, batch.json["script_url"])
    assert reply.status_code == 200, reply.get_json()
    text = reply.get_data(as_text=True)
    for name, value in changes.items():
        assert f" {name}=" in text
        before, _, after = text.partition(f" {name}=")
        text = f"{before} {name}={value} {after.split(' ', 1)[1]}"
    path = folder / "upload.sh"
    path.write_text(text, encoding="utf-8")
    return path


def described(contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Files as they are announced: with size and MD5."""
    return [
        {"key": key, "size": len(data), "checksum": md5(data)}
        for key, data in contents.items()
    ]


def test_everything(any_machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """Odd names, empty files, folders and parts: all arrive, and the batch is complete."""
    contents = {name: noise(100 + n, n) for n, name in enumerate(NAMES)}
    contents |= {"empty": b"", "large file.bin": noise(33 * MIB + 7)}
    any_machine.write({**contents, "unsized": b"five5", "not announced": b"x"})
    batch = open_batch(draft, [*described(contents), "unsized"])
    ran = any_machine.run(save(batch, tmp_path))
    assert (ran.code, ran.errors) == (0, "")
    assert ran.lines[-1] == "The batch is complete."
    whole = [*contents, "unsized"]
    whole.remove("large file.bin")
    parts = [line for line in ran.sent if line.startswith("large file.bin from byte ")]
    assert set(ran.sent) - set(parts) == set(whole)
    assert len(parts) == 3
    for key, data in {**contents, "unsized": b"five5"}.items():
        assert draft.content(key) == data, key
    assert not (any_machine.folder / "pwned").exists()
    again = any_machine.run(save_as_is(tmp_path))
    assert (again.code, again.lines) == (0, ["The batch is complete already."])


def save_as_is(folder: Path) -> Path:
    """The script that was saved before."""
    return folder / "upload.sh"


def test_some_of_them(any_machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """Named files and folders are sent first; the others complete the batch."""
    keys = ["a.txt", "d/x y", "d/z", "e/f/g", "dd"]
    contents = {f"data dir/{key}": key.encode() for key in keys}
    any_machine.write(contents)
    batch = open_batch(draft, described({key: key.encode() for key in keys}))
    script = save(batch, tmp_path)
    first = any_machine.run(script, "--from", "./data dir/", "./data dir/d/", "a.txt")
    assert (first.code, first.errors) == (0, "")
    assert first.sent == ["a.txt", "d/x y", "d/z"]
    assert first.lines[-1] == "Sent. 2 announced files are still missing."
    assert batch.status()["state"] == "uploading"
    folder = str(any_machine.folder / "data dir")
    rest = any_machine.run(script, "--from", folder, "--no-complete", folder)
    assert (rest.code, rest.errors) == (0, "")
    assert rest.sent == ["dd", "e/f/g"]
    assert rest.lines[0] == "3 files are there already."
    assert rest.lines[-1] == "Sent. The batch is left open."
    assert batch.status()["state"] == "uploading"
    last = any_machine.run(script, "--jobs", "1")
    assert (last.code, last.sent) == (0, [])
    assert batch.status()["state"] == "completed"
    assert draft.content("d/x y") == b"d/x y"


def test_from_a_folder_with_a_dash(
    machine: Machine, draft: Draft, tmp_path: Path
) -> None:
    """A folder may have a name that looks like an option, and parts of any place."""
    data = noise(17 * MIB)
    machine.write({"-n/-k": data})
    batch = open_batch(draft, described({"-k": data}))
    script = save(batch, tmp_path)
    text = script.read_text()
    # Most files are cut where dd finds it fast; this one everywhere.
    assert "% 65536)) = 0" in text
    script.write_text(text.replace("% 65536)) = 0", "% 65536)) = 1"))
    ran = machine.run(script, "--from", "-n")
    assert (ran.code, ran.errors) == (0, "")
    assert draft.content("-k") == data


def test_not_announced(any_machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """A file that nobody announced is named, and nothing is sent."""
    any_machine.write({"a": b"a", "new\nline": b"x"})
    batch = open_batch(draft, ["a"])
    script = save(batch, tmp_path)
    for odd in ("new\nline", "b", "a/b", "", "*"):
        ran = any_machine.run(script, "a", odd)
        assert (ran.code, ran.sent) == (3, []), odd
        assert f"{odd} was not announced" in ran.errors
    assert not batch.files()["files"][0]["uploaded"]


def test_wrong_files(any_machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """What is not here, or not what was announced, is named; the rest is sent."""
    good = {"good": b"good", "large": noise(17 * MIB)}
    bad = {"other bytes": b"abcd", "longer": b"12345", "gone": b"x", "a folder": b"y"}
    batch = open_batch(draft, described({**good, **bad}))
    script = save(batch, tmp_path)
    changed = good["large"][:-1] + b"\0"
    any_machine.write({"good": b"good", "large": changed})
    any_machine.write({"other bytes": b"abcX", "longer": b"123456", "a folder/x": b""})
    ran = any_machine.run(script)
    assert (ran.code, ran.sent) == (3, ["good"])
    wanted = hashlib.md5(b"abcd").hexdigest()
    real = hashlib.md5(b"abcX").hexdigest()
    assert f"other bytes has the MD5 {real}; announced is {wanted}." in ran.errors
    assert "longer has 6 bytes; announced are 5." in ran.errors
    assert "gone is not here, or cannot be read." in ran.errors
    assert "a folder is not here, or cannot be read." in ran.errors
    assert "large has the MD5" in ran.errors
    assert batch.status()["state"] == "uploading"
    shutil.rmtree(any_machine.folder / "a folder")
    any_machine.write({**good, **bad})
    mended = any_machine.run(script)
    assert (mended.code, mended.errors) == (0, "")
    assert "good" not in mended.sent
    assert draft.content("large") == good["large"]


def test_few_programs(port: int, draft: Draft, tmp_path: Path) -> None:
    """Where no program knows MD5 or base64 the repository is the one that checks."""
    tools = tmp_path / "bin"
    tools.mkdir()
    names = [
        "curl",
        "dd",
        "head",
        "tail",
        "sed",
        "awk",
        "ls",
        "cat",
        "grep",
        "mktemp",
        "rm",
        "sleep",
        "cut",
        "sh",
    ]
    for name in names:
        found = shutil.which(name)
        assert found is not None, name
        (tools / name).symlink_to(Path(found).resolve())
    machine = _machine(["dash"], port, tmp_path)
    machine.path = str(tools)
    contents = {"a": b"alpha", "large": noise(18 * MIB)}
    machine.write({**contents, "a": b"wrong"})
    batch = open_batch(draft, described(contents))
    script = save(batch, tmp_path)
    ran = machine.run(script)
    assert ran.code == 1
    assert ran.errors.startswith("a: ")
    assert "md5" in ran.errors.lower()
    machine.write(contents)
    ran = machine.run(script)
    assert (ran.code, ran.sent) == (0, ["a"])
    assert draft.content("large") == contents["large"]


def interrupt(
    machine: Machine, draft: Draft, tmp_path: Path, how: signal.Signals
) -> None:
    """A run that was ended goes on where it was; what has arrived is not sent again."""
    contents = {f"file {n:02}": noise(1000, n) for n in range(16)}
    contents["large"] = noise(33 * MIB)
    machine.write(contents)
    machine.extra = {"TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    batch = open_batch(draft, described(contents))
    script = save(batch, tmp_path)
    process = machine.start(script, "--jobs", "2")
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(6)]
    if how == signal.SIGKILL:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    output, errors = process.communicate(timeout=60)
    first += output.splitlines()
    if how != signal.SIGKILL:
        assert process.returncode == 130
        assert "Interrupted; run it again." in errors
        assert list((tmp_path / "tmp").iterdir()) == []
    assert batch.status()["state"] == "uploading"
    # What was on its way may still arrive.
    time.sleep(0.5)
    again = machine.run(script)
    assert (again.code, again.errors) == (0, "")
    before = {line.strip()[5:] for line in first if line.startswith("sent ")}
    assert len(before) >= 6
    assert not before & set(again.sent)
    for key, data in contents.items():
        assert draft.content(key) == data, key


def test_interrupted(any_machine: Machine, s3_draft: Draft, tmp_path: Path) -> None:
    """Every shell can be told to stop, and leaves nothing behind."""
    interrupt(any_machine, s3_draft, tmp_path, signal.SIGTERM)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_killed(
    machine: Machine, local_draft: Draft, tmp_path: Path, how: signal.Signals
) -> None:
    """Ctrl-C is no different, and where it was killed it goes on as well."""
    interrupt(machine, local_draft, tmp_path, how)


def test_ends(machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """A deadline that has passed is told with its time, and what to do about it."""
    machine.write({"a": b"a"})
    reply = announce(
        draft.api, f"{draft.path}/uploads", ["a"], completed_by="in 2 seconds"
    )
    batch = Open(draft.api, reply.json)
    script = save(batch, tmp_path)
    time.sleep(2.5)
    ran = machine.run(script)
    assert (ran.code, ran.lines) == (4, [])
    until = batch.json["complete_before"]
    assert f"the time of this batch was over at {until}" in ran.errors
    assert "get a new script" in ran.errors


def test_aborted(machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """The script of an aborted batch says that it is aborted."""
    machine.write({"a": b"a"})
    batch = open_batch(draft, ["a"])
    script = save(batch, tmp_path)
    assert batch.abort().status == 200
    ran = machine.run(script)
    assert (ran.code, ran.lines) == (4, [])
    assert "The batch is aborted" in ran.errors


def test_trouble_passes(app: Any, draft: Draft, tmp_path: Path) -> None:
    """Answers that mean "later" are waited for, without losing anything."""
    seen: dict[str, int] = {}

    def stumbling(site: Any) -> Any:
        def answer(environ: dict[str, Any], start_response: Any) -> Any:
            path = environ["PATH_INFO"].rpartition("/")[2]
            seen[path] = seen.get(path, 0) + 1
            if seen[path] == 1:
                start_response("503 Service Unavailable", [("Content-Length", "0")])
                return [b""]
            return site(environ, start_response)

        return answer

    with serving(app, stumbling) as port:
        machine = _machine(["dash"], port, tmp_path)
        machine.write({"a": b"a"})
        batch = open_batch(draft, [{"key": "a", "size": 1, "checksum": md5(b"a")}])
        ran = machine.run(save(batch, tmp_path))
    assert (ran.code, ran.errors) == (0, "")
    assert seen["files"] == seen["complete"] == 2
    assert draft.content("a") == b"a"


def test_trouble_stays(machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """A repository that does not answer is given up, with what curl says about it."""
    batch = open_batch(draft, ["a"])
    script = save(batch, tmp_path, tries="2")
    machine.port = 1
    ran = machine.run(script)
    assert (ran.code, ran.lines) == (1, [])
    assert "curl:" in ran.errors
    assert "Run it again" in ran.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("--jobs", "0"),
        ("--jobs", "33"),
        ("--jobs", "x"),
        ("--jobs",),
        ("--from", "none"),
        ("--nothing",),
    ],
    ids=" ".join,
)
def test_wrong_usage(
    machine: Machine, local_draft: Draft, tmp_path: Path, arguments: Sequence[str]
) -> None:
    """What cannot be meant is refused before anything is asked."""
    script = save(open_batch(local_draft, ["a"]), tmp_path)
    ran = machine.run(script, *arguments)
    assert (ran.code, ran.lines) == (2, [])
    assert ran.errors.startswith("upload.sh: ")


def test_help(any_machine: Machine, local_draft: Draft, tmp_path: Path) -> None:
    """It tells how it is used, with its exit codes."""
    ran = any_machine.run(save(open_batch(local_draft, ["a"]), tmp_path), "--help")
    assert (ran.code, ran.errors) == (0, "")
    assert ran.lines[0].startswith("usage: sh upload.sh ")
    assert "  130  interrupted: run it again" in ran.lines


def test_links_are_made(machine: Machine, draft: Draft, tmp_path: Path) -> None:
    """Link entries of the batch are made before it is completed."""
    source = draft.api.new_draft()
    brought(source, {"old": b"old bytes"})
    check = {"check": "link", "value": {"id": source.id, "key": "old"}}
    batch = open_batch(draft, ["new", {"key": "linked", **check}])
    machine.write({"new": b"new"})
    ran = machine.run(save(batch, tmp_path))
    assert (ran.code, ran.errors, ran.sent) == (0, "", ["new"])
    assert draft.content("linked") == b"old bytes"


def test_found_wrong_later(
    machine: Machine, draft: Draft, storage: str, tmp_path: Path
) -> None:
    """A file that only the completion finds wrong is sent again once it is mended.

    What has been put together of parts is not, as all files of local storage are.
    """
    good = b"good bytes"
    digest = f"sha256:{hashlib.sha256(good).hexdigest()}"
    machine.write({"a": b"evil bytes", "b": b"b"})
    batch = open_batch(draft, [{"key": "a", "size": 10, "checksum": digest}, "b"])
    script = save(batch, tmp_path)
    ran = machine.run(script)
    assert ran.code == 4
    assert "the batch could not be completed: " in ran.errors
    machine.write({"a": good})
    ran = machine.run(script)
    if storage == "local":
        assert (ran.code, ran.sent) == (4, [])
        assert "a is not what was announced, and cannot be sent again." in ran.errors
        return
    assert (ran.code, ran.sent) == (0, ["a"]), ran
    assert draft.content("a") == good


def test_pages(machine: Machine, local_draft: Draft, tmp_path: Path) -> None:
    """A list that comes in several pages is read to its end."""
    keys = [f"{n:04} ü" for n in range(25)]
    machine.write(dict.fromkeys(keys, b"x"))
    batch = open_batch(local_draft, [{"key": key, "size": 1} for key in keys])
    script = save(batch, tmp_path)
    text = script.read_text()
    script.write_text(text.replace("format=lines&", "format=lines&size=10&"))
    ran = machine.run(script)
    assert (ran.code, ran.sent) == (0, keys)


def test_over_2_gib(machine: Machine, s3_draft: Draft, tmp_path: Path) -> None:
    """Offsets beyond 2 GiB are found, of a file that is not even on the disk."""
    size = 2**31 + 20 * MIB + 3
    path = machine.folder / "sparse.bin"
    with path.open("wb") as stream:
        for offset in (0, 2**31 - 5, size - 10):
            stream.seek(offset)
            stream.write(b"0123456789")
    digest = hashlib.md5()
    with path.open("rb") as stream:
        while piece := stream.read(8 * MIB):
            digest.update(piece)
    batch = open_batch(s3_draft, [{"key": "sparse.bin", "size": size}])
    ran = machine.run(save(batch, tmp_path))
    path.unlink()
    assert (ran.code, ran.errors) == (0, "")
    entry = s3_draft.api.get(s3_draft.file("sparse.bin")).json
    assert (entry["size"], entry["checksum"]) == (size, f"md5:{digest.hexdigest()}")


def test_secrets_stay_secret(app: Any, port: int, draft: Draft, tmp_path: Path) -> None:
    """No command line has an address or a grant in it, for all to see."""
    tools = tmp_path / "bin"
    tools.mkdir()
    log = tmp_path / "arguments"
    program = (
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{log}\nexec {shutil.which("curl")} "$@"\n'
    )
    (tools / "curl").write_text(program)
    (tools / "curl").chmod(0o755)
    machine = _machine(["dash"], port, tmp_path)
    machine.path = f"{tools}:{os.environ['PATH']}"
    machine.write({"a": b"a"})
    batch = open_batch(draft, ["a"])
    assert machine.run(save(batch, tmp_path)).code == 0
    said = log.read_text()
    assert "-T" in said
    for secret in ("http:", "X-Upload-Credential", "X-Amz-", str(batch.id)):
        assert secret not in said


def test_signed_headers_only(port: int, s3_draft: Draft, tmp_path: Path) -> None:
    """A store that takes only headers of the signature gets its parts without ours."""
    tools = tmp_path / "bin"
    tools.mkdir()
    refusal = "<Error><HeadersNotSigned>content-md5</HeadersNotSigned></Error>"
    (tools / "curl").write_text(
        "#!/bin/sh\n"
        f'case "$*" in *-T*Content-MD5*) ;; *) exec {shutil.which("curl")} "$@" ;; esac\n'
        'while [ "$1" != -o ]; do shift; done\n'
        f"echo '{refusal}' >\"$2\"\necho refused >>{tmp_path}/refused\necho 403\n"
    )
    (tools / "curl").chmod(0o755)
    machine = _machine(["dash"], port, tmp_path)
    machine.path = f"{tools}:{os.environ['PATH']}"
    data = noise(65 * MIB)
    machine.write({"large": data})
    batch = open_batch(s3_draft, [{"key": "large", "size": len(data)}])
    ran = machine.run(save(batch, tmp_path), "--jobs", "2")
    assert (ran.code, ran.errors, len(ran.sent)) == (0, "", 5)
    # Once for each worker, and never again.
    assert len((tmp_path / "refused").read_text().split()) == 2
    assert s3_draft.content("large") == data


def test_no_token(app: Any, api: Api, local_draft: Draft) -> None:
    """Whoever asks for the script, the account's token is not in it."""
    batch = open_batch(local_draft, ["a"])
    path = f"{local_draft.path}/uploads/{batch.id}/script"
    token = app.tokens["owner"]
    replies = [
        fetch(batch, path, Authorization=f"Bearer {token}"),
        fetch(batch, f"{path}?access_token={token}"),
        fetch(batch, batch.json["script_url"]),
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    for reply in replies:
        text = reply.get_data(as_text=True)
        assert token not in text
        assert "Bearer" not in text
        assert "Authorization" not in text
    assert replies[0].data == replies[2].data


def test_reply(local_draft: Draft) -> None:
    """It is a shell script to be saved, and no cache keeps it."""
    batch = open_batch(local_draft, ["a"])
    reply = fetch(batch, batch.json["script_url"])
    assert reply.mimetype == "text/x-shellscript"
    assert reply.headers["Cache-Control"] == "no-store"
    wanted = "attachment; filename=upload.sh"
    assert reply.headers["Content-Disposition"] == wanted
    assert reply.get_data(as_text=True).startswith("#!/bin/sh\n")
    many = open_batch(local_draft.api.new_draft(), [f"key-{n}" for n in range(500)])
    other = fetch(many, many.json["script_url"])
    assert len(other.data) == len(reply.data)


def test_its_grant(anonymous: Api, local_draft: Draft, tmp_path: Path) -> None:
    """Its grant sends, links and completes; it sees and ends nothing else."""
    batch = open_batch(local_draft, ["a"])
    text = save(batch, tmp_path).read_text()
    token = next(line for line in text.splitlines() if line.startswith("grant="))[6:]
    base, query = f"/uploads/{batch.id}", f"?X-Upload-Credential={token}"
    assert anonymous.get(f"{base}/files{query}").status == 200
    assert anonymous.call("PUT", f"{base}/links{query}").status == 200
    for method, path in (
        ("GET", base),
        ("PUT", f"{base}/abort"),
        ("POST", f"{base}/credentials"),
        ("GET", f"{local_draft.path}/uploads/{batch.id}/script"),
    ):
        refused = anonymous.call(method, f"{path}{query}")
        assert (refused.status, refused.json["code"]) == (403, "grant_refused"), path


def test_whose_script(api: Api, anonymous: Api, other: Api, local_draft: Draft) -> None:
    """Only its grant, or a right on the draft, gets the script of a batch."""
    batch = open_batch(local_draft, ["a"])
    path = f"{local_draft.path}/uploads/{batch.id}/script"
    for who in (anonymous, other):
        assert who.get(path).json["code"] == "access_denied"
        forged = who.get(f"{path}?X-Upload-Credential={'A' * 80}")
        assert (forged.status, forged.json["code"]) == (401, "grant_invalid")
        wrong = who.get(f"{path}?X-Upload-Credential={batch.grant('files_url')}")
        assert (wrong.status, wrong.json["code"]) == (403, "grant_refused")
    for name in ("self", "files_url", "completion_url", "abort_url"):
        url = batch.json[name].partition("?")[0]
        method = "PUT" if name in ("completion_url", "abort_url") else "GET"
        token = batch.grant("script_url")
        refused = anonymous.call(method, f"{url}?X-Upload-Credential={token}")
        assert refused.json["code"] == "grant_refused"
    elsewhere = api.new_draft()
    for missing in (
        path.replace(str(batch.id), "00000000-0000-0000-0000-000000000000"),
        path.replace(local_draft.id, elsewhere.id),
        path.replace(local_draft.id, "none"),
    ):
        reply = api.get(missing)
        assert (reply.status, reply.json["code"]) == (404, "batch_not_found")
    assert api.call("POST", path).status == 405
    assert batch.abort().status == 200
    over = api.get(path)
    assert (over.status, over.json["code"]) == (409, "state_conflict")
    revoked = anonymous.get(batch.json["script_url"])
    assert (revoked.status, revoked.json["code"]) == (403, "grant_revoked")


def test_nothing_injects(app: Any, local_draft: Draft, tmp_path: Path) -> None:
    """What the site puts into the script is a value there, and never a command."""
    batch = open_batch(local_draft, ["a"])
    path = f"{local_draft.path}/uploads/{batch.id}/script"
    token = f"Bearer {app.tokens['owner']}"
    odd = "https://example.org/$(touch pwned)`touch pwned`';touch pwned;'\"@GRANT@"
    with setting(app, SITE_API_URL=odd):
        text = fetch(batch, path, Authorization=token).get_data(as_text=True)
    script = tmp_path / "odd.sh"
    script.write_text(
        text.replace('usage="', 'say() { :; }; echo "$batch"; exit\n"', 1)
    )
    for shell in SHELLS.values():
        if shutil.which(shell[0]) is None:
            continue
        command = [*shell, str(script)]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith(odd)
    assert not (tmp_path / "pwned").exists()


def test_shellcheck(local_draft: Draft, tmp_path: Path) -> None:
    """The linter of shell scripts finds nothing in it, as a POSIX shell sees it."""
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck")
    script = save(open_batch(local_draft, ["a"]), tmp_path)
    command = ["shellcheck", "--shell=sh", "--norc", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_lines(api: Api, anonymous: Api, draft: Draft) -> None:
    """The files of a batch come as lines in which each word is what it seems."""
    large = noise(17 * MIB)
    files = [
        {"key": 'a b/%ü"', "size": 3, "checksum": md5(b"abc")},
        {"key": "large", "size": len(large), "checksum": md5(large)},
        "there",
        "z",
    ]
    batch = open_batch(draft, files)
    batch.send_ok("there", b"x")
    reply = fetch(batch, f"{batch.json['files_url']}&format=lines")
    assert (reply.status_code, reply.mimetype) == (200, "text/plain")
    assert reply.headers["Cache-Control"] == "no-store"
    lines = [line.split(" ") for line in reply.get_data(as_text=True).splitlines()]
    words = [line[:-1] if line[0] in ("put", "part") else line for line in lines]
    bound = batch.json["headers"].get('a b/%ü"', {}).get("Content-MD5", "-")
    assert words == [
        ["file", "a%20b/%25%C3%BC%22", "3", md5(b"abc")[4:]],
        ["put", "a%20b/%25%C3%BC%22", bound],
        ["file", "large", str(len(large)), md5(large)[4:]],
        ["part", "large", "0", str(16 * MIB), "-"],
        ["part", "large", str(16 * MIB), str(MIB), "-"],
        ["have", "there"],
        ["file", "z", "-", "-"],
        ["put", "z", "-"],
    ]
    first = fetch(batch, f"{batch.json['files_url']}&format=lines&size=1")
    word, following = first.get_data(as_text=True).splitlines()[-1].split(" ")
    assert word == "next"
    second = fetch(batch, following)
    assert second.get_data(as_text=True).startswith("file large ")
    refused = anonymous.get(f"/uploads/{batch.id}/files?format=lines")
    assert (refused.status, refused.json["code"]) == (403, "access_denied")
    odd = anonymous.get(f"{batch.json['files_url']}&format=lines&size=0")
    assert odd.status == 400
