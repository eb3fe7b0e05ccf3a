# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Starts and stops the demo's InvenioRDM. Sourced by run-demo.sh. Everything lives in .demo/:
#   instance/      invenio.cfg, the local files, the accounts' tokens
#   instance.env   what other programs need to know
#   services/      the data of scripts/services.sh
#   run/           logs and pid files

DEMO=$ROOT/.demo
export MULTIPART_SERVICES_DIR=$DEMO/services
INSTANCE=$DEMO/instance RUN=$DEMO/run

instance_alive() { alive "$RUN/web.pid" && alive "$RUN/worker.pid"; }

instance_start() { # instance_start STORAGE FRESH
  local storage=$1 fresh=$2 begun=$SECONDS
  if instance_alive && [ -z "$fresh" ] && [ "$(cat "$RUN/storage")" = "$storage" ]; then
    say "the instance runs already"
    return
  fi
  instance_halt
  if [ -n "$fresh" ]; then
    sts_services clean ceph minio
    "$ROOT/scripts/services.sh" clean
    rm -rf "$INSTANCE" "$DEMO/instance.env" "$RUN"
  fi
  mkdir -p "$INSTANCE" "$RUN"
  prepare "$storage"
  python_env
  eval "$("$ROOT/scripts/services.sh" env)"
  ! has_sts "$storage" || eval "$(sts_services env "$storage")"
  write_config "$storage"
  echo "$storage" >"$RUN/storage"
  export INVENIO_INSTANCE_PATH=$INSTANCE DEMO_REQUEST_LOG=$RUN/requests.log
  # On a new database the set-up must come first; later it is skipped unless something changed.
  [ "$(cat "$INSTANCE/.ready" 2>/dev/null)" = "$(setup_key "$storage")" ] ||
    step "setting up the instance: tables, indices, accounts" "a minute, once" setup "$storage"
  step "starting InvenioRDM and its worker" "20 s" serve
  write_env "$storage"
  say "InvenioRDM is up at $BASE_URL, $((SECONDS - begun)) s after the start"
}

# The Python environment and the services take minutes the first time: both are made at once.
prepare() {
  local services="postgresql redis opensearch" job
  [ "$1" != s3 ] || services="$services versitygw"
  python_env &
  job=$!
  step "starting services" "10 s; 5 minutes the first time" "$ROOT/scripts/services.sh" start $services ||
    { wait "$job" || true; return 1; }
  ! has_sts "$1" ||
    step "starting $1" "20 s; some minutes the first time" sts_services start "$1" ||
    { wait "$job" || true; return 1; }
  wait "$job"
}

# The storages are s3, local, and by their names the S3 servers that have STS.
has_sts() { [ "$1" = ceph ] || [ "$1" = minio ]; }

# What a site's own settings for temporary credentials would be.
sts_settings() {
  local server=STS_SERVER_${1^^}
  python3 - "$1" "${!server}" <<'PYTHON'
import json, sys

name, server = sys.argv[1], json.loads(sys.argv[2])
print(f"MULTIPART_STS_ENDPOINT_URL = {server['sts_endpoint_url']!r}")
if name != "minio":  # it has no roles
    print(f"MULTIPART_STS_ROLE_ARN = {server['role_arn']!r}")
PYTHON
}

write_config() {
  [ -s "$INSTANCE/secret" ] || python3 -c 'import secrets; print(secrets.token_hex(32))' >"$INSTANCE/secret"
  local port
  port=$(cat "$RUN/port" 2>/dev/null || true)
  if [ -z "$port" ] || [ -n "${MULTIPART_DEMO_PORT:-}" ] || ! port_free "$port"; then
    port=$(pick_port MULTIPART_DEMO_PORT 28800)
  fi
  echo "$port" >"$RUN/port"
  BASE_URL=http://127.0.0.1:$port
  local csp
  if [ "$1" = local ]; then csp=; else csp="\"$S3_ENDPOINT_URL\""; fi
  cat >"$INSTANCE/invenio.cfg" <<CFG
# Written by run-demo.sh at each start. invenio-multipart configures itself; only temporary credentials
# need settings, which stand at the end where the S3 server has some.
import sys

sys.path.insert(0, "$ROOT/scripts/demo")
from pages import ManifestLoader, secure_headers

SECRET_KEY = "$(cat "$INSTANCE/secret")"
SITE_UI_URL = "$BASE_URL"
SITE_API_URL = "$BASE_URL/api"
TRUSTED_HOSTS = ["127.0.0.1", "localhost"]

SQLALCHEMY_DATABASE_URI = "$DEMO_DATABASE_URI"
SEARCH_HOSTS = $SEARCH_HOSTS
SEARCH_INDEX_PREFIX = "demo-"
BROKER_URL = CELERY_BROKER_URL = "$BROKER_URL"
CELERY_RESULT_BACKEND = "$CELERY_RESULT_BACKEND"
CACHE_REDIS_URL = "$CACHE_REDIS_URL"
ACCOUNTS_SESSION_REDIS_URL = "$ACCOUNTS_SESSION_REDIS_URL"
RATELIMIT_STORAGE_URI = "$RATELIMIT_STORAGE_URI"
COMMUNITIES_IDENTITIES_CACHE_REDIS_URL = "$COMMUNITIES_IDENTITIES_CACHE_REDIS_URL"

# Plain HTTP on loopback; a browser may send parts to the S3 server.
APP_DEFAULT_SECURE_HEADERS = secure_headers($csp)
SESSION_COOKIE_SECURE = False
DATACITE_ENABLED = False

# Tests and benchmarks talk to this instance as one user from one address.
RATELIMIT_AUTHENTICATED_USER = RATELIMIT_GUEST_USER = "1000000 per minute"

# InvenioRDM allows 10 GB by default; the demo takes whatever the disk holds.
RDM_FILES_DEFAULT_QUOTA_SIZE = RDM_FILES_DEFAULT_MAX_FILE_SIZE = 10**13
FILES_REST_DEFAULT_QUOTA_SIZE = FILES_REST_DEFAULT_MAX_FILE_SIZE = 10**13

# The pages come out plain until ./run-demo.sh serve --ui has built their style sheets and scripts.
WEBPACKEXT_MANIFEST_LOADER = ManifestLoader
APP_RDM_DEPOSIT_NG_FILES_UI_ENABLED = True
CFG
  [ "$1" = local ] || cat >>"$INSTANCE/invenio.cfg" <<CFG

S3_ENDPOINT_URL = "$S3_ENDPOINT_URL"
S3_ACCESS_KEY_ID = "$S3_ACCESS_KEY_ID"
S3_SECRET_ACCESS_KEY = "$S3_SECRET_ACCESS_KEY"
S3_REGION_NAME = "$S3_REGION_NAME"

# Objects below this folder may be linked in place by administrators.
MULTIPART_LINK_LOCATIONS = ["s3://lab/finished/"]
CFG
  ! has_sts "$1" || sts_settings "$1" >>"$INSTANCE/invenio.cfg"
  chmod 600 "$INSTANCE/invenio.cfg" "$INSTANCE/secret"
}

