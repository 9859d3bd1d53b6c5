#!/usr/bin/env bash
# Fetches what tests/e2e/harness/node_packages.txt lists into build/deps/node, where Node finds it by
# NODE_PATH; nothing, in no time, when it lies there. Without npm, which on Debian is hundreds of
# packages: a package is one archive, checked against the listed hash, and no script of it is run.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
list=$root/tests/e2e/harness/node_packages.txt
folder=$root/build/deps/node

is_done() { cmp -s "$list" "$folder/LIST"; }

# Where npm would look: its environment variable, its configuration, its default.
registry() {
  local url=${npm_config_registry:-${NPM_CONFIG_REGISTRY:-}}
  [ -n "$url" ] || url=$(npm config get registry 2>/dev/null) || url=
  [ -n "$url" ] || url=https://registry.npmjs.org
  echo "${url%/}"
}

fetch() {
  local name=$1 version=$2 hash=$3 url
  url=$(registry)/$name/-/${name##*/}-$version.tgz
  curl -fsSL --retry 3 -o "$work/archive" "$url" || {
    echo "setup: cannot fetch $name $version, which the tests need, from the npm registry" >&2
    echo "setup: set npm_config_registry to one that can be reached, and run ./dev setup again" >&2
    return 1
  }
  [ "sha512-$(openssl dgst -sha512 -binary "$work/archive" | base64 -w0)" = "$hash" ] || {
    echo "setup: the registry's $name $version is not the archive that $list names" >&2
    return 1
  }
  mkdir -p "$work/done/$name"
  tar -xzf "$work/archive" -C "$work/done/$name" --strip-components=1 --no-same-owner
}

if is_done; then exit 0; fi
mkdir -p "$root/build/deps"
# Two that run at once take turns, and the second finds everything done.
exec 9>"$root/build/deps/lock"
flock 9
if is_done; then exit 0; fi
work=$root/build/deps/work/node
rm -rf "$work" && mkdir -p "$work/done"
while read -r name version hash; do
  fetch "$name" "$version" "$hash"
done <"$list"
cp "$list" "$work/done/LIST"
rm -rf "$folder"
mv "$work/done" "$folder"
rm -rf "$work"
