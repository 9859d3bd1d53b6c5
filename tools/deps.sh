#!/usr/bin/env bash
# Gets what Debian's ready-made packages do not give: BoringSSL at full speed, built from Debian's
# source package, and llhttp >= 9.2, which Debian 13 has. The results lie in build/deps and are kept;
# a second run does nothing. Their versions are written to build/deps/VERSIONS.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
deps=$root/build/deps
recipe=$(cat "$0" "$root"/cmake/boringssl/* | sha256sum | cut -c1-16)

is_done() { [ "$(cat "$deps/$1/RECIPE" 2>/dev/null)" = "$recipe" ]; }

# Moves what lies in $2 to its place as one step: half a build is never taken for a whole one.
finish() {
  echo "$recipe" >"$2/RECIPE"
  rm -rf "${deps:?}/$1"
  mv "$2" "$deps/$1"
}

build_boringssl() {
  local work=$deps/work/boringssl
  rm -rf "$work" && mkdir -p "$work/done/lib" && cd "$work"
  # Debian 12's on each release: one that the patch fits.
  "$root/tools/private_apt.sh" "$deps/apt" source --download-only \
    android-platform-external-boringssl/bookworm
  # apt has checked the files against the signed release; dpkg-source applies Debian's patches.
  dpkg-source --no-check -x ./*.dsc source
  # AES-GCM for processors with VAES, X25519 for those with ADX: later BoringSSL's, which the crate
  # ring carries.
  cat "$root"/cmake/boringssl/*.patch | patch -d source -p1
  "$root/tools/private_apt.sh" "$deps/apt" download librust-ring-dev
  dpkg-deb -x ./librust-ring-dev_*.deb ring
  cmake -S "$root/cmake/boringssl" -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
    -DBORINGSSL_SOURCE="$work/source" \
    -DRING_SOURCE="$(echo "$work"/ring/usr/share/cargo/registry/ring-*)"
  cmake --build build
  cp -r source/src/include done/include
  cp build/libssl.a build/libcrypto.a done/lib/
  dpkg-parsechangelog -l source/debian/changelog -S Version >done/VERSION
  finish boringssl "$work/done"
}

# The version of the machine's own llhttp, when it is new enough.
machine_llhttp() {
  local version
  version=$(dpkg-query -W -f '${Version}' libllhttp-dev 2>/dev/null) || return 1
  dpkg --compare-versions "$version" ge 9.2 && echo "$version"
}

fetch_llhttp() {
  local work=$deps/work/llhttp from
  rm -rf "$work" && mkdir -p "$work/done"/{include,lib} && cd "$work"
  if machine_llhttp >done/VERSION; then
    from=/
  else
    from=$work/
    "$root/tools/private_apt.sh" "$deps/apt" download libllhttp-dev
    dpkg-deb -x ./libllhttp-dev_*.deb .
    dpkg-deb -f ./libllhttp-dev_*.deb Version >done/VERSION
  fi
  cp "${from}usr/include/llhttp.h" done/include/
  cp "${from}usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)/libllhttp.a" done/lib/
  finish llhttp "$work/done"
}

mkdir -p "$deps"
if is_done boringssl && is_done llhttp; then exit 0; fi
# Two that run at once take turns, and the second finds everything done.
exec 9>"$deps/lock"
flock 9
is_done boringssl || (build_boringssl)
is_done llhttp || (fetch_llhttp)
rm -rf "$deps/work"
printf 'boringssl %s\nllhttp %s\n' "$(cat "$deps/boringssl/VERSION")" \
  "$(cat "$deps/llhttp/VERSION")" >"$deps/VERSIONS"
