#!/usr/bin/env bash
# Builds the container image from the Dockerfile: with docker where an engine answers, else with
# buildah in chroot isolation, which needs root.
#   image.sh [TAG]                  gatehouse:latest
# Environment:
#   BASE             the base image, instead of Debian 13's from the public registry
#   BUILDAH_FOLDER   build with buildah even so, and keep its images and caches here
set -euo pipefail
cd "$(dirname "$0")/.."
arguments=(-t "${1:-gatehouse:latest}" ${BASE:+--build-arg "BASE=$BASE"})

if [ -z "${BUILDAH_FOLDER:-}" ] && docker info >/dev/null 2>&1; then
  exec docker build "${arguments[@]}" .
fi
[ "$(id -u)" = 0 ] || {
  echo "image: no docker engine answers, and building with buildah needs root: sudo ./dev image" >&2
  exit 1
}
storage=()
if [ -n "${BUILDAH_FOLDER:-}" ]; then
  storage=(--root "$BUILDAH_FOLDER/storage" --runroot "$BUILDAH_FOLDER/run")
  export TMPDIR=$BUILDAH_FOLDER/tmp  # cache mounts lie here
  mkdir -p "$TMPDIR"
fi
# Only the docker format holds a HEALTHCHECK.
exec buildah "${storage[@]}" build --format docker --isolation chroot --layers "${arguments[@]}" .
