#!/bin/sh
# Builds all images, the base first: the others start from it. Options (-q) go to each build.
set -eu
cd "$(dirname "$0")/.."
docker build "$@" -f base.Dockerfile -t reelsense-base .
# Without a profile's name compose builds what runs by default.
docker compose build "$@"
docker compose --profile tools build "$@" backup
