#!/bin/sh
# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Sends files to a repository, which has made this script for one batch of files. It
# needs a shell and curl. Who has it can send these files and nothing else, until the
# time of the batch is over: keep it to yourself.

batch=@BATCH@
grant=@GRANT@
until=@UNTIL@

usage="\
usage: sh upload.sh [--from DIR] [--jobs N] [--no-complete] [FILE or FOLDER...]

Sends the files that were announced for the batch, or those of them that are named,
and completes the batch once nothing is missing. Run it again to go on after a failure:
what has arrived is not sent again.

  --from DIR      the folder that announced names begin in (default: this one)
  --jobs N        requests at a time, 1 to 32 (default: 4)
  --no-complete   leave the batch open when all is sent
  --help          this text

exit codes:
  0    sent; and the batch is complete, unless it was to be left open, or files are
       still missing that were not named here
  1    something could not be sent, or there is no answer: run it again
  2    wrong usage
  3    files are missing here, or differ from what was announced
  4    the batch is over, or the repository refuses it
  130  interrupted: run it again

Parts of large files are copied to \$TMPDIR (/tmp) to be sent, one for each request."

say() { printf '%s\n' "$*"; }
fail() { code=$1; shift; say "upload.sh: $*" >&2; exit "$code"; }

set -f # Names are never patterns.
from=. jobs=4 tries=8 complete=yes left=$#
while [ "$left" -gt 0 ]; do
  option=$1 left=$((left - 1)); shift
  case $option in
    --from | --jobs)
      [ "$left" -gt 0 ] || fail 2 "$option needs a value."
      if [ "$option" = --from ]; then from=${1%/}; else jobs=$1; fi
      left=$((left - 1)); shift ;;
    --no-complete) complete= ;;
    --help) say "$usage"; exit 0 ;;
    -?*) fail 2 "there is no option $option; see --help. (A file of this name: ./$option)" ;;
    *) set -- "$@" "$option" ;; # Files go to the end of the list, and stay.
  esac
done
case $jobs in [1-9] | [12][0-9] | 3[0-2]) ;; *) fail 2 "--jobs is a number from 1 to 32." ;; esac
while case $from in ./*) ;; *) false ;; esac; do from=${from#./}; done
[ -n "$from" ] || from=.
[ -d "$from/" ] || fail 2 "there is no folder $from."
command -v curl >/dev/null || fail 2 "curl is needed."

umask 077
tmp=$(mktemp -d "${TMPDIR:-/tmp}/upload.XXXXXX") || exit 1
child='' workers=''
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2086,SC2154 # They are several; and child is set by ask.
trap 'kill $workers $child 2>/dev/null; wait; say "Interrupted; run it again." >&2; exit 130' HUP INT TERM

# ask URL REPLY CURL-ARGUMENTS...: a request, again while that may help; its answer goes
# to the file REPLY. Sets $status, and succeeds if that is 2xx. The URL is a secret, so
# it does not stand where the list of processes shows it.
ask() {
  url=$1 reply=$2 try=1 pause=1
  shift 2
  while :; do
    : >"$reply"
    printf 'url = "%s"\n' "$url" | curl -gsS -K - -o "$reply" -w '%{http_code}\n' -H Expect: \
      --connect-timeout 30 --speed-limit 1 --speed-time 300 "$@" >"$reply.status" 2>"$reply.error" &
    child=$!
    wait "$child"
    ended=$? child=
    read -r status <"$reply.status" || status=000
    case $ended,$status in
      0,2??) return 0 ;;
      26,* | *,3?? | *,40[!8] | *,4[13]? | *,42[!59]) return 1 ;; # Also: the file cannot be read.
    esac
    [ "$try" -lt "$tries" ] || return 1
    sleep "$pause"
    try=$((try + 1)) pause=$((pause * 2))
  done
}

# said REPLY NAME: a text in an answer of the repository (JSON), or of the store (XML)
said() { sed -n 's/.*"'"$2"'": *"\([^"]*\)".*/\1/p; s/.*<'"$2"'>\([^<]*\)<.*/\1/p' "$1" | head -n 1; }

# why REPLY: what to tell about a request that failed
why() {
  text=$(said "$1" message)
  [ -n "$text" ] || text=$(said "$1" Message)
  [ -n "$text" ] || [ "$status" != 000 ] || text=$(cat "$1.error")
  say "${text:-no reason given} (status $status)"
}

