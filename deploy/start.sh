#!/bin/bash
# Builds the images of what is checked out, keeps them under its commit's name too, and starts all services.
set -euo pipefail
cd "$(dirname "$0")/.."
sh deploy/build-images.sh -q
commit=$(git rev-parse --short=12 HEAD)
for image in $(docker compose config --images | grep '^reelsense-' | sort -u) reelsense-base reelsense-backup; do
  docker tag "$image" "${image%%:*}:$commit"
done
docker compose up -d --wait --remove-orphans
