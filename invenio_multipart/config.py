# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""Settings. A site overrides any of them in its ``invenio.cfg``."""

from __future__ import annotations

MULTIPART_LINK_EXPIRES_SECONDS = 7 * 24 * 3600
"""How long a part link lives, in seconds, 1 to 604800 (what S3 allows at most).

Long by default: a link is bound to one part of one upload, and large uploads over
slow lines have failed elsewhere when links expired in the middle. Links of
temporary S3 credentials end with those, whatever stands here.
"""

MULTIPART_CONTENT_LINK_EXPIRES_SECONDS = 3600
"""How long a link to the content of a file lives, in seconds, 1 to 604800.

Such links are handed out for a thousand files at once, to who may read them
(``GET /api/records/{id}/content-links``). The links that single files redirect to have
the time that invenio-s3 gives them, ``S3_URL_EXPIRATION``.
"""

MULTIPART_UPLOAD_LIFETIME = 7 * 24 * 3600
"""How long an upload may rest before it is purged, in seconds; 7 days.

Counted from the initiation, and anew from each registration of parts. When it has
passed, parts, file entry and quota reservation are gone. Files of a batch have the
batch's deadline instead.
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

MULTIPART_STRAY_GRACE_SECONDS = 24 * 3600
"""Age, in seconds, at which an upload in the store that no row names is aborted.

None: they are left alone. A copy of a site that uses the original's buckets needs
that: it does not know the original's newer uploads.
"""

MULTIPART_AUDIT_DAYS = 90
"""How long it is kept what the reaper has removed, in days, and so the time within
which ``invenio multipart restore`` can give an object back; 0 keeps it for ever."""

MULTIPART_JOBS_INTERVAL_SECONDS = 60
"""How often due jobs, and jobs of workers that died, are queued; 0 switches it off.

Jobs that are due soon are queued when they are made. This is for the others, so it is
how late a deadline may be kept, and how long a dead worker's job may rest after its
lease of two minutes.
"""

MULTIPART_JOBS_KEEP_SECONDS = 90 * 24 * 3600
"""How long jobs that have ended can still be asked about, in seconds; 0 is for ever.

The reaper deletes what is older. The job that has completed a batch stays with it.
"""

MULTIPART_DEPOSIT_UI = True
"""Whether the deposit page has the uploader of this package.

It is in the page once the site's assets are built with this package installed. False:
the page has InvenioRDM's own uploaders.
"""

MULTIPART_ADMIN_ROLES = ["multipart-admin"]
"""Roles, by name, whose holders may do what administrators of the site may do here.

Superusers, and those who may see the administration panel, need none. A role that a
setting names and nobody has made gives nobody anything.
"""

MULTIPART_S3_PUBLIC_ENDPOINT_URL = None
"""Address of the S3 service as clients of the site reach it, with its scheme.

Only for sites whose servers reach S3 by another (internal) address, which is
``S3_ENDPOINT_URL``. Signed links carry this one. None: both are the same.
"""

MULTIPART_BATCH_MAX_FILES = 10_000
"""How many files one announcement may name, 1 or more.

A draft may take several batches, one after the other; what it may hold in all is
``RDM_RECORDS_MAX_FILES_COUNT``. One announcement is one transaction and one reply:
10,000 files take some seconds and about 6 MB.
"""

MULTIPART_BATCH_OPEN_SECONDS = 24 * 3600
"""How long a batch stays open when the client does not say, in seconds."""

MULTIPART_BATCH_MAX_OPEN_SECONDS = 30 * 24 * 3600
"""How far ahead a client may set the deadline of a batch, in seconds.