# give_up REPLY: the repository does not answer, or refuses, a request about the batch
give_up() {
  case $(said "$1" code),$status in
    grant_expired,*) fail 4 "the time of this batch was over at $until. Announce the files anew and get a new script." ;;
    *,401 | *,403) fail 4 "$(why "$1") Announce the files anew and get a new script." ;;
    *,4??) fail 4 "$(why "$1")" ;;
    *) fail 1 "$(why "$1") Run it again to go on." ;;
  esac
}

# octal HH: sets $octal, how printf %b wants a byte
octal() { byte=$((0x$1)); octal=\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8)); }

# decode NAME: sets $key, the name without the quoting of URLs
decode() {
  rest=$1 key=
  while case $rest in *%*) ;; *) false ;; esac; do
    key=$key${rest%%\%*} rest=${rest#*%}
    octal "${rest%"${rest#??}"}"
    key=$key$octal rest=${rest#??}
  done
  key=$(printf %b "$key$rest")
}

if command -v md5sum >/dev/null; then md5_of() { md5sum | cut -c 1-32; }
elif command -v md5 >/dev/null; then md5_of() { md5 -q; }
elif command -v openssl >/dev/null; then md5_of() { openssl md5 -r | cut -c 1-32; }
else md5_of() { say -; }
fi

# content_md5 HEX: the form of HTTP's header, by which the store checks what comes
content_md5() {
  rest=${1#-} bytes=
  while [ -n "$rest" ]; do
    octal "${rest%"${rest#??}"}"
    bytes=$bytes$octal rest=${rest#??}
  done
  printf %b "$bytes" | { base64 || openssl base64; } 2>/dev/null
}

# shellcheck disable=SC2012 # Others would read the file, or are not the same everywhere.
size_of() { ls -lnLd -- "$1" 2>/dev/null | awk 'NR == 1 { print $5 }'; }

# check file NAME SIZE MD5: whether a file is here, and is what was announced
check() {
  decode "$2"
  file=$from/$key problem=
  if [ ! -f "$file" ] || [ ! -r "$file" ]; then problem="is not here, or cannot be read."
  elif size=$(size_of "$file"); [ "$3" != - ] && [ "$size" != "$3" ]; then
    problem="has $size bytes; announced are $3."
  elif [ "$4" != - ] && md5=$(md5_of <"$file") && [ "$md5" != - ] && [ "$md5" != "$4" ]; then
    problem="has the MD5 $md5; announced is $4."
  fi
  [ -z "$problem" ] || { say "$key $problem" >&2; say "$2" >>"$tmp/bad"; }
}

# send put NAME CONTENT-MD5 URL
# send part NAME OFFSET SIZE CONTENT-MD5 URL
send() {
  ! grep -Fqx -e "$2" "$tmp/bad" || return 0
  decode "$2"
  file=$from/$key what=$key
  if [ "$1" = put ]; then md5=${3#-} url=$4
  else
    what="$key from byte $3" piece=$tmp/part.$worker md5=${5#-} url=$6
    # dd finds the place at once; not every tail does.
    if [ $(($3 % 65536)) = 0 ]; then dd if="$file" bs=65536 skip=$(($3 / 65536)) 2>/dev/null
    else tail -c +$(($3 + 1)) <"$file"
    fi | head -c "$4" >"$piece"
    if [ "$(size_of "$piece")" != "$4" ]; then
      say "$what: it cannot be read, or there is no room in $tmp." >&2
      say "$2" >>"$tmp/unsent"
      return
    fi
    file=$piece
  fi
  # Not every store takes a header that the URL was not signed for; most do.
  ours=
  if [ -z "$md5" ] && [ ! -f "$tmp/signed-only" ]; then ours=$(content_md5 "$(md5_of <"$file")"); fi
  md5=$md5$ours
  until ask "$url" "$tmp/reply.$worker" -T "$file" ${md5:+-H "Content-MD5: $md5"}; do
    if [ -n "$ours" ] && grep -q HeadersNotSigned "$tmp/reply.$worker"; then
      : >"$tmp/signed-only"
      ours='' md5=''
    else
      say "$what: $(why "$tmp/reply.$worker")" >&2
      say "$2" >>"$tmp/unsent"
      return
    fi
  done
  say "sent $what"
}

# each FUNCTION LIST: call it with the words of each line, $jobs at a time
each() {
  worker=0
  while [ "$worker" -lt "$jobs" ]; do
    (
      trap 'kill $child 2>/dev/null; exit 1' TERM
      number=0
      # shellcheck disable=SC2086 # A line is meant to be split.
      while read -r line; do
        number=$((number + 1))
        [ $((number % jobs)) != "$worker" ] || "$1" $line
      done <"$2"
    ) &
    workers="$workers $!" worker=$((worker + 1))
  done
  wait
  workers=
}

# list: what is there and what is missing, to $tmp/list; fails if the batch is completing
list() {
  next="$batch/files?format=lines&X-Upload-Credential=$grant"
  while [ -n "$next" ]; do
    if ! ask "$next" "$tmp/page"; then
      case $(said "$tmp/page" state) in
        completed) say "The batch is complete already."; exit 0 ;;
        completing) return 1 ;;
      esac
      give_up "$tmp/page"
    fi
    cat "$tmp/page" >>"$tmp/list"
    next=$(sed -n 's/^next //p' "$tmp/page")
  done
}

# choose ARGUMENTS...: sort the lines of the list by what is to be done; an argument
# stands for the file of this name, or for all below this folder
choose() {
  : >"$tmp/files"; : >"$tmp/sends"; : >"$tmp/bad"
  there=0 others=0 links=0 failed=0
  while read -r word name words; do
    decode "$name"
    wanted=yes number=0
    [ $# = 0 ] || wanted=
    for argument; do
      number=$((number + 1)) path=${argument%/}/
      while case $path in ./*) ;; *) false ;; esac; do path=${path#./}; done
      path=${path#"$from/"}
      case $key/ in "$path"*) ;; *) continue ;; esac
      wanted=yes
      : >"$tmp/named.$number"
    done
    case $word,$wanted in
      have,*) there=$((there + 1)) ;;
      link,*) links=$((links + 1)) ;;
      failed,*) failed=$((failed + 1)); say "$key is not what was announced, and cannot be sent again." >&2 ;;
      file,yes) say "file $name $words" >>"$tmp/files" ;;
      put,yes | part,yes) say "$word $name $words" >>"$tmp/sends" ;;
      file,) others=$((others + 1)) ;;
    esac
  done <"$tmp/list"
  number=0
  for argument; do
    number=$((number + 1))
    [ -f "$tmp/named.$number" ] || fail 3 "$argument was not announced for this batch."
  done
}

# finish: complete the batch, and wait until that is done
finish() {
  ask "$batch/complete?X-Upload-Credential=$grant" "$tmp/done" -X PUT || give_up "$tmp/done"
  job=$(said "$tmp/done" job_url) pause=1
  say "All is sent; the repository is completing the batch."
  while ask "$job" "$tmp/job" || give_up "$tmp/job"; do
    case $(said "$tmp/job" status) in
      SUCCESS) say "The batch is complete."; exit 0 ;;
      FAILURE) fail 4 "the batch could not be completed: $(said "$tmp/job" message)" ;;
      REVOKED) fail 4 "the completion was called off." ;;
    esac
    sleep "$pause"
    pause=$((pause < 10 ? pause + 1 : 10))
  done
}

if list; then
  choose "$@"
  [ "$failed" = 0 ] || fail 4 "the batch cannot be completed. Abort it, and announce the files anew."
  [ "$there" = 0 ] || say "$there files are there already."
  each check "$tmp/files"
  each send "$tmp/sends"
  [ ! -f "$tmp/unsent" ] || fail 1 "not everything could be sent. Run it again to go on."
  [ ! -s "$tmp/bad" ] || fail 3 "the files named above are not sent, and the batch is not completed."
  [ "$others" = 0 ] || { say "Sent. $others announced files are still missing."; exit 0; }
  [ -n "$complete" ] || { say "Sent. The batch is left open."; exit 0; }
  [ "$links" = 0 ] || ask "$batch/links?X-Upload-Credential=$grant" "$tmp/links" -X PUT || give_up "$tmp/links"
fi
finish
