#!/usr/bin/env bash
# An apt of our own, so that a source package, or one package of another Debian release, can be
# fetched without touching the machine's apt configuration. The mirror is the one that the machine's
# own sources name, and apt checks signatures with Debian's keys as ever.
#   private_apt.sh FOLDER apt-get-arguments...      downloads go to the current folder
#   private_apt.sh mirror                           prints the mirror
# Environment: RELEASE, that binary packages come from (trixie).
set -euo pipefail

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The first Debian mirror in the machine's sources, in either of apt's two formats.
machine_mirror() {
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs:[[:space:]]*//p'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      sed -n -E 's/^deb(-src)?[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\3/p'
  } | tr ' ' '\n' | sed 's|/*$||' | grep -m1 '/debian$' || true
}

mirror=$(machine_mirror)
[ -n "$mirror" ] || {
  echo "setup: no Debian mirror found in /etc/apt/sources.list*; add one, or give cmake" >&2
  echo "       -DGATEHOUSE_BORINGSSL_DIR=… and -DGATEHOUSE_LLHTTP_DIR=…" >&2
  exit 1
}

if [ "$1" = mirror ]; then
  echo "$mirror"
  exit
fi
state=$1
shift

mkdir -p "$state"/{state/lists/partial,cache/archives/partial}
cat >"$state/sources.list" <<LIST
deb-src [signed-by=$keyring] $mirror bookworm main
deb-src [signed-by=$keyring] $mirror trixie main
deb [signed-by=$keyring] $mirror ${RELEASE:-trixie} main
LIST
: >"$state/status"  # nothing is installed here

options=(
  -o "Dir::State=$state/state" -o "Dir::State::Lists=$state/state/lists"
  -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache"
  -o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "APT::Sandbox::User=$(id -un)" -o Acquire::Languages=none
)
# Lists of yesterday may name files that the mirror no longer has.
if [ -z "$(find "$state/fresh" -mmin -60 2>/dev/null)" ]; then
  apt-get "${options[@]}" -q update
  touch "$state/fresh"
fi
exec apt-get "${options[@]}" -q "$@"
