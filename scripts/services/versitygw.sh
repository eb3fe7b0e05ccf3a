# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Versity S3 Gateway (Apache-2.0): a real S3 server over a plain folder, up in a second.

PORT_VARIABLE=MULTIPART_VERSITYGW_PORT PORT_DEFAULT=28070 READY_SECONDS=20
. "$HERE/s3.sh"

VERSITYGW=v1.8.0

service_install() { go_tool versitygw "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW"; }

service_start() {
  # Metadata goes into a folder beside, not into extended attributes: an object's list of parts has no room
  # there on ext4 (4 KiB a file), and an upload of 1,000 parts then cannot be completed.
  # Versions are kept in a third one, of those buckets that a test asks to keep them.
  mkdir -p "$DATA/objects" "$DATA/metadata" "$DATA/versions" "$DATA/iam"
  ROOT_ACCESS_KEY=$S3_KEY ROOT_SECRET_KEY=$S3_SECRET spawn "$PID" "$LOG" "$TOOL" --port "127.0.0.1:$PORT" \
    --region "$S3_REGION" --iam-dir "$DATA/iam" --health /healthz --keep-alive --quiet \
    posix --sidecar "$DATA/metadata" --versioning-dir "$DATA/versions" "$DATA/objects"
}

service_ready() { http_ok "http://127.0.0.1:$PORT/healthz"; }
service_prepare() { make_bucket; }
service_stop() { halt "$PID"; }
service_clean() { :; }
service_env() { s3_env; }
