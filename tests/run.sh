#!/bin/sh
# Builds and runs every test there is. Does its own set-up on a fresh machine; a second run builds only what changed.
#
#   sh tests/run.sh                 everything, as CI does
#   sh tests/run.sh --only dev      one of: dev release asan tsan fuzz windows macos aarch64
#   sh tests/run.sh --long          with long loops (fuzzers run for a minute each)
#
# Every stage's output goes to build/logs/<stage>.log; a failing stage's end is shown. The last line counts the tests.
set -u
cd "$(dirname "$0")/.." || exit

only=
while [ $# -gt 0 ]; do
  case "$1" in
  --long) export TRAPLINE_LONG=1 ;;
  --only)
    only=${2:-}
    shift
    ;;
  -h | --help)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "tests/run.sh: unknown argument '$1'; see sh tests/run.sh --help" >&2
    exit 2
    ;;
  esac
  shift
done
case "$only" in
'' | dev | release | asan | tsan | fuzz | windows | macos | aarch64) ;;
*)
  echo "tests/run.sh: --only takes dev, release, asan, tsan, fuzz, windows, macos or aarch64, not '$only'" >&2
  exit 2
  ;;
esac

# What the sanitizers do on a finding: end the test. cpp-httplib comes uninstrumented from the system (tests/tsan.supp).
export ASAN_OPTIONS="detect_leaks=1" UBSAN_OPTIONS="print_stacktrace=1"
export TSAN_OPTIONS="halt_on_error=1:suppressions=$(pwd)/tests/tsan.supp"

logs=build/logs
mkdir -p "$logs"
jobs=$(getconf _NPROCESSORS_ONLN)
passed=0
failed=0

# step NAME COMMAND...: runs it with its output in a log; shows how long it took, and the log's end when it fails. Exit
# status 77 says that this machine lacks something, by the log's last line.
step() {
  name=$1
  shift
  log=$logs/$(printf '%s' "$name" | tr ' ' '-').log
  printf '%-28s' "$name"
  started=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  took=$(($(date +%s) - started))
  if [ "$status" -eq 0 ]; then
    printf 'ok      %4d s\n' "$took"
  elif [ "$status" -eq 77 ]; then
    printf 'LEFT OUT: %s\n' "$(tail -n 1 "$log")"
  else
    printf 'FAILED  %4d s   (%s)\n' "$took" "$log"
    tail -n 60 "$log"
  fi
  return "$status"
}

# must NAME COMMAND...: a step that counts only when it fails. Status 77 is no failure: it cannot be done on this machine.
must() {
  step "$@" || {
    [ "$?" -eq 77 ] || failed=$((failed + 1))
    return 1
  }
}

# build PRESET [CMAKE ARGUMENT...]
build() {
  preset=$1
  shift
  must "$preset: configure" cmake --preset "$preset" "$@" && must "$preset: build" cmake --build --preset "$preset"
}

# run_tests PRESET [CTEST ARGUMENT...]: adds ctest's own counts to the totals.
run_tests() {
  preset=$1
  shift
  step "$preset: tests" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "$@"
  status=$?
  # "98% tests passed, 1 tests failed out of 57"
  counts=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1 \2/p' "$logs/$preset:-tests.log" | tail -n 1)
  if [ -z "$counts" ]; then
    failed=$((failed + 1))
    return 1
  fi
  failed=$((failed + ${counts% *}))
  passed=$((passed + ${counts#* } - ${counts% *}))
  return "$status"
}

# What is written for macOS compiles and links; it cannot be run here.
build_macos() {
  for target in macos-arm64 macos-x86_64; do
    must "$target: libraries" sh cmake/cross_libraries.sh "$target" || return
  done
  if build macos; then passed=$((passed + 1)); fi
  # What differs between processors.
  if must "macos-x86_64: configure" cmake --preset macos-x86_64 &&
    must "macos-x86_64: handler" cmake --build --preset macos-x86_64 --target trapline_crash_handler; then
    passed=$((passed + 1))
  fi
}

# The libraries of a Windows build, and what runs its programs. Status 77: not to be had here.
prepare_windows() {
  command -v wine >/dev/null 2>&1 || {
    echo "wine is not installed"
    return 77
  }
  sh cmake/cross_libraries.sh mingw64
}

depends_on_speed='p99 below 100 ms|the collector killed 100 times under load|they and it killed under load'

wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }

install_node_packages() {
  for folder in collector/web tests/e2e examples/hello-sentry-node; do
    sh cmake/install_node_modules.sh "$folder" || return 1
  done
}

# The libraries of a 64-bit Arm machine, and what compiles for it and emulates it. Status 77: not to be had here.
prepare_arm() {
  for tool in aarch64-linux-gnu-g++ qemu-system-aarch64 cpio; do
    command -v "$tool" >/dev/null 2>&1 && continue
    echo "$tool is not installed"
    return 77
  done
  sh cmake/aarch64_sysroot.sh build/aarch64-sysroot
}

if must "system packages" sh cmake/bootstrap.sh test && must "node packages" install_node_packages; then
  # In a run of everything the collector's unit tests are left to the sanitizers' stage, which sees more.
  if [ -z "$only" ]; then units=OFF; else units=ON; fi
  if wants dev && build dev "-DTRAPLINE_COLLECTOR_UNIT_TESTS=$units"; then run_tests dev; fi
  if wants release && build release; then
    if must "release: quickstart" sh examples/quickstart.sh --once; then passed=$((passed + 1)); fi
  fi
  # Tests labelled "once" (formatting, the house, ...) say the same in every build. What depends on how fast the collector
  # is says nothing in these.
  if wants asan && build asan; then run_tests asan -LE once -E "$depends_on_speed"; fi
  # Of the repeats on PostgreSQL those with threads.
  if wants tsan && build tsan; then
    run_tests tsan -LE 'once|e2e' -E "$depends_on_speed|^(storage|digest|accounts)_tests on PostgreSQL"
  fi
  if wants windows && must "windows: libraries" prepare_windows && build windows; then run_tests windows; fi
  if wants macos; then build_macos; fi
  if wants fuzz && build fuzz; then run_tests fuzz -L fuzz; fi
  if wants aarch64 && must "aarch64: packages" prepare_arm && build aarch64; then run_tests aarch64; fi
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
