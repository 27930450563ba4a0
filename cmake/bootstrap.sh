#!/bin/sh
# Installs the system packages that Trapline needs, and only those that are missing.
#
#   sh cmake/bootstrap.sh build    what building and the quickstart need
#   sh cmake/bootstrap.sh test     the above, and what the tests need (clang, Chromium, ...)   [default]
#
# Debian and Ubuntu (apt-get), Fedora (dnf) and macOS (Homebrew). Uses sudo where it is not run as root. What it cannot
# install is named in one line, and the exit status is 1.
set -eu

purpose=${1:-test}
case "$purpose" in
build | test) ;;
*)
  echo "usage: sh cmake/bootstrap.sh [build|test]" >&2
  exit 2
  ;;
esac

# The oldest Node.js that the dashboard's build and the browser tests run on.
node_major_needed=18

debian_build="g++ cmake ninja-build pkg-config libcurl4-openssl-dev zlib1g-dev nlohmann-json3-dev libsimdjson-dev
  libsqlite3-dev libcpp-httplib-dev libsodium-dev libcli11-dev libtomlplusplus-dev libspdlog-dev libdw-dev
  libbrotli-dev libre2-dev libzstd-dev libelf-dev libdeflate-dev libjemalloc-dev libpq-dev"
debian_test="binutils doctest-dev ccache clang clang-tidy clang-format libclang-rt-14-dev chromium openssl
  g++-mingw-w64-x86-64-posix libz-mingw-w64-dev dpkg-dev make perl tcl unicode-data python3-six python3-pip
  g++-aarch64-linux-gnu qemu-system-arm cpio wine wine64 postgresql"

fedora_build="gcc-c++ cmake ninja-build pkgconf-pkg-config libcurl-devel zlib-devel json-devel simdjson-devel
  sqlite-devel cpp-httplib-devel libsodium-devel cli11-devel tomlplusplus-devel spdlog-devel elfutils-devel
  brotli-devel re2-devel libzstd-devel libdeflate-devel jemalloc-devel elfutils-libelf-devel libpq-devel glibc-static
  libstdc++-static"
fedora_test="doctest-devel ccache clang clang-tools-extra compiler-rt chromium libasan libubsan libtsan openssl postgresql-server"

brew_build="cmake ninja pkg-config curl zlib nlohmann-json simdjson sqlite cpp-httplib libsodium cli11 tomlplusplus
  spdlog brotli re2 zstd libdeflate libpq"
brew_test="doctest ccache llvm postgresql"

say() { printf '%s\n' "bootstrap: $*"; }

fail() {
  printf '%s\n' "bootstrap: $*" >&2
  exit 1
}

has_node() {
  command -v npm >/dev/null 2>&1 || return 1
  command -v node >/dev/null 2>&1 || return 1
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [ "$major" -ge "$node_major_needed" ]
}

# as_root COMMAND...: runs it with the rights to install, or says in one line what is missing.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    fail "cannot install$missing: not root and no sudo; as root run: $*"
  fi
}

debian_has() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
fedora_has() { rpm -q --whatprovides "$1" >/dev/null 2>&1; }
brew_has() { brew list --versions "$1" >/dev/null 2>&1; }

# find_missing HAS PACKAGE...: sets `missing` to those that HAS does not find.
find_missing() {
  has=$1
  shift
  missing=
  for package in "$@"; do
    "$has" "$package" || missing="$missing $package"
  done
}

if command -v apt-get >/dev/null 2>&1; then
  wanted=$debian_build
  [ "$purpose" = build ] || wanted="$wanted $debian_test"
  # Where there is systemd, installing nginx starts a web server. Without it its tests say that they were skipped.
  [ "$purpose" = build ] || [ -d /run/systemd/system ] || wanted="$wanted nginx-light"
  has_node || wanted="$wanted nodejs npm"
  # shellcheck disable=SC2086  # the lists are words
  find_missing debian_has $wanted
  if [ -n "$missing" ]; then
    say "installing$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null ||
      fail "cannot install$missing: apt-get update failed (see above)"
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null ||
      fail "cannot install$missing: apt-get install failed (see above)"
  fi
elif command -v dnf >/dev/null 2>&1; then
  wanted=$fedora_build
  [ "$purpose" = build ] || wanted="$wanted $fedora_test"
  has_node || wanted="$wanted nodejs npm"
  # shellcheck disable=SC2086
  find_missing fedora_has $wanted
  if [ -n "$missing" ]; then
    say "installing$missing"
    # shellcheck disable=SC2086
    as_root dnf install -y -q $missing || fail "cannot install$missing: dnf install failed (see above)"
  fi
elif command -v brew >/dev/null 2>&1; then
  wanted=$brew_build
  [ "$purpose" = build ] || wanted="$wanted $brew_test"
  has_node || wanted="$wanted node"
  # shellcheck disable=SC2086
  find_missing brew_has $wanted
  if [ -n "$missing" ]; then
    say "installing$missing"
    # shellcheck disable=SC2086
    brew install --quiet $missing || fail "cannot install$missing: brew install failed (see above)"
  fi
else
  fail "cannot install packages here: none of apt-get, dnf or brew was found; CONTRIBUTING.md lists what is needed"
fi

has_node || fail "cannot use this Node.js: version $node_major_needed or newer with npm is needed, found $(node --version 2>/dev/null || echo none)"
say "all packages for '$purpose' are there"
