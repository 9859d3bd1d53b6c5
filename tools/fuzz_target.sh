#!/usr/bin/env bash
# Runs one fuzz target for GATEHOUSE_FUZZ_SECONDS (10), with inputs by GATEHOUSE_FUZZ_SEED (0: others
# each time). Inputs that reach new code are kept in build/fuzz/found. An input that breaks the target is put into its corpus, where it stays as a
# seed once the bug is mended, and the exit status is 1.
#   fuzz_target.sh BINARY CORPUS
set -euo pipefail
binary=$1
corpus=$2
found=$(dirname "$binary")/../found/$(basename "$corpus")
broken=$(dirname "$binary")/../broken/$(basename "$corpus")
mkdir -p "$found" "$broken"

"$binary" -max_total_time="${GATEHOUSE_FUZZ_SECONDS:-10}" -seed="${GATEHOUSE_FUZZ_SEED:-0}" -timeout=10 -rss_limit_mb=2048 \
  -max_len=65536 -print_final_stats=1 -verbosity=1 -artifact_prefix="$broken/" \
  "$found" "$corpus" 2>"$found.log" || {
  tail -n 80 "$found.log"
  cp "$broken"/* "$corpus/"
  echo "the input that broke it lies in $corpus"
  exit 1
}
grep -E 'Done|stat::(number_of_executed_units|peak_rss_mb)' "$found.log"
