# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The programs people have: the AWS command line and rclone."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .servers import Batch

FILES = {
    "big.bin": random.Random(1).randbytes(20 * 2**20),
    "empty": b"",
    "sub folder/ü/small.txt": b"small",
}

RCLONE = ["--s3-no-check-bucket", "--s3-no-head", "--size-only"]
"""A session cannot look at buckets, nor at objects; only list them."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files in folders; one is sent in parts."""
    for name, data in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "tree"


class Shell:
    """Runs programs with a session's keys in their environment."""

    def __init__(self, batch: Batch, home: Path) -> None:
        self.batch = batch
        server, session = batch.server, batch.session
        self._environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "AWS_ACCESS_KEY_ID": session.access_key,
            "AWS_SECRET_ACCESS_KEY": session.secret_key,
            "AWS_SESSION_TOKEN": session.token,
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_DEFAULT_REGION": server.region,
            # MinIO answers the header of an empty file at once, which confuses
            # botocore on the same connection later.
            "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE": "true",
            "RCLONE_CONFIG_STORE_TYPE": "s3",
            "RCLONE_CONFIG_STORE_PROVIDER": "Other",
            "RCLONE_CONFIG_STORE_ENV_AUTH": "true",
            "RCLONE_CONFIG_STORE_ENDPOINT": server.endpoint_url,
            "RCLONE_CONFIG_STORE_REGION": server.region,
        }

    def run(self, *words: str, fails: bool = False) -> str:
        """Output of a program that succeeds, or does not."""
        done = subprocess.run(
            words,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        assert bool(done.returncode) == fails, output
        return output


@pytest.fixture
def shell(batch: Batch, tmp_path: Path) -> Shell:
    """One of the session's holder."""
    return Shell(batch, tmp_path)


@pytest.fixture
def aws() -> list[str]:
    """Begins a command of the AWS command line."""
    program = os.environ.get("AWS_CLI")
    if not program:
        pytest.skip("no AWS command line: AWS_CLI is not set")
    return [program, "s3"]


@pytest.fixture
def rclone() -> str:
    """The program."""
    program = os.environ.get("RCLONE")
    if not program:
        pytest.skip("no rclone on this machine")
    return program


def stored(owner: Any, batch: Batch, folder: str) -> dict[str, str]:
    """SHA-256 of all objects below a folder, by name."""
    found = owner.list_objects_v2(Bucket=batch.bucket, Prefix=folder)
    return {
        one["Key"].removeprefix(folder): hashlib.sha256(
            owner.get_object(Bucket=batch.bucket, Key=one["Key"])["Body"].read()
        ).hexdigest()
        for one in found["Contents"]
    }


EXPECTED = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


def test_aws_cp(
    shell: Shell, batch: Batch, owner: Any, aws: list[str], tree: Path
) -> None:
    """``aws s3 cp`` sends one large file, and a folder."""
    to = f"s3://{batch.bucket}/{batch.prefix}"
    shell.run(*aws, "cp", "--no-progress", str(tree / "big.bin"), f"{to}one/big.bin")
    shell.run(*aws, "cp", "--no-progress", "--recursive", str(tree), f"{to}many/")
    assert stored(owner, batch, f"{batch.prefix}one/") == {
        "big.bin": EXPECTED["big.bin"]
    }
    assert stored(owner, batch, f"{batch.prefix}many/") == EXPECTED


def test_aws_sync(
    shell: Shell, batch: Batch, owner: Any, aws: list[str], tree: Path
) -> None:
    """``aws s3 sync`` sends a folder, and the second time only what has changed."""
    to = f"s3://{batch.bucket}/{batch.prefix}"
    assert shell.run(*aws, "sync", str(tree), to).count("upload:") == len(FILES)
    (tree / "more.txt").write_text("more")
    assert shell.run(*aws, "sync", str(tree), to).count("upload:") == 1
    (tree / "more.txt").unlink()
    owner.delete_object(Bucket=batch.bucket, Key=f"{batch.prefix}more.txt")
    assert stored(owner, batch, batch.prefix) == EXPECTED
    listed = shell.run(*aws, "ls", "--recursive", to)
    assert all(name in listed for name in FILES)


def test_aws_elsewhere(shell: Shell, batch: Batch, aws: list[str], tree: Path) -> None:
    """The AWS command line can neither send nor list outside, nor read inside."""
    bucket, small = f"s3://{batch.bucket}/", str(tree / "sub folder/ü/small.txt")
    inside = f"{bucket}{batch.prefix}small.txt"
    shell.run(*aws, "cp", small, inside)
    for words in (
        ["cp", small, f"{bucket}{batch.folder}abc10/small.txt"],
        ["sync", str(tree), f"{bucket}{batch.folder}abc10/"],
        ["ls", f"{bucket}{batch.folder}"],
        ["ls", bucket],
        ["cp", inside, str(tree / "back")],
        ["mv", inside, f"{inside}2"],
        ["rm", inside],
    ):
        shell.run(*aws, *words, fails=True)


def test_rclone_copy(
    shell: Shell, batch: Batch, owner: Any, rclone: str, tree: Path
) -> None:
    """``rclone copy`` sends a folder in parts, and the second time nothing."""
    to = f"store:{batch.bucket}/{batch.prefix}"
    parts = ["--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M"]
    shell.run(rclone, "copy", str(tree), to, *RCLONE, *parts)
    assert stored(owner, batch, batch.prefix) == EXPECTED
    big = owner.head_object(Bucket=batch.bucket, Key=f"{batch.prefix}big.bin")
    assert big["ETag"].strip('"').endswith("-4")
    again = shell.run(rclone, "copy", "-v", str(tree), to, *RCLONE)
    assert "nothing to transfer" in again
    listed = shell.run(rclone, "lsf", "-R", "--files-only", to)
    assert set(FILES) <= set(listed.splitlines())


def test_rclone_elsewhere(shell: Shell, batch: Batch, rclone: str, tree: Path) -> None:
    """With rclone one can neither send nor list outside, nor read or delete inside."""
    inside = f"store:{batch.bucket}/{batch.prefix}"
    outside = f"store:{batch.bucket}/{batch.folder}abc10/"
    once = ["--retries", "1", "--low-level-retries", "1"]
    shell.run(rclone, "copy", str(tree), inside, *RCLONE)
    for words in (
        ["copy", str(tree), outside, *RCLONE],
        ["lsf", outside],
        ["lsf", f"store:{batch.bucket}"],
        ["copy", inside, str(tree / "back"), *RCLONE],
        ["delete", inside],
    ):
        shell.run(rclone, *words, *once, fails=True)
