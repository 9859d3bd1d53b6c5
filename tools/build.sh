#!/usr/bin/env bash
# Configures a preset when that is due, and builds targets of it, or all.
#   build.sh PRESET [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
folder=build/$preset

# A machine that only runs gatehouse has no GoogleTest, and builds no tests.
tests=OFF
[ ! -e /usr/include/gtest/gtest.h ] || tests=ON

# What the build files themselves depend on Ninja sees; these it does not.
if [ ! -e "$folder/build.ninja" ] || [ CMakePresets.json -nt "$folder/build.ninja" ] ||
  ! grep -qxF "GATEHOUSE_TESTS:BOOL=$tests" "$folder/CMakeCache.txt"; then
  cmake --preset "$preset" "-DGATEHOUSE_TESTS=$tests"
  touch "$folder/build.ninja"
fi
cmake --build "$folder" ${1:+--target "$@"}
