# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# What the tests of temporary credentials need beside the services: S3 servers that issue some, and the
# programs people use with them. Sourced by run-tests.sh. All of it is optional; what is not there is
# skipped by the tests with the reason given here.
#
# MULTIPART_TEST_CEPH    1: Ceph must run; 0: not; default: where it can be installed (root and apt-get)
# MULTIPART_TEST_MINIO   1: MinIO must run (its build takes 4 to 9 minutes); 0: not; default: where it is built

STS_STARTED=''

# sts_prepare: starts the servers, sets STS_SERVER_<NAME> or STS_SKIPPED_<NAME>, AWS_CLI and RCLONE.
sts_prepare() {
  local name wish why names=() jobs=()
  for name in ceph minio; do
    wish=MULTIPART_TEST_${name^^}
    case ${!wish:-} in
    0) why="$wish is 0" ;;
    1) why= ;;
    *) why=$("sts_hindrance_$name") ;;
    esac
    if [ -n "$why" ]; then
      say "without $name: $why"
      export "STS_SKIPPED_${name^^}=$why"
    else
      names+=("$name")
    fi
  done
  [ ${#names[@]} -gt 0 ] || return 0
  for name in "${names[@]}"; do
    sts_services status "$name" >/dev/null 2>&1 || STS_STARTED+=" $name"
  done
  sts_programs &
  jobs=($!)
  step "starting ${names[*]}" "20 s; some minutes the first time" sts_services start "${names[@]}" ||
    { wait "${jobs[0]}" || true; return 1; }
  wait "${jobs[0]}" || return 1
  # Only these: the same output names each of them as the one S3 server of all other tests.
  eval "$(sts_services env "${names[@]}" | grep '^export STS_SERVER_')"
  export AWS_CLI=$CACHE/awscli-1/bin/aws RCLONE
  RCLONE=$(command -v rclone || true)
}

sts_stop() { [ -z "$STS_STARTED" ] || sts_services stop $STS_STARTED; }

# Never from containers, whatever the other services are.
sts_services() { MULTIPART_SERVICES=native "$ROOT/scripts/services.sh" "$@"; }

sts_hindrance_ceph() {
  command -v radosgw >/dev/null || command -v apt-get >/dev/null || { echo "there is no apt-get"; return; }
  [ "$(id -u)" = 0 ] || echo "it needs root"
}

sts_hindrance_minio() {
  compgen -G "$CACHE/minio-*/minio" >/dev/null || echo "it is not built; MULTIPART_TEST_MINIO=1 builds it"
}

# The AWS CLI has an environment of its own: it wants its own release of botocore.
sts_programs() {
  locked awscli sts_awscli || return 1
  command -v rclone >/dev/null || [ "$(id -u)" != 0 ] || debian rclone
}

sts_awscli() {
  [ ! -f "$CACHE/awscli-1/complete" ] || return 0
  say "installing the AWS CLI (once, half a minute)"
  rm -rf "$CACHE/awscli-1"
  python3 -m venv "$CACHE/awscli-1" && "$CACHE/awscli-1/bin/pip" install --quiet 'awscli~=1.40' >&2 || return 1
  : >"$CACHE/awscli-1/complete"
}
