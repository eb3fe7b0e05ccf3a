# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""The deposit page in a real browser, on a real InvenioRDM and a real S3 server."""
