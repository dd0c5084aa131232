#!/bin/sh
# A database and a user for each service, so that none can read another's. Runs once, when the volume is empty.
set -eu
for name in airflow mlflow reelsense; do
  password=$(printenv "$(echo "$name" | tr "[:lower:]" "[:upper:]")_DB_PASSWORD")
  psql -v ON_ERROR_STOP=1 -v name="$name" -v password="$password" -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
CREATE USER :"name" PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
