# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What was done, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ..downloads import DownloadResult, DownloadSummary
from ..many import FileResult, ManySummary
from ..text import format_bytes, format_rate, plural

MOST_NAMED = 20
"""Failed files that are named; --json names all."""


def describe_upload(
    summary: ManySummary, failed: Sequence[FileResult], page: str
) -> str:
    """The end of an upload."""
    there = summary.files - summary.failed
    head = "Published" if summary.published else "Complete"
    if summary.failed:
        head = "Not complete"
    size = format_bytes(summary.size_bytes)
    lines = [f"{head}: {there:,} of {plural(summary.files, 'file')}, {size} in all"]
    if summary.sent:
        what = plural(summary.sent, "file")
        took = _speed(summary.bytes_sent, summary.seconds)
        lines.append(f"  sent    {what}, {took}")
    if summary.reused:
        lines.append(f"  kept    {plural(summary.reused, 'file')} that were there")
    if summary.linked:
        what = plural(summary.linked, "file")
        lines.append(f"  linked  {what} that the repository has")
    lines += _failed(failed)
    lines.append(summary.record_url or page)
    return "\n".join(lines)


def describe_download(
    summary: DownloadSummary, failed: Sequence[DownloadResult]
) -> str:
    """The end of a download."""
    head = "Not complete" if summary.failed else "Complete, and verified"
    there = summary.files - summary.failed
    size = format_bytes(summary.size_bytes)
    lines = [f"{head}: {there:,} of {plural(summary.files, 'file')}, {size} in all"]
    if summary.received:
        what = plural(summary.received, "file")
        took = _speed(summary.bytes_received, summary.seconds)
        lines.append(f"  received  {what}, {took}")
    if summary.kept:
        lines.append(f"  kept      {plural(summary.kept, 'file')} that were here")
    lines += _failed(failed)
    lines.append(summary.folder)
    return "\n".join(lines)


def _speed(count: int, seconds: float) -> str:
    rate = format_rate(count / max(seconds, 0.001))
    return f"{format_bytes(count)} in {seconds:.1f} s ({rate})"


def _failed(failed: Sequence[FileResult] | Sequence[DownloadResult]) -> list[str]:
    if not failed:
        return []
    lines = [f"  failed  {plural(len(failed), 'file')}:"]
    lines += [f"    {each.key}: {each.error}" for each in failed[:MOST_NAMED]]
    if len(failed) > MOST_NAMED:
        lines.append(f"    and {len(failed) - MOST_NAMED:,} more; --json names all")
    return lines
