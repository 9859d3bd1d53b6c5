#!/usr/bin/env bash
# Fetches the proxies that ./dev bench compares gatehouse with, as a Debian release has them, with
# all that they need down to the C library, into build/deps/peers/RELEASE. Nothing is installed: they
# run through the loader that lies beside them. Kept until the folder is removed, which fetches anew.
#   peers.sh RELEASE         prints the folder
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
release=$1
deps=$root/build/deps
folder=$deps/peers/$release
peers=(nginx haproxy caddy nghttp2-proxy)

fetch() {
  local work=$deps/work/peers package
  rm -rf "$work" && mkdir -p "$work/done" "$work/archives/partial"
  # With nothing installed in that apt's eyes, what they need is fetched with them.
  RELEASE=$release "$root/tools/private_apt.sh" "$deps/peers/apt-$release" install --download-only \
    --yes --no-install-recommends -o "Dir::Cache::archives=$work/archives" "${peers[@]}" >&2
  for package in "$work"/archives/*.deb; do
    dpkg-deb -x "$package" "$work/done"
    dpkg-deb -f "$package" Package Version | sed -n 's/^[A-Z][a-z]*: //p' | paste -sd' '
  done >"$work/done/VERSIONS"
  rm -rf "$folder"
  mv "$work/done" "$folder"
  rm -rf "$work"
}

mkdir -p "$deps/peers"
# Two that run at once take turns, and the second finds everything done.
exec 9>"$deps/lock"
flock 9
[ -e "$folder/VERSIONS" ] || fetch
echo "$folder"
