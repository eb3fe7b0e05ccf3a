# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
#
# Ceph's object gateway on a cluster of one monitor and one OSD, from Debian's packages (269 MB, about a
# minute). Needs root. Not started by default. Nothing is kept over a stop.
#
# Two gateways, as a site should have them: the public one speaks S3 only, the one with STS is internal.
# A session that reaches STS can assume its role again without the session policy (docs/temporary-credentials.md).
#
# MULTIPART_CEPH_PORT       the public gateway
# MULTIPART_CEPH_STS_PORT   the internal one
# MULTIPART_CEPH_MON_PORT   the monitor

PORT_VARIABLE=MULTIPART_CEPH_PORT PORT_DEFAULT=28110 READY_SECONDS=120
. "$HERE/s3.sh"

CONF=$DATA/ceph.conf
export CEPH_CONF=$CONF CEPH_ARGS=
USER_ID=invenio

service_install() {
  [ "$(id -u)" = 0 ] || die "Ceph needs root"
  debian ceph-mon ceph-osd radosgw
}

ceph_conf() {
  (umask 077; cat >"$CONF") <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon_initial_members = a
mon_host = [v2:127.0.0.1:$MON_PORT]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_bind_port_min = 28260
ms_bind_port_max = 28299
keyring = $DATA/keyring
auth_allow_insecure_global_id_reclaim = false
run_dir = $DATA
admin_socket =
pid_file =
crash_dir = $DATA/crash
log_file = $DATA/\$name.log
mon_cluster_log_file = $DATA/cluster.log
log_to_stderr = false
# One copy of everything, in few placement groups: a pool is made in a second then.
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_warn_on_pool_no_redundancy = false
[mon]
mon_data = $DATA/mon
mon_data_avail_crit = 1
mon_data_avail_warn = 2
[osd]
osd_data = $DATA/osd
osd_objectstore = bluestore
osd_memory_target = 939524096
osd_class_update_on_start = false
# A sparse file; it takes what is stored in it.
bluestore_block_create = true
bluestore_block_size = 21474836480
[client.rgw]
rgw_data = $DATA/rgw
rgw_s3_auth_use_sts = true
rgw_sts_key = $(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
rgw_thread_pool_size = 64
rgw_enable_usage_log = false
CONF
}

key() { ceph-authtool "$DATA/keyring" --gen-key -n "$@" >/dev/null; }
ask() { timeout 30 ceph --connect-timeout 20 "$@"; }
admin() { timeout 60 radosgw-admin -n client.rgw "$@" >/dev/null; }
osd_up() { ask osd stat -f json | grep -q '"num_up_osds":1'; }

gateway() { # gateway PIDFILE NAME PORT APIS
  spawn "$1" "$LOG" radosgw -n client.rgw -f --rgw_frontends="beast endpoint=127.0.0.1:$3" \
    --rgw_enable_apis="$4" --log_file="$DATA/$2.log"
}

service_start() {
  # A monitor keeps its address for life, so a cluster that was stopped is not started again but made anew.
  service_stop
  rm -rf "$DATA"/{mon,osd,rgw,crash,keyring,monmap,*.log}
  mkdir -p "$DATA"/{mon,osd,rgw,crash}
  local uuid
  MON_PORT=$(pick_port MULTIPART_CEPH_MON_PORT 28210)
  STS_PORT=$(pick_port MULTIPART_CEPH_STS_PORT 28160)
  echo "$STS_PORT" >"$DATA/sts-port"
  ceph_conf
  # Whatever fails from here on, no half cluster stays behind.
  trap service_stop EXIT

  monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$CONF")" --addv a "[v2:127.0.0.1:$MON_PORT]" "$DATA/monmap" >>"$LOG"
  ceph-authtool --create-keyring "$DATA/keyring" --gen-key -n mon. --cap mon 'allow *' >>"$LOG"
  key client.admin --cap mon 'allow *' --cap osd 'allow *'
  key osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
  key client.rgw --cap mon 'allow rwx' --cap osd 'allow rwx'
  ceph-mon --mkfs -i a --monmap "$DATA/monmap" --keyring "$DATA/keyring" >>"$LOG" 2>&1
  spawn "$DATA/mon.pid" "$LOG" ceph-mon -i a -f
  wait_until 60 "$DATA/mon.pid" "$DATA/mon.a.log" ask mon stat

  uuid=$(cat /proc/sys/kernel/random/uuid)
  ask osd new "$uuid" >>"$LOG" # the first one: osd.0
  ceph-osd -i 0 --mkfs --osd-uuid "$uuid" >>"$LOG" 2>&1
  spawn "$DATA/osd.pid" "$LOG" ceph-osd -i 0 -f
  wait_until 60 "$DATA/osd.pid" "$DATA/osd.0.log" osd_up

  gateway "$DATA/sts.pid" sts "$STS_PORT" s3,sts,iam,admin
  # The first gateway makes the pools; a second one at the same time would make them too.
  wait_until "$READY_SECONDS" "$DATA/sts.pid" "$DATA/sts.log" answers "$STS_PORT"
  gateway "$PID" rgw "$PORT" s3
  trap - EXIT
}

answers() { curl --silent --output /dev/null --max-time 2 --noproxy '*' "http://127.0.0.1:$1"; }

service_ready() { answers "$PORT" && answers "$(cat "$DATA/sts-port")"; }

# A user; the role it lends to sessions; and a second role of the same user, which no session must get.
# Their own policies are as narrow as a site's should be, but for the prefix: tests make many.
service_prepare() {
  local role actions='"s3:PutObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts","s3:ListBucket"'
  admin user create --uid "$USER_ID" --display-name "Invenio" --access-key "$S3_KEY" --secret-key "$S3_SECRET"
  for role in uploader other; do
    admin role create --role-name "$role" --path / --assume-role-policy-doc \
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/'"$USER_ID"'"]},"Action":["sts:AssumeRole"]}]}'
    # Newer releases have a word more.
    local policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":['"$actions"'],"Resource":["arn:aws:s3:::'"$S3_BUCKET"'","arn:aws:s3:::'"$S3_BUCKET"'/*"]}]}'
    admin role-policy put --role-name "$role" --policy-name uploads --policy-doc "$policy" 2>/dev/null ||
      admin role policy put --role-name "$role" --policy-name uploads --policy-doc "$policy"
  done
  make_bucket
}

service_stop() {
  local name
  halt "$PID"
  for name in sts osd mon; do halt "$DATA/$name.pid"; done
}

service_clean() { :; }

service_env() {
  s3_env
  sts_env CEPH "http://127.0.0.1:$(cat "$DATA/sts-port")" arn:aws:iam:::role/uploader arn:aws:iam:::role/other
}
