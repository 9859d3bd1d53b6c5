#!/usr/bin/env bash
# Fetches Pebble, the ACME test CA, with its DNS test server, into build/deps/pebble, where tests find
# them: the newest that Debian has and that runs here, since an old release's knows neither renewal
# information nor profiles. Nothing is installed. Kept; a second run does nothing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
deps=$root/build/deps
folder=$deps/pebble
recipe=$(sha256sum <"$0" | cut -c1-16)

is_done() { [ "$(cat "$folder/RECIPE" 2>/dev/null)" = "$recipe" ]; }

# Into the current folder; false when the release has none, or one that does not run here.
fetch_from() {
  rm -rf ./*.deb usr
  RELEASE=$1 "$root/tools/private_apt.sh" "$deps/apt-$1" download pebble >&2 || return 1
  dpkg-deb -x ./pebble_*.deb .
  usr/bin/pebble -version >/dev/null 2>&1 || return 1
  dpkg-deb -f ./pebble_*.deb Version >done/VERSION
  cp usr/bin/pebble usr/bin/pebble-challtestsrv done/
}

if is_done; then exit 0; fi
mkdir -p "$deps"
# Two that run at once take turns, and the second finds everything done.
exec 9>"$deps/lock"
flock 9
if is_done; then exit 0; fi
work=$deps/work/pebble
rm -rf "$work" && mkdir -p "$work/done" && cd "$work"
fetch_from sid || fetch_from forky || {
  echo "setup: no pebble of Debian's sid or forky runs here, which the tests need" >&2
  exit 1
}
echo "$recipe" >done/RECIPE
rm -rf "$folder"
mv done "$folder"
rm -rf "$work"
