# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""All parts of an upload in one value, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from invenio_multipart.core.ledger import StoredPart
from invenio_multipart.records.folding import fold, unfold

ETAGS = st.binary(min_size=16, max_size=16).map(bytes.hex) | st.sampled_from(
    ["", "not-an-md5", "d41d8cd98f00b204e9800998ecf8427e-2"]
)


@given(st.lists(st.tuples(st.integers(0, 5 * 2**30), ETAGS), max_size=50))
def test_folding_there_and_back(parts):
    """Numbers, sizes and MD5s come back; an ETag that is no MD5 comes back empty."""
    stored = [StoredPart(n, *part) for n, part in enumerate(parts, start=1)]
    is_md5 = [len(part.etag) == 32 and set(part.etag) != {"0"} for part in stored]
    assert unfold(fold(stored)) == tuple(
        StoredPart(part.number, part.size, part.etag if md5 else "")
        for part, md5 in zip(stored, is_md5, strict=True)
    )


def test_nothing_to_unfold():
    """An upload that never finished has no parts."""
    assert unfold(None) == unfold(b"") == unfold(fold([])) == ()


def test_ten_thousand_parts_are_small():
    """The largest upload folds into a quarter of a megabyte at most."""
    parts = [StoredPart(n, 2**24, f"{n * 7919:032x}") for n in range(1, 10_001)]
    assert len(fold(parts)) < 250_000
