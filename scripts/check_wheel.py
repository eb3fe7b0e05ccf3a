# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Checks that a wheel holds the whole package, and that the client runs from it alone.

check_wheel.py WHEEL
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = "invenio_multipart"
ENTRY_POINT_GROUPS = (
    "invenio_base.apps",
    "invenio_base.api_apps",
    "invenio_base.blueprints",
    "invenio_assets.webpack",
    "invenio_db.alembic",
    "invenio_config.module",
)


def problems(wheel: Path) -> list[str]:
    """What is wrong with *wheel*, one sentence each."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
        points = next(
            (
                archive.read(name).decode()
                for name in packed
                if name.endswith("/entry_points.txt")
            ),
            "",
        )
    command = ["git", "ls-files", PACKAGE]
    tracked = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    found = [f"{name} is not in the wheel" for name in tracked if name not in packed]
    found += [
        f"no entry point in [{group}]"
        for group in ENTRY_POINT_GROUPS
        if f"[{group}]" not in points
    ]
    foreign = {
        name.split("/")[0]
        for name in packed
        if not name.startswith((PACKAGE + "/", PACKAGE + "-"))
    }
    found += [f"{name} does not belong into the wheel" for name in sorted(foreign)]
    # Without site-packages: the client must need nothing but Python and this wheel.
    client = [sys.executable, "-S", "-m", f"{PACKAGE}.client", "--help"]
    help_ = subprocess.run(
        client,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        cwd="/",
        capture_output=True,
        check=False,
        text=True,
    )
    if help_.returncode:
        found.append(
            f"the client does not start from the wheel: {help_.stderr.strip()[-300:]}"
        )
    return found


def main(wheel: str) -> int:
    """Prints the problems; the exit code says whether there are any."""
    found = problems(Path(wheel).resolve())
    for problem in found:
        print(problem)
    print(f"{Path(wheel).name}: " + ("not complete" if found else "complete"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
