#!/usr/bin/env bash
# Runs every fuzz target for the given seconds from its committed corpus.
#   fuzz.sh SECONDS
set -euo pipefail
cd "$(dirname "$0")/.."
export GATEHOUSE_FUZZ_SECONDS=$1
tools/build.sh fuzz
exec ctest --test-dir build/fuzz -L fuzz --output-on-failure --no-tests=error -j "$(nproc)"
