# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Pure rules: plans, digests, states, signatures. No I/O, no framework."""
