# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Shell ground under every script of the project: messages, locks, ports, processes, packages.
# Sourced, never run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/invenio-multipart
mkdir -p "$CACHE"

# Everything talks to loopback, where a proxy from the environment has no business.
export NO_PROXY=${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost
export no_proxy=$NO_PROXY

WHO=${WHO:-}
say() { echo "${WHO:+[$WHO] }$*" >&2; }
die() { say "$*"; exit 1; }

# step TEXT USUALLY CMD...: one line before, one after, with the time it took.
step() {
  local text=$1 usually=$2 begun=$SECONDS
  shift 2
  say "$text (usually $usually) ..."
  "$@" || { say "$text: FAILED after $((SECONDS - begun)) s"; return 1; }
  say "$text: done in $((SECONDS - begun)) s"
}

# locked NAME CMD...: two checkouts never build the same cache entry at once.
locked() {
  local lock=$CACHE/.$1.lock
  shift
  ( exec 9>"$lock"
    flock -n 9 || { say "waiting for another run that prepares the same thing"; flock 9; }
    "$@" 9>&- )
}

# --- Processes -----------------------------------------------------------------------------------
# A pid alone does not name a process: pids are reused, and in a container without an init a dead
# child may stay a zombie for ever. So a pid file holds "pid start-time".

start_time() {
  # The command name in /proc/PID/stat may hold blanks: drop it with its bracket, then count.
  sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" && $1 != "X" { print $20 }'
}

alive() { # alive PIDFILE
  local pid since
  [ -s "$1" ] && read -r pid since <"$1" && [ -n "$since" ] && [ "$(start_time "$pid")" = "$since" ]
}

# spawn PIDFILE LOGFILE CMD...: in the background, in a session of its own (no terminal's Ctrl-C).
spawn() {
  local pidfile=$1 log=$2 pid
  shift 2
  setsid "$@" >>"$log" 2>&1 </dev/null 7>&- 8>&- 9>&- & # no lock may live as long as a server
  pid=$!
  sleep 0.1 # setsid has replaced itself by the command then; the start time stays
  echo "$pid $(start_time "$pid")" >"$pidfile"
}

# halt PIDFILE [SECONDS] [SIGNAL]: ask, wait, then KILL; only what we started.
halt() {
  local pid since i
  if alive "$1"; then
    read -r pid since <"$1"
    kill "-${3:-TERM}" "$pid" 2>/dev/null || true
    for ((i = 0; i < ${2:-15} * 10; i++)); do
      alive "$1" || break
      sleep 0.1
    done
    alive "$1" && kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$1"
}

# wait_until SECONDS PIDFILE LOGFILE CMD...: until CMD succeeds; dies at once if the process does.
wait_until() {
  local seconds=$1 pidfile=$2 log=$3 i
  shift 3
  for ((i = 0; i < seconds * 5; i++)); do
    "$@" >/dev/null 2>&1 && return 0
    alive "$pidfile" || { tail -n 20 "$log" >&2; die "it ended while starting, see $log"; }
    sleep 0.2
  done
  tail -n 20 "$log" >&2
  die "no answer within $seconds s, see $log"
}

http_ok() { curl --silent --fail --output /dev/null --max-time 2 --noproxy '*' "$1"; }

# --- Ports ---------------------------------------------------------------------------------------

port_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# pick_port VARIABLE DEFAULT: the port that VARIABLE asks for, or the first free one from DEFAULT.
pick_port() {
  local port=${!1:-}
  if [ -n "$port" ]; then
    port_free "$port" || die "port $port ($1) is in use; choose another one"
  else
    for ((port = $2; port < $2 + 50; port++)); do port_free "$port" && break; done
    [ "$port" -lt $(($2 + 50)) ] || die "no free port from $2 to $port; set $1"
  fi
  echo "$port"
}

# --- Debian packages -----------------------------------------------------------------------------

# debian PACKAGE...: installs them if we may, says what is missing otherwise.
debian() { locked apt debian_install "$@"; }

debian_install() {
  local package missing=()
  for package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "please install: ${missing[*]} (these are Debian's names)"
  [ "$(id -u)" = 0 ] || die "missing Debian packages; please run: sudo apt-get install ${missing[*]}"
  say "installing ${missing[*]} with apt-get"
  local policy=/usr/sbin/policy-rc.d ours=
  if [ ! -e "$policy" ]; then
    # Debian would start system-wide servers on the usual ports; we want the programs only.
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    ours=yes
  fi
  local done_well=yes
  apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "${missing[@]}" >"$CACHE/apt.log" 2>&1 || done_well=
  [ -z "$ours" ] || rm -f "$policy"
  [ -n "$done_well" ] || { tail -n 20 "$CACHE/apt.log" >&2; die "apt-get could not install ${missing[*]}"; }
}
