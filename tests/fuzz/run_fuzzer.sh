#!/bin/sh
# Runs one fuzzer for ten seconds, or a minute with TRAPLINE_LONG, seeded with the recorded bodies.
# Usage: sh run_fuzzer.sh PROGRAM CORPUS_FOLDER
set -eu
seconds=10
[ -z "${TRAPLINE_LONG:-}" ] || seconds=60
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/seeds"
number=0
find "$2" -name '*.body' -size -32k | while read -r body; do
  number=$((number + 1))
  cp "$body" "$work/seeds/$number"
done
cd "$work"
"$1" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 "$work/found" "$work/seeds"
