#!/bin/bash
# A fresh Amazon Linux 2023 machine becomes reelsense. Called by the user data of cloudformation.yaml, which wrote
# /etc/reelsense-deploy; may be run again. ROOT is for tests.
set -euo pipefail
ROOT=${ROOT:-}
HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$ROOT/etc/reelsense-deploy"
DATA=$ROOT/data

# Docker from Amazon; compose and buildx, which Amazon lacks, from Docker's signed packages.
dnf install -y -q docker amazon-cloudwatch-agent dnf-plugins-core
dnf config-manager -q --add-repo https://download.docker.com/linux/centos/docker-ce.repo
# shellcheck disable=SC2016 # dnf's own variable
sed -i 's/\$releasever/9/g' "$ROOT/etc/yum.repos.d/docker-ce.repo"
dnf install -y -q --setopt=install_weak_deps=False docker-compose-plugin docker-buildx-plugin

# The data volume, told by its id: device names change. It is formatted only when there is nothing on it.
device=$ROOT/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME//-/}
for _ in $(seq 60); do
  [ -e "$device" ] && break
  sleep 5
done
[ -e "$device" ] || { echo "the volume $VOLUME did not appear" >&2; exit 1; }
blkid "$device" >/dev/null || mkfs.xfs -q "$device"
install -d -m 711 "$DATA"
grep -q " /data " "$ROOT/etc/fstab" ||
  echo "UUID=$(blkid -s UUID -o value "$device") /data xfs defaults,nofail,x-systemd.device-timeout=120 0 2" >>"$ROOT/etc/fstab"
mountpoint -q "$DATA" || mount /data

# Images and volumes lie on it; without it Docker does not start.
install -d "$ROOT/etc/docker" "$ROOT/etc/systemd/system/docker.service.d"
cat >"$ROOT/etc/docker/daemon.json" <<'END'
{"data-root": "/data/docker", "log-driver": "local", "log-opts": {"max-size": "20m", "max-file": "5"}, "live-restore": true}
END
printf '[Unit]\nRequiresMountsFor=/data\n' >"$ROOT/etc/systemd/system/docker.service.d/data.conf"
systemctl daemon-reload
systemctl enable --now docker

cat >"$ROOT/opt/aws/amazon-cloudwatch-agent/etc/reelsense.json" <<'END'
{
  "agent": {"metrics_collection_interval": 60, "run_as_user": "cwagent"},
  "metrics": {
    "namespace": "reelsense",
    "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
    "aggregation_dimensions": [["InstanceId"], ["InstanceId", "path"]],
    "metrics_collected": {
      "mem": {"measurement": ["mem_used_percent"]},
      "disk": {"measurement": ["disk_used_percent"], "resources": ["/", "/data"], "drop_device": true}
    }
  }
}
END
"$ROOT/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl" \
  -a fetch-config -m ec2 -s -c "file:$ROOT/opt/aws/amazon-cloudwatch-agent/etc/reelsense.json"

bash "$HERE/write-env.sh"
bash "$HERE/start.sh"

# Every night at 04:10 Korean time; missed while the machine was off: at once when it is on again.
cat >"$ROOT/etc/systemd/system/reelsense-backup.service" <<END
[Unit]
Description=reelsense backup
Requires=docker.service
After=docker.service network-online.target

[Service]
Type=oneshot
ExecStart=/bin/bash $HERE/nightly-backup.sh
TimeoutStartSec=4h
END
cat >"$ROOT/etc/systemd/system/reelsense-backup.timer" <<'END'
[Unit]
Description=reelsense backup, every night

[Timer]
OnCalendar=*-*-* 04:10:00 Asia/Seoul
RandomizedDelaySec=10m
Persistent=true

[Install]
WantedBy=timers.target
END
systemctl daemon-reload
systemctl enable --now reelsense-backup.timer
