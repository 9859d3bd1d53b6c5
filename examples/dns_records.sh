#!/bin/sh
# What `"dns": {"command": {"program": …}}` calls: it sets and removes TXT records in a zone of Knot
# DNS on this machine. Write one like it for your own provider.
#
#   dns_records.sh present|cleanup FQDN VALUE
#
# FQDN ends with a dot. Other values at the same name must stay. Exit status 0: done; else what was
# written to standard error is told.
set -eu
action=$1 name=$2 value=$3
knotc=${KNOTC:-knotc}

zone=$name
until $knotc zone-status "$zone" >/dev/null 2>&1; do
  zone=${zone#*.}
  [ -n "$zone" ] || { echo "no zone here holds $name" >&2; exit 1; }
done

$knotc zone-begin "$zone" >&2
trap '$knotc zone-abort "$zone" >/dev/null 2>&1 || true' EXIT
case $action in
  present) $knotc zone-set "$zone" "$name" 60 TXT "\"$value\"" >&2 ;;
  cleanup) $knotc zone-unset "$zone" "$name" TXT "\"$value\"" >&2 ;;
  *) echo "$action: neither present nor cleanup" >&2; exit 2 ;;
esac
$knotc zone-commit "$zone" >&2
