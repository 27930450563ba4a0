#!/bin/sh
# Builds the dashboard into OUTPUT/dist, unless what is there was built from the same sources. One build serves every preset.
# Usage: sh cmake/build_web.sh OUTPUT
set -eu
mkdir -p "$1"
output=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

# Two builds may ask at once; the second waits for the first, and then finds its work done.
waited=0
until mkdir "$output/lock" 2>/dev/null; do
  waited=$((waited + 1))
  if [ "$waited" -gt 300 ]; then
    echo "build_web: another build holds $output/lock for 5 minutes; remove it if none is running" >&2
    exit 1
  fi
  sleep 1
done
trap 'rmdir "$output/lock"' EXIT

sources() {
  find collector/web collector/http/openapi.json cmake/build_web.sh -name node_modules -prune -o -name dist -prune -o \
    -name schema.d.ts -o -type f -print | LC_ALL=C sort
}
checksum=$(sources | while read -r file; do cksum "$file"; done | cksum)
if [ -f "$output/stamp" ] && [ "$(cat "$output/stamp")" = "$checksum" ]; then
  exit 0
fi
sh cmake/install_node_modules.sh collector/web
(cd collector/web && TRAPLINE_WEB_OUTPUT="$output/dist" npm run build)
printf '%s\n' "$checksum" >"$output/stamp"
