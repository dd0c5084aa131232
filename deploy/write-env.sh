#!/bin/bash
# .env of docker compose from the SSM parameters: /reelsense/POSTGRES_PASSWORD becomes POSTGRES_PASSWORD. Run it again
# after a parameter changed. Nothing of it is printed.
set -euo pipefail
ROOT=${ROOT:-}
HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$ROOT/etc/reelsense-deploy"

umask 077
new=$(mktemp "$HERE/../.env.XXXXXX")
trap 'rm -f "$new"' EXIT
cat >"$new" <<END
AWS_DEFAULT_REGION='$REGION'
PUBLIC_ADDRESS='${DOMAIN:+https://$DOMAIN}'
MLFLOW_ARTIFACTS='s3://$BUCKET/models'
REELSENSE_OBJECT_STORE='s3://$BUCKET/objects'
REELSENSE_BACKUP__TO='s3://$BUCKET/backups'
END
# In single quotes nothing is replaced: a $ in a password stays one. What was said above can be said again by SSM.
aws ssm get-parameters-by-path --region "$REGION" --path "$SECRETS" --recursive --with-decryption --output json |
  python3 -c '
import json, re, sys
found = json.load(sys.stdin)["Parameters"]
if not found:
    sys.exit("no SSM parameter below the path: see deploy/README.md")
for one in sorted(found, key=lambda one: one["Name"]):
    name, value = one["Name"].rpartition("/")[2], one["Value"]
    if not re.fullmatch("[A-Z][A-Z0-9_]*", name):
        sys.exit(f"{name}: an SSM parameter is named like a variable, in capitals")
    if re.search("[\x00-\x1f\x27\\\\]", value):
        sys.exit(f"{name}: no quote, backslash or line break may be in it")
    print(f"{name}=\x27{value}\x27")
' >>"$new"
chmod 600 "$new"
mv "$new" "$HERE/../.env"
