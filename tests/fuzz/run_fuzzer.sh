#!/bin/sh
# Runs one fuzzer on input grown from the recorded bodies and from seeds/: the same first 200,000 inputs each time, for at most ten seconds,
# so that a failure repeats; or, with "long" or TRAPLINE_LONG, new ones for a minute.
# Usage: sh run_fuzzer.sh PROGRAM CORPUS_FOLDER [long]
set -eu
if [ -n "${3:-}${TRAPLINE_LONG:-}" ]; then
  extent="-max_total_time=60"
else
  extent="-max_total_time=10 -runs=200000 -seed=1"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/seeds"
number=0
find "$2" "$(dirname "$0")/seeds" -name '*.body' -size -32k | while read -r body; do
  number=$((number + 1))
  cp "$body" "$work/seeds/$number"
done
cd "$work"
# shellcheck disable=SC2086  # the extent is words
"$1" $extent -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 "$work/found" "$work/seeds"
