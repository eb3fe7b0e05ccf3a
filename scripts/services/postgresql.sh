# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# PostgreSQL: a cluster of our own, for user "invenio" on loopback without a password, holding the
# databases "invenio" (tests) and "demo".

PORT_VARIABLE=MULTIPART_POSTGRESQL_PORT PORT_DEFAULT=28432 READY_SECONDS=30

# The newest server on this machine, wherever the distribution keeps it.
bin_dir() {
  local dir
  dir=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
  [ -n "$dir" ] || dir=$(dirname "$(command -v initdb || echo /nowhere/initdb)")
  [ -x "$dir/initdb" ] && echo "$dir"
}

# PostgreSQL refuses to run as root: then it runs as Debian's user "postgres".
as_owner() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups --reset-env env LC_ALL=C.UTF-8 "$@"
  else
    LC_ALL=C.UTF-8 "$@"
  fi
}

# The cluster's folder. A checkout below /root cannot be entered by "postgres": the cluster then lives
# in /var/tmp, in a folder named after the one where it should be.
cluster_dir() {
  if [ "$(id -u)" = 0 ] && ! as_owner test -x "$DATA" 2>/dev/null; then
    echo "/var/tmp/invenio-multipart-$(printf %s "$DATA" | cksum | cut -d' ' -f1)"
  else
    echo "$DATA/cluster"
  fi
}

sql() { as_owner "$(bin_dir)/psql" -qAtX -h 127.0.0.1 -p "$PORT" -U invenio -d postgres -c "$1"; }

service_install() { bin_dir >/dev/null || debian postgresql; }

service_start() {
  local bin cluster
  bin=$(bin_dir) || die "no PostgreSQL server was found"
  cluster=$(cluster_dir)
  if [ ! -f "$cluster/ready" ]; then
    rm -rf "$cluster"
    mkdir -p -m 700 "$cluster"
    [ "$(id -u)" != 0 ] || chown postgres: "$cluster"
    (cd / && as_owner "$bin/initdb" -D "$cluster" -U invenio -A trust -E UTF8 --locale=C.UTF-8 --no-sync) >>"$LOG" 2>&1 ||
      { tail -n 5 "$LOG" >&2; die "initdb failed"; }
    touch "$cluster/ready"
  fi
  # Nothing here must survive a power cut, and tests commit all the time: with fsync, full_page_writes
  # and synchronous_commit off a commit costs no disk wait. A crash of a *process* (which is what the
  # fault tests cause) still loses nothing, for the kernel holds the written pages.
  cd /
  as_owner_spawn "$bin/postgres" -D "$cluster" -p "$PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 -c shared_buffers=128MB \
    -c logging_collector=off
}

as_owner_spawn() {
  if [ "$(id -u)" = 0 ]; then
    spawn "$PID" "$LOG" setpriv --reuid=postgres --regid=postgres --init-groups env LC_ALL=C.UTF-8 "$@"
  else
    spawn "$PID" "$LOG" env LC_ALL=C.UTF-8 "$@"
  fi
}

service_ready() { sql 'SELECT 1'; }

service_prepare() {
  local database
  for database in invenio demo; do
    [ "$(sql "SELECT 1 FROM pg_database WHERE datname = '$database'")" = 1 ] || sql "CREATE DATABASE $database"
  done
}

# INT is PostgreSQL's "fast" shutdown; TERM would wait for every client to leave.
service_stop() { halt "$PID" 20 INT; }
service_clean() { rm -rf "$(cluster_dir)"; }

service_env() {
  local url=postgresql+psycopg2://invenio@127.0.0.1:$PORT
  cat <<ENV
export SQLALCHEMY_DATABASE_URI=$url/invenio
export DEMO_DATABASE_URI=$url/demo
ENV
}
