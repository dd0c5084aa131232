#!/bin/sh
# Writes .env from .env.example with a random password in each place that asks for one. Leaves an .env that is there.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo ".env is there already: left as it is."
  exit 0
fi
umask 077
while IFS= read -r line; do
  case $line in
    REELSENSE_LINKS__API_KEY=CHANGE-ME*) echo "REELSENSE_LINKS__API_KEY=rs_$(openssl rand -hex 6)_$(openssl rand -hex 24)" ;;
    *=CHANGE-ME*) echo "${line%%=*}=$(openssl rand -hex 20)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <.env.example >.env
echo ".env written; the page's administrator signs in with REELSENSE_PAGE__ADMIN_PASSWORD in it."
