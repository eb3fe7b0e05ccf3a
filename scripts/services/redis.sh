# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Redis: cache, sessions, rate limits, and Celery's broker (which spares us RabbitMQ natively).

PORT_VARIABLE=MULTIPART_REDIS_PORT PORT_DEFAULT=28379 READY_SECONDS=20

service_install() { command -v redis-server >/dev/null || debian redis-server; }

service_start() {
  # Nothing in it needs to outlive a stop, so it writes nothing to disk.
  spawn "$PID" "$LOG" redis-server --bind 127.0.0.1 --port "$PORT" --dir "$DATA" --save '' --appendonly no
}

service_ready() { redis-cli -h 127.0.0.1 -p "$PORT" ping | grep -q PONG; }
service_prepare() { :; }
service_stop() { halt "$PID"; }
service_clean() { :; }

service_env() {
  local url=redis://127.0.0.1:$PORT
  cat <<ENV
export REDIS_URL=$url
export BROKER_URL=$url/0
export CELERY_BROKER_URL=$url/0
export CELERY_RESULT_BACKEND=$url/1
export CACHE_TYPE=RedisCache
export CACHE_REDIS_URL=$url/2
export ACCOUNTS_SESSION_REDIS_URL=$url/3
export RATELIMIT_STORAGE_URI=$url/4
export COMMUNITIES_IDENTITIES_CACHE_REDIS_URL=$url/5
ENV
}
