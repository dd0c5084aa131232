#!/bin/bash
# deploy/upgrade.sh REF: a backup, then the tag or commit REF, built and started. Back: the same with the older REF,
# after the database's backup where the newer one migrated it (README.md).
set -euo pipefail
ROOT=${ROOT:-}
[ $# -eq 1 ] || { echo "usage: deploy/upgrade.sh REF" >&2; exit 2; }
# shellcheck source=/dev/null
. "$ROOT/etc/reelsense-deploy"
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/.."
git fetch -q --depth 1 "$REPOSITORY" "$1"
next=$(git rev-parse FETCH_HEAD)
echo "was: $(git rev-parse HEAD)"
echo "next: $next"
bash "$HERE/nightly-backup.sh"
git checkout -q --detach "$next"
exec bash "$HERE/start.sh"
