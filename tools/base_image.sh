#!/usr/bin/env bash
# Makes a base image of Debian 13 with debootstrap, for where no registry can be asked: the image test.
#   base_image.sh FOLDER NAME       buildah's folder as for image.sh; nothing is done when NAME exists
set -euo pipefail
folder=$1
name=$2
buildah=(buildah --root "$folder/storage" --runroot "$folder/run")
mkdir -p "$folder/tmp"
export TMPDIR=$folder/tmp
! "${buildah[@]}" inspect --type image "$name" >/dev/null 2>&1 || exit 0

mirror=$("$(dirname "$0")/private_apt.sh" mirror)
rm -rf "$folder/base"
debootstrap --variant=minbase trixie "$folder/base" "$mirror"
rm -rf "$folder"/base/var/cache/apt/archives/*.deb "$folder"/base/var/lib/apt/lists/*
tar -C "$folder/base" --numeric-owner -c . >"$folder/base.tar"
container=$("${buildah[@]}" from scratch)
"${buildah[@]}" add -q "$container" "$folder/base.tar" /
"${buildah[@]}" config --cmd bash "$container"
"${buildah[@]}" commit -q --rm "$container" "$name"
rm -rf "$folder/base" "$folder/base.tar"
