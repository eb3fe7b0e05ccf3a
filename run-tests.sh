#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Runs the tests on real services, from nothing.
#
#   ./run-tests.sh                      all tests
#   ./run-tests.sh tests/core -k plan   any arguments of pytest
#
# All tests are run by two workers, each with a site of its own, where there are two processors;
# tests that are chosen are run by one. (-n of pytest-xdist says otherwise.)
#
# The tests of the deposit page follow: the engine's with Node, and those in a real browser (tests/browser), for
# which the pages are built (scripts/assets.sh) and Chromium is used as the system has it. MULTIPART_CHROMIUM
# names another one.
#
# Services that run already (scripts/services.sh start) are used and left running; others are started,
# and stopped at the end. scripts/services.sh, scripts/python-env.sh and scripts/sts.sh tell about
# their settings.

. "$(dirname "${BASH_SOURCE[0]}")/scripts/lib.sh"
. "$ROOT/scripts/python-env.sh"
. "$ROOT/scripts/node-env.sh"
. "$ROOT/scripts/sts.sh"

SERVICES=$ROOT/scripts/services.sh

started=''
cleanup() {
  sts_stop
  [ -z "$started" ] || "$SERVICES" stop ${started#all}
}
trap cleanup EXIT

prepare() {
  local job state program
  # Both take minutes the first time, so they are done at once.
  (python_env) &
  job=$!
  # Only what is down now is ours to stop. (Containers are not listed like that, and stop together.)
  if ! state=$("$SERVICES" status 2>/dev/null); then
    started=$(sed -n 's/: down$//p' <<<"$state" | tr '\n' ' ')
    started=${started:-all}
  fi
  step "starting services" "10 s; 5 minutes the first time" "$SERVICES" start || { wait "$job" || true; exit 1; }
  wait "$job" || die "the Python environment could not be made"
  python_env
  # What tests of scripts run, and check them with; without them these tests are skipped.
  for program in busybox curl dash jq shellcheck; do
    command -v "$program" >/dev/null || [ "$(id -u)" != 0 ] || debian "$program"
  done
}

# pytest takes paths and options mixed; without a path it gets our folder.
names_a_path() {
  local argument
  for argument; do [ ! -e "$ROOT/${argument%%::*}" ] || return 0; done
  return 1
}

# wants FOLDER ARGUMENT...: whether tests of tests/FOLDER are to be run.
wants() {
  local folder=$1 argument
  shift
  names_a_path "$@" || return 0
  for argument; do
    case ${argument%%::*} in tests | tests/ | "tests/$folder" | "tests/$folder/"*) return 0 ;; esac
  done
  return 1
}

# The engine of the deposit page, which needs no page.
node_tests() {
  node_env
  find "$ROOT/tests/js" -name '*.test.js' -print0 | sort -z | xargs -0 node --test
}

# Found by the names that it has in Debian, in Ubuntu and on machines of GitHub.
browser_prepare() {
  local name
  if [ -z "${MULTIPART_CHROMIUM:-}" ]; then
    for name in chromium chromium-browser google-chrome; do
      MULTIPART_CHROMIUM=$(command -v "$name") && break
    done
    [ -n "$MULTIPART_CHROMIUM" ] || { debian chromium && MULTIPART_CHROMIUM=$(command -v chromium); } || return 1
  fi
  MULTIPART_ASSETS=$("$ROOT/scripts/assets.sh") || return 1
  export MULTIPART_CHROMIUM MULTIPART_ASSETS
}

# run CMD...: the first failure is what this script ends with.
run() {
  local result=0
  "$@" || result=$?
  [ "$code" != 0 ] || code=$result
}

# The servers with temporary credentials are for some tests only.
wants_sts() {
  names_a_path "$@" || return 0
  local argument
  for argument; do
    case ${argument%%::*} in tests | tests/ | tests/storage | tests/storage/ | tests/storage/sts* | tests/services | tests/services/ | tests/services/test_batch_sessions* | tests/browser | tests/browser/ | tests/browser/test_handover*) return 0 ;; esac
  done
  return 1
}

cd "$ROOT"
begun=$SECONDS
prepare
! wants_sts "$@" || sts_prepare || die "the servers with temporary credentials could not be started"
environment=$("$SERVICES" env)
eval "$environment"
code=0
if names_a_path "$@"; then
  ! wants browser "$@" || browser_prepare || die "the tests in a browser could not be prepared"
  ! wants js "$@" || run node_tests
  # pytest finds nothing to do in a folder of JavaScript.
  case "$*" in tests/js | tests/js/) ;; *) run "$PYTHON" -m pytest "$@" ;; esac
else
  workers=()
  [ "$(nproc)" = 1 ] || workers=(-n 2 --dist worksteal)
  run "$PYTHON" -m pytest tests --ignore=tests/browser "${workers[@]}" "$@"
  # Those in a browser come last: their sites and browsers are enough work for the machine.
  if [ $# = 0 ]; then
    run node_tests
    browser_prepare || die "the tests in a browser could not be prepared"
    run "$PYTHON" -m pytest tests/browser "${workers[@]}"
  fi
fi
# Our words come after pytest's own closing line, which stays what it is.
if [ "$code" = 0 ]; then say "TESTS PASSED in $((SECONDS - begun)) s"; else say "TESTS FAILED (pytest: $code) after $((SECONDS - begun)) s"; fi
exit "$code"
