# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# What the S3 servers share. Sourced by their files.
#
# MULTIPART_S3_BUCKET   the bucket that is made, open to any origin by CORS (default: multipart)

S3_KEY=multipart-dev S3_SECRET=multipart-dev-secret S3_REGION=us-east-1
S3_BUCKET=${MULTIPART_S3_BUCKET:-multipart}

# go_tool NAME MODULE@VERSION: builds it once into the cache and sets TOOL.
go_tool() {
  TOOL=$CACHE/$1-${2##*@}/$1
  locked "$1" go_build "$1" "$2"
}

go_build() {
  [ ! -x "$TOOL" ] || return 0
  command -v go >/dev/null || die "Go 1.25 or newer is needed to build $1 (see https://go.dev/dl)"
  local minor
  minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ "${minor:-0}" -ge 25 ] || die "Go 1.25 or newer is needed to build $1, this is $(go env GOVERSION)"
  say "building $1 ${2##*@} (once, 3 to 9 minutes)"
  local work
  work=$(mktemp -d "$CACHE/.$1.XXXXXX")
  GOBIN=$work GOTOOLCHAIN=local go install -trimpath -ldflags '-s -w' "$2" >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; rm -rf "$work"; die "go install $2 failed"; }
  mkdir -p "${TOOL%/*}"
  mv -f "$work/$1" "$TOOL"
  rm -rf "$work"
}

make_bucket() {
  AWS_ACCESS_KEY_ID=$S3_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET \
    python3 "$HERE/make_bucket.py" "http://127.0.0.1:$PORT" "$S3_REGION" "$S3_BUCKET" ||
    die "could not make the bucket $S3_BUCKET"
}

s3_env() {
  cat <<ENV
export S3_ENDPOINT_URL=http://127.0.0.1:$PORT
export S3_ACCESS_KEY_ID=$S3_KEY
export S3_SECRET_ACCESS_KEY=$S3_SECRET
export S3_REGION_NAME=$S3_REGION
export S3_BUCKET=$S3_BUCKET
ENV
}

# sts_env NAME STS_ENDPOINT ROLE_ARN OTHER_ROLE_ARN: for the tests of temporary credentials, which run on each
# server beside the one that all other tests use; hence one variable of its own.
sts_env() {
  cat <<ENV
export STS_SERVER_$1='{"endpoint_url": "http://127.0.0.1:$PORT", "access_key": "$S3_KEY", "secret_key": "$S3_SECRET", "region": "$S3_REGION", "bucket": "$S3_BUCKET", "sts_endpoint_url": "$2", "role_arn": "$3", "other_role_arn": "$4"}'
ENV
}
