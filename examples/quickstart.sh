#!/bin/sh
# Trapline in one command: builds it, starts the collector on SQLite, lets the example programs report to it, and prints
# where to look.
#
#   sh examples/quickstart.sh                      keeps serving until Ctrl-C
#   sh examples/quickstart.sh --once               exits 0 when the examples' issues have arrived
#   sh examples/quickstart.sh --listen HOST:PORT   another address than 127.0.0.1:8790; port 0 picks a free one
#
# Everything it makes is in build/; its database, build/quickstart/data, is made anew each time.
set -eu
cd "$(dirname "$0")/.."

once=
listen=127.0.0.1:8790
while [ $# -gt 0 ]; do
  case "$1" in
  --once)
    once=yes
    listen=127.0.0.1:0
    ;;
  --listen)
    [ $# -ge 2 ] || {
      echo "quickstart: --listen needs HOST:PORT" >&2
      exit 2
    }
    listen=$2
    shift
    ;;
  -h | --help)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "quickstart: unknown argument '$1'; see sh examples/quickstart.sh --help" >&2
    exit 2
    ;;
  esac
  shift
done

root=$(pwd)
work=$root/build/quickstart
collector=$root/build/release/bin/trapline-collector
collector_pid=

stop_collector() {
  [ -n "$collector_pid" ] || return 0
  kill "$collector_pid" 2>/dev/null || true
  wait "$collector_pid" 2>/dev/null || true
  collector_pid=
}
trap stop_collector EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n[%s] %s\n' "$1" "$2"; }

# quietly LOG COMMAND...: its output goes to the log; shown when it fails.
quietly() {
  log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null || {
    status=$?
    tail -n 40 "$log" >&2
    echo "quickstart: '$1' failed; the whole output is in $log" >&2
    exit "$status"
  }
}

say 1/5 "System packages"
sh cmake/bootstrap.sh build

say 2/5 "Building the release (some minutes the first time)"
mkdir -p "$work"
quietly "$work/configure.log" cmake --preset release
cmake --build --preset release </dev/null
quietly "$work/install.log" cmake --install build/release --prefix "$work/prefix"
for example in hello-error hello-c; do
  quietly "$work/$example.log" cmake -G Ninja -S "examples/$example" -B "$work/$example" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo
  quietly "$work/$example.log" cmake --build "$work/$example"
done
quietly "$work/node_modules.log" sh cmake/install_node_modules.sh examples/hello-sentry-node

say 3/5 "Starting the collector"
rm -rf "$work/data"
"$collector" serve --data "$work/data" --listen "$listen" 2>"$work/collector.log" &
collector_pid=$!
# The log is JSON lines; these two are sent once each at the start.
log_field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/collector.log" | head -n 1; }
tries=0
until [ -n "$(log_field url)" ]; do
  tries=$((tries + 1))
  if ! kill -0 "$collector_pid" 2>/dev/null || [ "$tries" -gt 100 ]; then
    cat "$work/collector.log" >&2
    echo "quickstart: the collector did not start (its log is above); is the port taken? try --listen 127.0.0.1:0" >&2
    exit 1
  fi
  sleep 0.1
done
url=$(log_field url)
link=$(log_field link)
token=$("$collector" token create --name quickstart --data "$work/data")
dsn=$(node examples/quickstart.mjs dsn "$url" "$token")
echo "collector: $url (data in build/quickstart/data, log in build/quickstart/collector.log)"
echo "DSN:       $dsn"

say 4/5 "Running the examples"
export TRAPLINE_DSN="$dsn"
export TRAPLINE_FOLDER="$work/sdk"  # not in the home folder: these are only examples
echo "--- examples/hello-error"
"$work/hello-error/hello-error"
# die OPTION STATUS WORDS: an example that crashes, on purpose
die() {
  echo "--- examples/hello-error $1 (ends by $3, on purpose)"
  crash_status=0
  "$work/hello-error/hello-error" "$1" || crash_status=$?
  [ "$crash_status" -eq "$2" ] || {
    echo "quickstart: hello-error $1 was to end with status $2, its status is $crash_status" >&2
    exit 1
  }
}
die --crash 134 "an uncaught exception"
die --segfault 139 "a null pointer"
echo "--- examples/hello-c"
"$work/hello-c/hello-c"
echo "--- examples/hello-sentry-node"
node examples/hello-sentry-node/index.mjs

say 5/5 "What arrived"
node examples/quickstart.mjs verify "$url" "$token"

if [ -n "$once" ]; then
  echo
  echo "quickstart: all issues arrived"
  exit 0
fi
cat <<END

Open the dashboard and choose your password (the link works once):

    $link

It serves until Ctrl-C.
END
wait "$collector_pid"
