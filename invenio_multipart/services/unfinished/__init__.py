# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""What is on its way, in all drafts of somebody, or of everybody."""
