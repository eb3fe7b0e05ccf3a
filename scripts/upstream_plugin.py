# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""Puts our classes under upstream's tests, which stay as they are.

Loaded by upstream-tests.sh with ``-p``, before any test module. Transfers and the storage factory need
nothing: an installed invenio-multipart registers them, as it does on a site. invenio-s3's tests make
their storage themselves, by its class's name, so that name stands for our subclass here.
"""

import invenio_s3

from invenio_multipart.storage.s3 import S3Storage
from invenio_multipart.transfers.multipart import MultipartTransferType

invenio_s3.S3FSFileStorage = S3Storage

_calls = {"transfer": 0, "storage": 0}


def _counted(cls, what):
    """Counts the instances made, so that a run that never met our class is not taken for a success."""
    original = cls.__init__

    def init(self, *args, **kwargs):
        _calls[what] += 1
        original(self, *args, **kwargs)

    cls.__init__ = init


_counted(MultipartTransferType, "transfer")
_counted(S3Storage, "storage")


def pytest_terminal_summary(terminalreporter):
    """Says how often our classes were used."""
    terminalreporter.write_line(
        f"invenio-multipart under test: {_calls['transfer']} transfers, {_calls['storage']} S3 storages"
    )


def pytest_sessionfinish(session):
    """A run without our classes has proved nothing."""
    if session.testscollected and not any(_calls.values()):
        session.exitstatus = 1
