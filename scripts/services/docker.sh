# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# The services from containers, by docker-services-cli as Invenio modules do it, but on our own ports
# and under a project name of our own: its stock file takes 5432, 6379, 9200 and 9000, which a running
# site may hold, and opens MinIO to the network.
#
# All five services are always started together; names given to services.sh make no difference here.
# The cli is 0.11: later releases have no MinIO. Sourced by services.sh.

COMPOSE=$HERE/docker-services.yml

docker_services() {
  local verb=$1
  mkdir -p "$DIR"
  docker compose version >/dev/null 2>&1 || die "docker runs but has no compose plugin; install it or set MULTIPART_SERVICES=native"
  COMPOSE_PROJECT_NAME=multipart-$(printf %s "$DIR" | cksum | cut -d' ' -f1)
  export COMPOSE_PROJECT_NAME
  docker_ports
  case $verb in
  start) docker_start ;;
  status) docker compose --file "$COMPOSE" ps; docker_ready || return 3 ;;
  env) docker_env ;;
  # Not the cli's "down", which removes the volumes: a kept demo instance needs its database.
  stop) docker compose --file "$COMPOSE" stop ;;
  clean) docker_cli down; rm -rf "$DIR" ;;
  esac
}

# Ports are chosen once per folder and kept in it.
docker_ports() {
  local line name default
  if [ ! -f "$DIR/docker-ports" ]; then
    for line in POSTGRESQL:28432 REDIS:28379 RABBITMQ:28672 OPENSEARCH:28200 MINIO:28090; do
      name=MULTIPART_${line%%:*}_PORT default=${line#*:}
      echo "export $name=$(pick_port "$name" "$default")"
    done >"$DIR/docker-ports"
  fi
  . "$DIR/docker-ports"
  # docker-services-cli passes these to the containers; see docker-services.yml.
  export POSTGRESQL_USER=invenio POSTGRESQL_PASSWORD=invenio POSTGRESQL_DB=invenio
  export S3_ACCESS_KEY_ID=multipart-dev S3_SECRET_ACCESS_KEY=multipart-dev-secret
}

docker_cli() {
  local venv=$CACHE/docker-services-cli-0.11.1
  locked docker-services-cli docker_cli_install "$venv"
  "$venv/bin/docker-services-cli" --filepath "$COMPOSE" "$@" >&2
}

docker_cli_install() {
  [ ! -x "$1/complete" ] || return 0
  rm -rf "$1"
  python3 -m venv "$1"
  # It imports distutils, which Python 3.12 has only through setuptools.
  "$1/bin/pip" install --quiet "docker-services-cli==0.11.1" "setuptools<81"
  : >"$1/complete"
  chmod +x "$1/complete"
}

docker_start() {
  # Its health checks know the usual ports only, so it does not wait and we do.
  docker_cli up --no-wait --db postgresql16 --cache redis --mq rabbitmq --search opensearch2 --s3 minio
  local i
  for ((i = 0; i < 120; i++)); do
    docker_ready >/dev/null 2>&1 && break
    sleep 1
  done
  docker_ready || die "the containers did not answer within two minutes; see: docker compose --file $COMPOSE logs"
  compose_exec postgresql psql -q -U invenio -d invenio -c 'CREATE DATABASE demo' >/dev/null 2>&1 || true # it exists
  S3_KEY=$S3_ACCESS_KEY_ID S3_SECRET=$S3_SECRET_ACCESS_KEY PORT=$MULTIPART_MINIO_PORT
  . "$HERE/s3.sh"
  make_bucket
}

compose_exec() { docker compose --file "$COMPOSE" exec -T "$@"; }

docker_ready() {
  compose_exec postgresql pg_isready -q -U invenio &&
    compose_exec redis redis-cli ping | grep -q PONG &&
    compose_exec rabbitmq rabbitmq-diagnostics -q check_port_connectivity &&
    http_ok "http://127.0.0.1:$MULTIPART_OPENSEARCH_PORT/_cluster/health?wait_for_status=yellow&timeout=1s" &&
    http_ok "http://127.0.0.1:$MULTIPART_MINIO_PORT/minio/health/live"
}

docker_env() {
  local database=postgresql+psycopg2://invenio:invenio@127.0.0.1:$MULTIPART_POSTGRESQL_PORT
  local redis=redis://127.0.0.1:$MULTIPART_REDIS_PORT broker=amqp://guest:guest@127.0.0.1:$MULTIPART_RABBITMQ_PORT//
  . "$HERE/s3.sh"
  cat <<ENV
export SQLALCHEMY_DATABASE_URI=$database/invenio
export DEMO_DATABASE_URI=$database/demo
export REDIS_URL=$redis
export BROKER_URL=$broker
export CELERY_BROKER_URL=$broker
export CELERY_RESULT_BACKEND=$redis/1
export CACHE_TYPE=RedisCache
export CACHE_REDIS_URL=$redis/2
export ACCOUNTS_SESSION_REDIS_URL=$redis/3
export RATELIMIT_STORAGE_URI=$redis/4
export COMMUNITIES_IDENTITIES_CACHE_REDIS_URL=$redis/5
export SEARCH_HOST=127.0.0.1
export SEARCH_PORT=$MULTIPART_OPENSEARCH_PORT
export SEARCH_HOSTS='[{"host": "127.0.0.1", "port": $MULTIPART_OPENSEARCH_PORT}]'
ENV
  PORT=$MULTIPART_MINIO_PORT s3_env
}
