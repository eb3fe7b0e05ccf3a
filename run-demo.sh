#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# A real InvenioRDM 14 with invenio-multipart, from nothing.
#
#   ./run-demo.sh [FILE]     uploads FILE (or 1 GiB of random data) in parallel parts, kills the upload
#                            half-way, resumes it, publishes, downloads, compares; then stops everything
#   ./run-demo.sh batch      walks through the life of batches with curl, step by step: announce, send,
#                            complete, new version, deadline, transient record, temporary S3 credentials
#   ./run-demo.sh link       files that share bytes: linked from other records and versions, in batches,
#                            and adopted from a bucket
#   ./run-demo.sh serve      starts the instance and leaves it running
#   ./run-demo.sh serve --ui the same with its web pages, to look at the deposit page in a browser;
#                            once more after a change of the page: the running instance has it then
#   ./run-demo.sh stop       stops what serve started; data stays in .demo
#   ./run-demo.sh status     what runs
#
# --storage s3      (default) files go to a real S3 server, versitygw: it is up in a second
# --storage local   files go to a folder, through Invenio; needs no S3 server and no Go
# --sts             batch: on an S3 server with temporary credentials, Ceph or else MinIO; without this
#                   option and without --storage, it is used where it can be had in a minute or so
# --ui              serve: builds the style sheets and scripts of the web pages (Node 18 or newer)
# --fresh           forgets the instance of earlier runs first
#
# .demo/instance.env names the running instance for other programs. MULTIPART_DEMO_PORT fixes its port;
# scripts/services.sh and scripts/python-env.sh tell about their own settings.

. "$(dirname "${BASH_SOURCE[0]}")/scripts/lib.sh"
. "$ROOT/scripts/python-env.sh"
. "$ROOT/scripts/sts.sh"
. "$ROOT/scripts/demo/instance.sh"

usage() { sed -n '5,28s/^# \{0,1\}//p' "$0"; }

command=run file='' storage='' fresh= sts= ui=
while [ $# -gt 0 ]; do
  case $1 in
  --storage) storage=${2:-}; shift ;;
  --storage=*) storage=${1#*=} ;;
  --fresh) fresh=yes ;;
  --sts) sts=yes ;;
  --ui) ui=yes ;;
  -h | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
  batch | link | serve | stop | status)
    # A file of such a name is given as ./serve.
    [ "$command" = run ] && [ -z "$file" ] || { usage >&2; exit 2; }
    command=$1
    ;;
  *)
    [ -z "$file" ] && [ "$command" = run ] || { usage >&2; exit 2; }
    file=$1
    ;;
  esac
  shift
done
case ${storage:-s3} in s3 | local) ;; *) die "--storage is s3 or local" ;; esac
[ -z "$sts" ] || [ "$command" = batch ] || die "--sts goes with batch"
[ -z "$sts" ] || [ "${storage:-s3}" = s3 ] || die "temporary credentials are S3's: --sts goes with --storage s3"

[ -z "$ui" ] || [ "$command" = serve ] || die "--ui goes with serve"

# One process at a time works on .demo; "run" keeps the lock only while it starts and stops things.
mkdir -p "$DEMO"
exclusively() { ( exec 7>"$DEMO/.lock"; flock -n 7 || die "another ./run-demo.sh is starting or stopping this instance"; "$@" ); }

run() {
  # Answers before the long part, so that a typing error costs no minutes.
  [ -z "$file" ] || [ -r "$file" ] || die "$file cannot be read"
  [ -z "$file" ] || [ -f "$file" ] || die "$file is not a file"
  storage=${storage:-s3}
  demo run.py --requests "$DEMO/run/requests.log" --cache "$CACHE" --work "$DEMO/run" ${file:+--file "$file"}
}

batch() {
  choose_storage
  demo batch.py --work "$DEMO/run/batch" ${sts:+--sts}
}

link() {
  storage=${storage:-s3}
  demo link.py --work "$DEMO/run/link"
}

# Temporary credentials are worth a minute, but not the time to build a server that nobody has asked for.
choose_storage() {
  local name why
  if [ -z "$storage$sts$fresh" ] && instance_alive; then
    storage=$(cat "$RUN/storage")
    return
  fi
  [ -z "$storage" ] || [ -n "$sts" ] || return 0
  for name in ceph minio; do
    why=$("sts_hindrance_$name")
    [ -n "$why" ] || { storage=$name sts=yes; return; }
    say "without $name: $why"
  done
  storage=s3
  [ -z "$sts" ] || storage=minio
}

demo() { # demo PROGRAM ARGUMENT...: runs it on the instance, which is stopped afterwards if it did not run before
  local begun=$SECONDS code=0 program=$1
  shift
  was_running=
  ! instance_alive || was_running=yes
  trap '[ -n "$was_running" ] || exclusively instance_stop' EXIT
  exclusively instance_start "$storage" "$fresh"
  python_env
  say
  "$PYTHON" "$ROOT/scripts/demo/$program" --env "$DEMO/instance.env" --storage "$storage" "$@" || code=$?
  say
  say "whole run, start-up included: $((SECONDS - begun)) s"
  if [ "$code" = 0 ]; then say "DEMO PASSED"; else say "DEMO FAILED (logs are in $DEMO/run)"; fi
  exit "$code"
}

case $command in
run) run ;;
batch) batch ;;
link) link ;;
serve)
  storage=${storage:-s3}
  trap 'exclusively instance_stop; say "the instance did not start; its logs are in $DEMO/run"' EXIT
  exclusively instance_start "$storage" "$fresh"
  [ -z "$ui" ] || instance_pages
  trap - EXIT
  say "serving; ./run-demo.sh stop ends it, .demo/instance.env tells where it is:"
  grep -v SECRET "$DEMO/instance.env" | sed '/^TOKEN/s/=.*/=.../' >&2
  ;;
stop) exclusively instance_stop ;;
status) instance_status ;;
esac
