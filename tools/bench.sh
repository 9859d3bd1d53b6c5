#!/usr/bin/env bash
# Builds release and what measures it, and measures.
#   bench.sh [compare] [OPTION...]     beside other proxies: bench/bench.py
#   bench.sh micro [OPTION...]         single parts: bench/micro, options of Google Benchmark
#   bench.sh growth [OPTION...]        with more workers, connections, sites, bytes: bench/growth.py
#   bench.sh instructions [--accept]   what a request costs, whatever the machine: instructions.py
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  micro)
    shift
    tools/build.sh release bench_micro
    exec build/release/bench/bench_micro "$@"
    ;;
  instructions)
    shift
    tools/build.sh release gatehouse
    exec /usr/bin/python3 -B bench/instructions.py "$@"
    ;;
  growth)
    shift
    tools/build.sh release gatehouse bench_generator
    exec /usr/bin/python3 -B bench/growth.py "$@"
    ;;
  *)
    tools/build.sh release gatehouse bench_generator
    exec /usr/bin/python3 -B bench/bench.py "$@"
    ;;
esac
