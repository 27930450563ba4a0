#!/bin/sh
# Every C and C++ source is as clang-format writes it. Usage: sh tests/format_test.sh (from anywhere)
set -eu
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null 2>&1 || {
  echo "clang-format is missing: run sh cmake/bootstrap.sh" >&2
  exit 1
}
find sdk collector tests examples -name node_modules -prune -o -name build -prune -o \
  \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' \) -exec clang-format --dry-run -Werror {} +
