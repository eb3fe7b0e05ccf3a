# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Settings. A site overrides any of them in its ``invenio.cfg``."""

MULTIPART_LINK_EXPIRES_SECONDS = 7 * 24 * 3600
"""How long a part link lives, in seconds, 1 to 604800 (what S3 allows at most).

Long by default: a link is bound to one part of one upload, and large uploads over
slow lines have failed elsewhere when links expired in the middle. Links of
temporary S3 credentials end with those, whatever stands here.
"""

MULTIPART_UPLOAD_EXPIRES_SECONDS = 30 * 24 * 3600
"""How long an upload may rest before it is purged, in seconds.

Counted from the initiation, and anew from each registration of parts. When it has
passed, parts, file entry and quota reservation are gone.
"""

MULTIPART_VERIFY_INLINE_MAX = 64 * 2**20
"""Files up to this many bytes are read and proved within the commit request.

Larger ones go to a worker. Higher values make commits slower by about three
seconds per GiB; 0 sends everything to workers.
"""

MULTIPART_DIGESTS = ["md5"]
"""Digests computed for every file: ``md5`` always, and any of sha256, sha512.

MD5 is what InvenioRDM shows and what its fixity checks compute. Each further one
costs its own time per byte in the worker, none in reading.
"""

MULTIPART_PUBLISH_REQUIRES = "verified"
"""What a declared whole-file digest must be before the record can be published.

``verified``: proved. ``committed``: the parts and the object are proved, and the
digest may follow; a file that then fails is withdrawn from download. Files without
a declared digest never wait.
"""

MULTIPART_VERIFY_CHECKPOINT_BYTES = 2**30
"""A worker saves its half-done digest after so many bytes, 1 GiB by default.

A worker that dies costs at most the reading of so much; each checkpoint costs one
small database write.
"""

MULTIPART_REAPER_INTERVAL_SECONDS = 600
"""How often overdue and interrupted uploads are looked for; 0 switches it off."""

MULTIPART_S3_PUBLIC_ENDPOINT_URL = None
"""Address of the S3 service as clients of the site reach it, with its scheme.

Only for sites whose servers reach S3 by another (internal) address, which is
``S3_ENDPOINT_URL``. Signed links carry this one. None: both are the same.
"""