Links live seven days at most (S3's limit); a client of a longer batch asks for new
ones. While a batch is open its draft is locked for others.
"""

MULTIPART_BATCH_MAX_TRANSIENT_SECONDS = None
"""How far ahead the end of a transient record may be, in seconds; None: any time."""

MULTIPART_LINK_QUOTA = "full"
"""Whether links to bytes that are there already count in a record's quota.

``full``: like any file. ``none``: not at all.
"""

MULTIPART_LINKER_ROLES = ["multipart-linker"]
"""Roles whose accounts may link objects of the buckets that
``MULTIPART_LINK_LOCATIONS`` names.

Files of records may be linked by everybody who may read them.
"""

MULTIPART_LINK_LOCATIONS: list[str] = []
"""Where objects lie that may be linked in place, as ``s3://bucket/folder/``.

They are read with the site's own credentials (``S3_ACCESS_KEY_ID``), and never
changed or deleted. With a folder, which ends in a slash, only what is below counts.
"""

MULTIPART_LINK_CHECK_SECONDS = 24 * 3600
"""How often each object that was linked in place is looked at, in seconds; 0: never.

One that is gone or has changed is withdrawn from download and shown as inconsistent;
once it is what it was it is given back. A look is one HEAD, done by the reaper, up to
10,000 in a run.
"""

MULTIPART_REMOTE_PRIVATE_HOSTS: list[str] = []
"""Hosts in a private network whose files may be linked to all the same.

Host names or IP addresses, without a port; exactly these. The site's allow list,
``RECORDS_RESOURCES_FILES_ALLOWED_REMOTE_DOMAINS``, must name them as well. Readers
outside that network are sent to an address that means something else to them.
"""

MULTIPART_REMOTE_DNS_SECONDS = 2
"""How long a request waits for the addresses of a host it wants to link to, seconds.

Asked for once for each host of a request. Without an answer in time the link is
refused, and can be tried again.
"""

MULTIPART_DEDUP = "off"
"""Whether a file whose bytes are there already is put onto them, once it is verified.

``off``: never. ``record``: bytes of the same record, in any version. ``readable``: also
those of files that are open to everybody, or of the uploader's own records.

The file stays as it is; its own bytes are freed an hour after ``S3_URL_EXPIRATION``. Only
files of drafts that were never published, in the same location. MD5 is enough between
uploads of one account; between accounts sha256 (``MULTIPART_DIGESTS``) or, without it, a
worker compares the bytes.
"""

MULTIPART_CREATOR_ROLES = None
"""Roles that may make new records by ``POST /uploads``.

None: whoever may create records on this site. A list restricts the endpoint to
accounts with one of these roles, who also need the site's own right to create.
"""

MULTIPART_UPLOADER_ROLES = ["uploader"]
"""Roles whose accounts may announce files for any draft, for service accounts.

Owners and people with edit access need none for their own records.
"""

MULTIPART_STS_ENDPOINT_URL = None
"""Address of the store's STS service, with its scheme; None: this site has none.

Never ``S3_ENDPOINT_URL`` by default and never shown to clients: on some stores a
session that reaches STS can drop its own limits. Batches in the mode
``sts-credentials`` need it.
"""

MULTIPART_STS_ROLE_ARN = None
"""The role that sessions of batches assume; None where the store has no roles (MinIO).

Its own policy should allow no more than writing and listing below the location's
folder of batches: a session's rights never exceed it.
"""

MULTIPART_STS_PROVIDER = "invenio_multipart.storage.sts:AssumeRoleProvider"
"""Import string of the class that issues credentials.

For stores that have temporary credentials by other means than AssumeRole: a
``CredentialProvider`` of the site's own.
"""

MULTIPART_STS_MAX_SECONDS = 12 * 3600
"""Longest life of one session, in seconds, 900 (the least STS knows) to 43200.

A session ends with its batch in any case. Shorter ones are asked for anew by the
client; longer than the role allows is cut to one hour.
"""

MULTIPART_TRANSIENT_REMOVAL_REASON = "transient"
"""Removal reason on the tombstones of transient records; None names none.

An id in the site's vocabulary ``removalreasons``. InvenioRDM brings none that fits, so
add one of this name, or write here which of the others to show. One that does not exist
is left out; the tombstone's note tells the reason in any case.
"""
