#!/bin/sh
# Debian packages that tests use: PostgreSQL's server, a Java runtime for Okt, Chromium to look at the report, Hangul
# fonts, nginx. Installs what is missing where it may; tests that miss one say so.
set -eu

missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v java >/dev/null || missing="$missing default-jre-headless"
command -v chromium >/dev/null || missing="$missing chromium"
fc-list 2>/dev/null | grep -qi nanum || missing="$missing fonts-nanum fontconfig"
command -v nginx >/dev/null || missing="$missing nginx"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "not installed (needs root and apt): $missing" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# RUNLEVEL: no server is started.
# shellcheck disable=SC2086 # a list of words
RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $missing >/dev/null
