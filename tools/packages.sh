#!/usr/bin/env bash
# Installs the Debian packages that are missing; nothing, in no time, when none is. As root, or by
# sudo.
#   packages.sh build | test | bench      what building needs; that and what testing needs; and that
#                                         and what ./dev bench needs
set -euo pipefail

packages=(
  clang-19 lld-19 llvm-19 libclang-rt-19-dev g++ cmake ninja-build ccache
  nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev libnghttp2-dev libidn2-dev
  libpsl-dev
  dpkg-dev patch xz-utils debian-archive-keyring ca-certificates
  curl  # for the line that ./dev run prints
)
[ "${1:-build}" = build ] || packages+=(
  clang-format-19 libgtest-dev libgmock-dev binutils git
  knot nginx-light openssl python3 python3-pytest python3-cryptography python3-hpack
  valgrind strace buildah debootstrap nghttp2-client nghttp2-server nghttp2-proxy nodejs
  libbenchmark-dev
  chromium-headless-shell
)

[ "${1:-build}" != bench ] || packages+=(wrk)

. /etc/os-release
case "${ID:-}-${VERSION_ID:-}" in
  debian-12) packages+=(libboost1.81-dev) ;;
  debian-*) packages+=(libboost-dev libllhttp-dev) ;;  # new enough from Debian 13 on
  *) echo "setup: ${PRETTY_NAME:-this system} is untried; Debian 12 and 13 are known to work" >&2
     packages+=(libboost-dev) ;;
esac

installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p')
missing=()
for package in "${packages[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
# An early Debian 12 has the keyring, without Debian 13's keys in it.
[ -e /usr/share/keyrings/debian-archive-trixie-stable.gpg ] || missing+=(debian-archive-keyring)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  as_root=(sudo)
  command -v sudo >/dev/null || {
    echo "setup: these Debian packages are missing: ${missing[*]}" >&2
    echo "setup: run ./dev setup as root, or install them" >&2
    exit 1
  }
fi

echo "setup: installing ${missing[*]}"
# The tests start nginx and Knot DNS themselves, on free ports; the machine must not get servers of
# them, now or at its next boot.
"${as_root[@]}" bash -euo pipefail -s -- "${missing[@]}" <<'ROOT'
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
fi
had() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true; }
had_nginx=$(had nginx-common) had_knot=$(had knot)
export DEBIAN_FRONTEND=noninteractive
wait_for_others=(-o DPkg::Lock::Timeout=600)
apt-get "${wait_for_others[@]}" -q update
apt-get "${wait_for_others[@]}" -y -q --no-install-recommends install "$@" </dev/null
if [ "$had_nginx" != installed ] && [ -e /lib/systemd/system/nginx.service ]; then
  DPKG_MAINTSCRIPT_PACKAGE=nginx-common deb-systemd-helper disable nginx.service || true
fi
if [ "$had_knot" != installed ] && [ -e /lib/systemd/system/knot.service ]; then
  DPKG_MAINTSCRIPT_PACKAGE=knot deb-systemd-helper disable knot.service || true
fi
ROOT
