# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""How replies of a store are read."""

from __future__ import annotations

import pytest
from botocore.utils import parse_timestamp

from invenio_multipart.storage.s3_client import _moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T08:00:00.123Z",
        "2026-11-22T08:00:00Z",
        "2026-11-22T08:00:00.123456789Z",
        "2026-11-22T08:00:00+02:00",
        "Sun, 22 Nov 2026 08:00:00 GMT",
        1_700_000_000,
    ],
)
def test_times(value):
    """Every form that botocore reads is the same moment for us."""
    assert _moment(value) == parse_timestamp(value)
    assert _moment(value).tzinfo is not None
