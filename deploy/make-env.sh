#!/bin/sh
# Writes .env from .env.example with a random password in each place that asks for one. An .env that is there is left as
# it is, but for the passwords that a newer .env.example asks for: they are added at its end.
set -eu
cd "$(dirname "$0")/.."
umask 077

filled() {
  case $1 in
    REELSENSE_LINKS__API_KEY=CHANGE-ME*) echo "REELSENSE_LINKS__API_KEY=rs_$(openssl rand -hex 6)_$(openssl rand -hex 24)" ;;
    [!#]*=CHANGE-ME*) echo "${1%%=*}=$(openssl rand -hex 20)" ;;
    *) printf '%s\n' "$1" ;;
  esac
}

if [ ! -e .env ]; then
  while IFS= read -r line; do
    filled "$line"
  done <.env.example >.env
  echo ".env written; the page's administrator signs in with REELSENSE_PAGE__ADMIN_PASSWORD in it."
  exit 0
fi
[ -z "$(tail -c 1 .env)" ] || echo >>.env
grep '^[A-Z0-9_]*=CHANGE-ME' .env.example | while IFS= read -r line; do
  name=${line%%=*}
  # Who signs people in by OIDC has none, on purpose.
  if [ "$name" = REELSENSE_PAGE__ADMIN_PASSWORD ] || grep -q "^$name=" .env; then continue; fi
  filled "$line" >>.env
  echo ".env: $name added."
done
echo ".env was there already."
