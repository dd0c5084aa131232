#!/bin/bash
# A backup to the bucket, and a metric that says so: the alarm rings when it is missing for a day.
set -euo pipefail
ROOT=${ROOT:-}
# shellcheck source=/dev/null
. "$ROOT/etc/reelsense-deploy"
cd "$(dirname "$0")/.."
docker compose run --rm backup
aws cloudwatch put-metric-data --region "$REGION" --namespace reelsense --metric-name BackupDone --value 1 \
  --dimensions "Stack=$STACK"
