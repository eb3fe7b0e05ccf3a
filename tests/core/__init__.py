# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Tests of the pure rules: no application, no database, milliseconds."""
