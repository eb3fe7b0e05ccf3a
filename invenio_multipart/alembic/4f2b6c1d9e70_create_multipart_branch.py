# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Create the multipart branch."""

revision = "4f2b6c1d9e70"
down_revision = None
branch_labels = ("invenio_multipart",)
depends_on = "dbdbc1b19cf2"  # the first revision of all, invenio-db's


def upgrade():
    """Upgrade database: a branch point changes nothing."""


def downgrade():
    """Downgrade database: a branch point changes nothing."""
