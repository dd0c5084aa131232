#!/bin/sh
# A database and a user for each service, so that none can read another's. Runs once, when the volume is empty.
set -eu
create() {
  psql -v ON_ERROR_STOP=1 -v name="$1" -v password="$2" -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
CREATE USER :"name" PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}
create airflow "$AIRFLOW_DB_PASSWORD"
create mlflow "$MLFLOW_DB_PASSWORD"
create reelsense "$REVIEWS_DB_PASSWORD"
