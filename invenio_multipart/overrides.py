# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Upstream settings this package changes by being installed.

Loaded through the ``invenio_config.module`` entry point, before ``invenio.cfg``: a
site's own values win.
"""

RECORDS_RESOURCES_TRANSFERS = [
    "invenio_records_resources.services.files.transfer:LocalTransfer",
    "invenio_records_resources.services.files.transfer:FetchTransfer",
    "invenio_multipart.transfers.link:FileLinkTransferType",
    "invenio_multipart.transfers.multipart:MultipartTransferType",
]
"""All of upstream's, with ours for the letters R and M."""

FILES_REST_STORAGE_FACTORY = "invenio_multipart.storage.factory:storage_factory"
"""Picks the storage by the scheme of the URI."""

FILES_REST_SIZE_LIMITERS = "invenio_multipart.records.quota.size_limiters"
"""Upstream's own limits, but for links where these are free."""

APP_RDM_DEPOSIT_FORM_TEMPLATE = "invenio_multipart/deposit.html"
"""InvenioRDM's page, with our uploader where ``MULTIPART_DEPOSIT_UI`` says so."""

APP_RDM_RECORD_LANDING_PAGE_TEMPLATE = "invenio_multipart/record.html"
"""InvenioRDM's page; its list of files tells what was said about each."""

S3_BUCKET_CORS_RULES = [
    {
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedOrigins": ["*"],
        "ExposeHeaders": ["ETag"],
    }
]
"""What ``invenio s3 create-bucket`` sets: browsers may also send parts.

Upstream's rules allow reading only. Every request still needs a signed link.
"""
