# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Where bytes live: the only layer that knows S3 clients and disks."""
