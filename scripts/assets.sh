#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Builds the static files of InvenioRDM's pages, with the uploader of this package in the deposit page.
#
#   scripts/assets.sh          prints the folder with them; builds it first, if something has changed
#
# A result is kept in the cache and known by what it was made from: the installed packages of Invenio, our
# assets, and the files that build it. Nothing of Node runs where it is there already.
#
# MULTIPART_ASSETS   a folder that somebody has built: printed as it is, nothing is built

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$ROOT/scripts/python-env.sh"
. "$ROOT/scripts/node-env.sh"

PNPM=12.21.0
KEPT=6 # results of other checkouts and branches; 40 MB each

[ -z "${MULTIPART_ASSETS:-}" ] || { echo "$MULTIPART_ASSETS"; exit; }

make_static() {
  PATH=$TOOLS/node_modules/.bin:$PATH CI=true \
    "$PYTHON" "$ROOT/scripts/assets/build.py" build "$1" "$CACHE/pnpm-store" >"$1/log" 2>&1
}

build() {
  [ ! -f "$RESULT/dist/manifest.json" ] || return 0
  node_env
  npm_fetch "$TOOLS" "pnpm@$PNPM" pnpm
  local work=$CACHE/assets-work
  mkdir -p "$work"
  step "building the pages' static files" "40 s; 2 minutes the first time" make_static "$work" ||
    { tail -n 40 "$work/log" >&2; die "the static files could not be built; all of it is in $work/log"; }
  grep '^  .*: [0-9.]* s$' "$work/log" >&2 || true
  mkdir -p "${RESULT%/*}"
  mv "$work/static" "$RESULT"
  ls -1dt "$CACHE"/assets/* | tail -n +$((KEPT + 1)) | xargs -r rm -rf
}

python_env
TOOLS=$CACHE/pnpm-$PNPM
RESULT=$CACHE/assets/$("$PYTHON" "$ROOT/scripts/assets/build.py" key)
locked assets build
touch "$RESULT" # used last: kept longest
echo "$RESULT"
