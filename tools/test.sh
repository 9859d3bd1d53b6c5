#!/usr/bin/env bash
# Builds and runs the tests of several presets as one list, so that ctest's closing line, which is
# printed last, speaks for all of them.
#   test.sh            release, asan, and five seconds a fuzz target; with CI=true also gcc and tsan
#   test.sh PATTERN    the release tests whose names match
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${1:-}" ]; then
  tools/build.sh release
  exec ctest --test-dir build/release --output-on-failure --no-tests=error -R "$1"
fi

presets=(release asan)
again=()
# The same inputs each time, so that what fails is what was changed; ./dev fuzz is for finding more.
export GATEHOUSE_FUZZ_SECONDS=5 GATEHOUSE_FUZZ_SEED=1
if [ "${CI:-}" = true ]; then
  presets+=(gcc tsan)
  # Machines that run many things stand still for seconds, and peers of the tests have limits in time
  # of their own: what fails runs once more. Both runs are printed.
  again=(--repeat until-pass:2)
fi
for preset in "${presets[@]}"; do
  echo "== $preset"
  tools/build.sh "$preset"
done

# So that a sanitizer's report names lines.
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-19/bin/llvm-symbolizer UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=external_symbolizer_path=$ASAN_SYMBOLIZER_PATH

list=build/tests
mkdir -p "$list"
printf "subdirs(\"$PWD/build/%s\")\n" "${presets[@]}" >"$list/CTestTestfile.cmake"

# End-to-end tests wait more than they work: one more than there are cores.
status=0
ctest --test-dir "$list" --output-on-failure --no-tests=error --no-label-summary "${again[@]}" \
  -j "$(($(nproc) + 1))" |
  tee "$list/log" || status=$?
grep 'tests passed' "$list/log"
exit $status
