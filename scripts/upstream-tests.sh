#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Runs upstream's own file tests, unmodified, against our classes, on real services.
#
#   scripts/upstream-tests.sh            with this package installed
#   scripts/upstream-tests.sh --stock    without it: the numbers to compare with
#
# Further arguments go to pytest. The environment is a lean one without invenio-app-rdm, whose own
# settings and routes clash with the mock modules of the tests; it is made once, in the cache.
#
# UPSTREAM_RECORDS_RESOURCES   a checkout of invenio-records-resources (default: cloned, see below)
# UPSTREAM_S3                  a checkout of invenio-s3 (default: likewise)
# PYTHON                       the interpreter to build the environment with (default: python3)

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/scripts/python-env.sh"

# The tags nearest to the released versions that the environment gets.
RECORDS_RESOURCES_TAG=v10.2.1
S3_TAG=v5.0.1
# (invenio-drafts-resources imports invenio-users-resources without asking for it.)
REQUIREMENTS=("invenio-records-resources[opensearch2,tests]~=10.2.0" "invenio-s3[tests]~=5.1.0"
  "invenio-drafts-resources~=10.1.0" "invenio-users-resources~=11.0")
SERVICES=$ROOT/scripts/services.sh
HERE=$CACHE/upstream

# checkout NAME TAG VARIABLE: prints where upstream's checkout is.
checkout() {
  local name=$1 tag=$2 given=${!3:-} place=$HERE/$1-$2
  if [ -n "$given" ]; then
    [ -d "$given/tests" ] || die "$given is no checkout of $name: there is no folder tests in it"
    echo "$given"
    return
  fi
  if [ ! -d "$place" ]; then
    command -v git >/dev/null || debian git
    rm -rf "$place.part"
    git clone --quiet --depth 1 --branch "$tag" -c advice.detachedHead=false \
      "https://github.com/inveniosoftware/$name" "$place.part" >&2 ||
      die "could not clone $name; set $3 to a checkout of $tag"
    mv "$place.part" "$place"
  fi
  echo "$place"
}

# environment BASE: makes $HERE/venv from upstream's packages alone.
environment() {
  local base=$1 venv=$HERE/venv key
  key=$({ "$base" -VV; echo "${REQUIREMENTS[@]}"; } | sha256sum | cut -d' ' -f1)
  [ "$(cat "$venv/complete" 2>/dev/null)" != "$key" ] || return 0
  rm -rf "$venv"
  "$base" -m venv "$venv" || { debian python3-venv && "$base" -m venv "$venv"; } || die "could not make $venv"
  "$venv/bin/python" -m pip install --quiet uv
  env_install "$venv" -m uv pip install --quiet "${REQUIREMENTS[@]}" ||
    env_install "$venv" -m pip install --quiet "${REQUIREMENTS[@]}" ||
    { tail -n 30 "$venv/install.log" >&2; die "the installation failed"; }
  echo "$key" >"$venv/complete"
}

# database VERB: CREATE or DROP the database of this run.
database() {
  "$PYTHON" - "$1" "$SERVER_URI" "$DATABASE" <<'PY'
import sys
from sqlalchemy import create_engine, text

verb, uri, name = sys.argv[1:]
statement = f"CREATE DATABASE {name}" if verb == "CREATE" else f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
with create_engine(uri, isolation_level="AUTOCOMMIT").connect() as connection:
    connection.execute(text(statement))
PY
}

# run NAME CHECKOUT PATH...: upstream's test folder in a place of its own, so that the installed
# package is tested and not the one in the checkout.
run() {
  local name=$1 source=$2
  shift 2
  mkdir "$WORK/$name"
  cp -R "$source/tests" "$WORK/$name/tests"
  say "tests of $name"
  # "manual" is upstream's mark of a test that sends 8 GB.
  (cd "$WORK/$name" && "$PYTHON" -m pytest -o addopts= -p no:cacheprovider -q -m "not manual" \
    --assert=plain --tb=short --disable-warnings "${PLUGIN[@]}" "$@" "${ARGUMENTS[@]}") || failed+=("$name")
}

started='' DATABASE=multipart_upstream_$$ SERVER_URI='' WORK='' stock=''
cleanup() {
  [ -z "$SERVER_URI" ] || database DROP || true
  [ -z "$WORK" ] || rm -rf "$WORK"
  [ -z "$started" ] || "$SERVICES" stop
}
trap cleanup EXIT

case ${1:-} in
-h | --help) sed -n '5,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
--stock) stock=yes; shift ;;
esac
ARGUMENTS=("$@")
mkdir -p "$HERE"
records_resources=$(checkout invenio-records-resources "$RECORDS_RESOURCES_TAG" UPSTREAM_RECORDS_RESOURCES)
s3=$(checkout invenio-s3 "$S3_TAG" UPSTREAM_S3)

base=${PYTHON:-python3}
locked upstream environment "$base"
PYTHON=$HERE/venv/bin/python
PLUGIN=()
if [ -n "$stock" ]; then
  "$PYTHON" -m uv pip uninstall --quiet --python "$PYTHON" invenio-multipart
else
  "$PYTHON" -m uv pip install --quiet --python "$PYTHON" --editable "$ROOT[s3]"
  export PYTHONPATH=$ROOT/scripts
  PLUGIN=(-p upstream_plugin)
fi

"$SERVICES" status >/dev/null 2>&1 || started=yes
step "starting services" "10 s; 5 minutes the first time" "$SERVICES" start
exports=$("$SERVICES" env)
eval "$exports"
SERVER_URI=$SQLALCHEMY_DATABASE_URI
WORK=$(mktemp -d)
database CREATE
export SQLALCHEMY_DATABASE_URI=${SERVER_URI%/*}/$DATABASE
# pytest-invenio deletes indices by their names: a prefix keeps those of others.
export INVENIO_SEARCH_INDEX_PREFIX=upstream-$$-
export BROKER_URL=memory:// S3_BUCKET=default
# The host of the tests' remote files has no address anywhere; we would refuse it.
export INVENIO_MULTIPART_REMOTE_PRIVATE_HOSTS='["inveniordm.test"]'
AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY \
  python3 "$ROOT/scripts/services/make_bucket.py" "$S3_ENDPOINT_URL" "$S3_REGION_NAME" "$S3_BUCKET"

failed=()
# One test needs ImageMagick, which has nothing to do with uploads.
run invenio-records-resources "$records_resources" tests/resources/test_files_resource.py tests/resources/files \
  tests/services/files --deselect tests/services/files/test_files_processing.py::test_image_meta_extraction
# Its other tests carry files of many MB in their names: six minutes and gigabytes to collect them.
run invenio-s3 "$s3" tests/test_multipart.py
[ ${#failed[@]} -eq 0 ] || die "failed: ${failed[*]}"
