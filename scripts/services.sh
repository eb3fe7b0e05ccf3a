#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# The services that InvenioRDM needs, on loopback, on ports and in a folder of their own.
#
#   scripts/services.sh start|stop|status|env|clean [NAME...]
#
# start   starts what does not run yet, in parallel, and waits until it answers
# env     prints shell exports for what has been started
# status  one line per service; exit code 3 if one of them is down
# clean   stops everything and removes the data
#
# Names: postgresql redis opensearch versitygw (these four by default), minio, ceph.
# Each is a file in scripts/services/, which explains its own settings. With a working Docker daemon
# the same services come from docker-services-cli instead (scripts/services/docker.sh).
#
# MULTIPART_SERVICES_DIR   data, logs and pid files (default: .services in the checkout)
# MULTIPART_SERVICES       "native" or "docker" (default: docker if `docker info` works)
# MULTIPART_<NAME>_PORT    a fixed port for one service (default: the first free one of its range)

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DEFAULT_SERVICES="postgresql redis opensearch versitygw"
DIR=${MULTIPART_SERVICES_DIR:-$ROOT/.services}
HERE=$ROOT/scripts/services

usage() { sed -n '6,22s/^# \{0,1\}//p' "$0"; }

# one SERVICE VERB: in a process of its own, so that services neither share names nor wait in line.
one() (
  name=$1 WHO=$1 DATA=$DIR/$1
  PID=$DATA/pid LOG=$DATA/log PORT_FILE=$DATA/port
  [ -f "$HERE/$1.sh" ] || die "there is no such service"
  . "$HERE/$1.sh"
  PORT=$(cat "$PORT_FILE" 2>/dev/null || true)
  "verb_$2"
)

verb_start() {
  alive "$PID" && { say "runs already on port $PORT"; service_env >"$DATA/env"; return; }
  local begun=$SECONDS
  service_install
  mkdir -p "$DATA"
  # The last port is taken again when it is free, so that a kept instance finds its services.
  if [ -z "$PORT" ] || ! port_free "$PORT"; then PORT=$(pick_port "$PORT_VARIABLE" "$PORT_DEFAULT"); fi
  echo "$PORT" >"$PORT_FILE"
  service_start
  wait_until "$READY_SECONDS" "$PID" "$LOG" service_ready
  service_prepare
  service_env >"$DATA/env"
  say "ready on port $PORT after $((SECONDS - begun)) s"
}

verb_stop() {
  local ran=
  ! alive "$PID" || ran=yes
  # A service may have processes beside the one that PID names: they are stopped even if that one has died.
  service_stop
  rm -f "$DATA/env"
  [ -z "$ran" ] || say "stopped"
}

verb_status() {
  alive "$PID" || { echo "$name: down"; return 3; }
  if service_ready >/dev/null 2>&1; then
    echo "$name: up on 127.0.0.1:$PORT, pid $(cut -d' ' -f1 "$PID")"
  else
    echo "$name: running but not answering on 127.0.0.1:$PORT, see $LOG"
    return 3
  fi
}

verb_env() { alive "$PID" && cat "$DATA/env"; }

verb_clean() { verb_stop; service_clean; rm -rf "$DATA"; }

each() { # each VERB NAME...: in order
  local verb=$1 name worst=0 code
  shift
  for name; do
    code=0
    one "$name" "$verb" || code=$?
    [ "$code" -le "$worst" ] || worst=$code
  done
  return "$worst"
}

start_all() { # in parallel; all are waited for before a failure is told
  local name job jobs=() failed=()
  for name; do
    one "$name" start &
    jobs+=("$name:$!")
  done
  for job in "${jobs[@]}"; do wait "${job#*:}" || failed+=("${job%%:*}"); done
  [ ${#failed[@]} -eq 0 ] || die "could not start: ${failed[*]}"
}

known() { local file; for file in "$DIR"/*/port; do [ -f "$file" ] && basename "${file%/port}"; done; true; }

native() {
  local verb=$1
  shift
  mkdir -p "$DIR"
  case $verb in
  start)
    command -v curl >/dev/null || debian curl ca-certificates
    command -v python3 >/dev/null || debian python3 python3-venv
    # One lock per data folder: two terminals that start the same services wait for each other.
    exec 8>"$DIR/.lock"
    flock 8
    start_all ${*:-$DEFAULT_SERVICES} 8>&-
    ;;
  status) each status ${*:-$DEFAULT_SERVICES} ;;
  env) each env ${*:-$(known)} || true ;;
  stop) each stop ${*:-$(known)} ;;
  clean) each clean ${*:-$(known)}; [ $# -gt 0 ] || rm -rf "$DIR" ;;
  esac
}

mode() {
  [ -z "${MULTIPART_SERVICES:-}" ] || { echo "$MULTIPART_SERVICES"; return; }
  if docker info >/dev/null 2>&1; then echo docker; else echo native; fi
}

verb=${1:-}
shift || true
case $verb in
start | stop | status | env | clean)
  case $(mode) in
  native) native "$verb" "$@" ;;
  docker) . "$HERE/docker.sh"; docker_services "$verb" "$@" ;;
  *) die "MULTIPART_SERVICES must be native or docker" ;;
  esac
  ;;
-h | --help | help) usage ;;
*) usage >&2; exit 2 ;;
esac
