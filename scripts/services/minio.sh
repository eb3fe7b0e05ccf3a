# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# MinIO (AGPL-3.0, no longer maintained by its authors): a second opinion on S3, and a server with STS.
# Not started by default. Its env replaces versitygw's when both run and it is asked for by name.

PORT_VARIABLE=MULTIPART_MINIO_PORT PORT_DEFAULT=28090 READY_SECONDS=60
. "$HERE/s3.sh"

MINIO=v0.0.0-20260212201848-7aac2a2c5b7c

service_install() { go_tool minio "github.com/minio/minio@$MINIO"; }

service_start() {
  mkdir -p "$DATA/objects" "$DATA/home"
  HOME=$DATA/home MINIO_ROOT_USER=$S3_KEY MINIO_ROOT_PASSWORD=$S3_SECRET MINIO_REGION=$S3_REGION \
    MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CALLHOME_ENABLE=off MINIO_API_CORS_ALLOW_ORIGIN='*' \
    spawn "$PID" "$LOG" "$TOOL" server --quiet --address "127.0.0.1:$PORT" --certs-dir "$DATA/home/certs" "$DATA/objects"
}

service_ready() { http_ok "http://127.0.0.1:$PORT/minio/health/ready"; }
service_prepare() { make_bucket; }
service_stop() { halt "$PID"; }
service_clean() { :; }
service_env() {
  s3_env
  # There are no roles: whatever is named, a session has its caller's rights, cut by the session policy.
  sts_env MINIO "http://127.0.0.1:$PORT" arn:aws:iam::000000000000:role/uploader arn:aws:iam::000000000000:role/other
}
