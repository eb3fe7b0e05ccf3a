# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What the doctor says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    :param ok: None for what is good to know but neither right nor wrong.
    """

    text: str
    ok: bool | None
