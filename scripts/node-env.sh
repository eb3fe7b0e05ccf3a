# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Node and npm for what is done in JavaScript: building the pages, tests of the page's engine. Sourced.
#
# The system's own Node is used where it is new enough for rspack. Otherwise one comes from npm into the cache,
# and is in the PATH of the script that asked.

NODE=22.23.3

node_new_enough() {
  node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

node_env() {
  command -v npm >/dev/null || debian nodejs npm
  node_new_enough || locked node node_fetch
  node_new_enough || PATH=$CACHE/node-$NODE/node_modules/.bin:$PATH
}

node_fetch() { npm_fetch "$CACHE/node-$NODE" "node@$NODE" node; }

# npm_fetch FOLDER PACKAGE PROGRAM: installs the package there, once; PROGRAM tells whether it is there.
npm_fetch() {
  [ ! -x "$1/node_modules/.bin/${3##*/}" ] || return 0
  say "installing $2 (once)"
  mkdir -p "$1"
  npm install --silent --no-fund --no-audit --prefix "$1" "$2" >"$1/log" 2>&1 ||
    { tail -n 20 "$1/log" >&2; die "npm could not install $2"; }
}