# What a finished set-up depends on.
setup_key() {
  { echo "$1 $DEMO_DATABASE_URI ${S3_BUCKET:-}"
    cat "$ROOT/scripts/demo/setup_instance.py" "$ROOT/.python/complete" 2>/dev/null || true
    find "$ROOT/invenio_multipart" -path '*/alembic/*.py' -print0 2>/dev/null | sort -z | xargs -0r cat
  } | sha256sum | cut -d' ' -f1
}

setup() {
  local name=$1 uri=$INSTANCE/files
  if [ "$1" = local ]; then mkdir -p "$uri"; else uri=s3://$S3_BUCKET; fi
  (umask 077
   "$PYTHON" "$ROOT/scripts/demo/setup_instance.py" "$name" "$uri" >"$INSTANCE/tokens.new" 2>"$RUN/setup.log") ||
    { tail -n 20 "$RUN/setup.log" >&2; return 1; }
  grep '^  ' "$RUN/setup.log" >&2 || true
  mv "$INSTANCE/tokens.new" "$INSTANCE/tokens"
  setup_key "$1" >"$INSTANCE/.ready"
}

serve() {
  # Threads let two processes hold many slow connections; --preload loads InvenioRDM once for both.
  spawn "$RUN/web.pid" "$RUN/web.log" "$PYTHON" -m gunicorn --chdir "$ROOT/scripts/demo" --bind "127.0.0.1:${BASE_URL##*:}" \
    --workers 2 --worker-class gthread --threads 8 --preload --timeout 300 --graceful-timeout 5 wsgi:application
  spawn "$RUN/worker.pid" "$RUN/worker.log" "$PYTHON" -m celery -A invenio_app.celery worker --beat \
    --schedule "$RUN/beat" --concurrency 2 --loglevel INFO --without-gossip --without-mingle
  wait_until 120 "$RUN/web.pid" "$RUN/web.log" http_ok "$BASE_URL/api/records?size=1"
  wait_until 120 "$RUN/worker.pid" "$RUN/worker.log" grep -q ' ready\.$' "$RUN/worker.log"
}

write_env() {
  local name
  [ "$1" != local ] || S3_ENDPOINT_URL='' S3_ACCESS_KEY_ID='' S3_SECRET_ACCESS_KEY='' S3_BUCKET=''
  local INSTANCE_PATH=$INSTANCE
  (umask 077
   cat "$INSTANCE/tokens" >"$DEMO/instance.env.new"
   for name in BASE_URL S3_ENDPOINT_URL S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY S3_BUCKET INSTANCE_PATH PYTHON; do
     printf '%s=%q\n' "$name" "${!name}"
   done >>"$DEMO/instance.env.new")
  mv "$DEMO/instance.env.new" "$DEMO/instance.env"
}

# The running instance reads the list of style sheets and scripts again when it leads to another one.
instance_pages() {
  local static
  static=$("$ROOT/scripts/assets.sh") || die "the pages could not be built"
  ln -sfn "$static" "$INSTANCE/static"
  say "the pages are at $(. "$DEMO/instance.env"; echo "$BASE_URL")/uploads/new"
  say "accounts: owner@multipart.example.org, other@..., admin@...; password: multipart-demo"
}

# Only the instance: web, worker, and their children (both masters take theirs with them).
instance_halt() {
  halt "$RUN/web.pid" 10 &
  halt "$RUN/worker.pid" 15
  wait
  [ ! -d "$RUN" ] || : >"$RUN/worker.log" # its "ready" line is what the next start waits for
}

instance_stop() {
  rm -f "$DEMO/instance.env" # it names a running instance
  instance_halt
  sts_services stop
  "$ROOT/scripts/services.sh" stop
  say "stopped; data stays in .demo"
}

instance_status() {
  local code=0
  if instance_alive; then echo "InvenioRDM: up at http://127.0.0.1:$(cat "$RUN/port"), storage $(cat "$RUN/storage")"; else echo "InvenioRDM: down"; code=3; fi
  "$ROOT/scripts/services.sh" status || code=3
  return "$code"
}
