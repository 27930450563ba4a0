#!/bin/sh
# Measures the SDK and the collector: builds them as they ship, runs every benchmark, prints a table and writes
# build/bench/results.json.
#
#   sh tests/bench/run.sh              everything
#   sh tests/bench/run.sh collector    the collector under load alone (README.md)
#   sh tests/bench/run.sh store [DATABASE_URL] [EVENTS]
#                                      questions at size alone; without an URL a SQLite file of 200,000 events
#
# Absolute figures depend on the machine and on what else runs on it. The exit status says whether everything ran, not
# whether the targets were met.
set -eu
cd "$(dirname "$0")/../.."

build=build/bench
cmake --preset release -B "$build" -DTRAPLINE_BUILD_BENCHMARKS=ON -DTRAPLINE_BUILD_WEB=OFF >/dev/null
cmake --build "$build" >/dev/null
bin=$build/bin

work=$(mktemp -d)
collector=
trap 'if [ -n "$collector" ]; then kill "$collector" 2>/dev/null || true; wait "$collector" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
results=$build/results.ndjson
: >"$results"

say() { printf '%s\n' "$*" >&2; }
measure() {
  say "running $(basename "$1") ..."
  "$@" >>"$results"
}
figure() { printf '{"name":"%s","value":%s,"unit":"%s","target":%s,"met":%s}\n' "$1" "$2" "$3" "$4" "$5" >>"$results"; }
at_most() { if [ "$1" -le "$2" ]; then echo true; else echo false; fi; }

table() {
  node -e '
const fs = require("fs");
const rows = fs.readFileSync(process.argv[1], "utf8").trim().split("\n").map((line) => JSON.parse(line));
fs.writeFileSync(process.argv[2], JSON.stringify(rows, null, 2) + "\n");
const width = Math.max(...rows.map((row) => row.name.length));
for (const row of rows) {
  const bound = row.target < 0 ? "at least " + -row.target : "at most " + row.target;
  console.log(row.name.padEnd(width), String(row.value).padStart(12), row.unit.padEnd(8), bound.padEnd(18), row.met ? "" : "MISSED");
}' "$results" "$build/results.json"
  say "written to $build/results.json"
}

if [ "${1:-}" = store ]; then
  measure "$bin/bench_store" "${2:-sqlite:$work/store.db}" "${3:-200000}"
  table
  exit
fi

# What each stage of digestion costs, in CPU time of one thread.
mkdir "$work/digest"
measure "$bin/bench_digest" "$work/digest"
# Batches as fast as they are taken, single events likewise, and both at about half of that, for the answers' latency.
measure "$bin/bench_collector" "$bin/trapline-collector" "$work/batches" 100 100000 8
measure "$bin/bench_collector" "$bin/trapline-collector" "$work/singles" 1 40000 16
measure "$bin/bench_collector" "$bin/trapline-collector" "$work/half_batches" 100 50000 8 50
measure "$bin/bench_collector" "$bin/trapline-collector" "$work/half_singles" 1 20000 16 2000
if [ "${1:-}" = collector ]; then
  table
  exit
fi
measure "$bin/bench_store" "sqlite:$work/store.db" 200000

mkdir "$work/capture" "$work/memory" "$work/burst" "$work/collector"
measure "$bin/bench_capture" "$work/capture"
measure "$bin/bench_memory" "$work/memory"
mkdir "$work/throw"
measure "$bin/bench_throw" "$work/throw"
measure "$bin/bench_startup" "$bin/bench_empty" "$bin/bench_linked"
find tests/corpus -name '*.body' -size +1k -exec "$bin/bench_scrub" {} + >>"$results"

say "starting a collector ..."
"$bin/trapline-collector" serve --data "$work/collector" --listen 127.0.0.1:0 >"$work/log" 2>&1 &
collector=$!
tries=0
dsn=
while [ -z "$dsn" ] && [ "$tries" -lt 100 ]; do
  sleep 0.1
  tries=$((tries + 1))
  dsn=$(sed -n 's/.*"dsn":"\([^"]*\)".*/\1/p' "$work/log" | head -n 1)
done
[ -n "$dsn" ] || {
  say "the collector did not start:"
  cat "$work/log" >&2
  exit 1
}
measure "$bin/bench_burst" "$work/burst" "$dsn"
base=$(printf '%s' "$dsn" | sed 's|://[^@]*@|://|; s|/[0-9]*$||')
metrics=$(node -e 'fetch(process.argv[1] + "/metrics").then((r) => r.text()).then((t) => console.log(t))' "$base")
requests=$(printf '%s\n' "$metrics" | sed -n 's/^trapline_ingest_requests_total \([0-9]*\).*/\1/p')
accepted=$(printf '%s\n' "$metrics" | sed -n 's/^trapline_events_accepted_total \([0-9]*\).*/\1/p')
figure "burst: events in the collector" "${accepted:-0}" events -10000 "$([ "${accepted:-0}" -ge 10000 ] && echo true || echo false)"
[ -z "$requests" ] || figure "burst: requests" "$requests" requests 150 "$(at_most "$requests" 150)"

strip -o "$work/stripped.so" "$(find "$build/lib" -name 'libtrapline.so.*.*' | head -n 1)"
size=$(wc -c <"$work/stripped.so" | tr -d ' ')
figure "libtrapline.so, stripped" "$size" bytes 1048576 "$(at_most "$size" 1048576)"

table
