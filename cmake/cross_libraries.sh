#!/bin/sh
# Makes the libraries that a cross build needs and that its target lacks, into build/cross/<target>/ (include, lib, bin).
#
#   sh cmake/cross_libraries.sh mingw64        Windows: RE2; the headers of nlohmann_json, doctest, cpp-httplib, libcurl and
#                                              SQLite; winsqlite3.dll, which Windows 10 has and wine has not
#   sh cmake/cross_libraries.sh macos-arm64    macOS: the compiler (the Python package ziglang, which brings the headers and
#   sh cmake/cross_libraries.sh macos-x86_64   the linker's view of the system's library along), RE2, zlib and the headers
#
# They are built from the source packages of the Debian or Ubuntu release this runs on, read with a package list of our own:
# the system's lists and sources stay as they are. The header-only ones are the system's packages, copied into a folder
# that holds nothing else. What is there already is not made again; remove the folder to start anew. The exit status is 77
# where this machine cannot have them: a program, a package or the network is missing.
set -eu
cd "$(dirname "$0")/.."

target=${1:-}
case "$target" in
mingw64) compiler=x86_64-w64-mingw32 ;;
macos-arm64) compiler=aarch64-macos.11.0 ;;
macos-x86_64) compiler=x86_64-macos.11.0 ;;
*)
  sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac

cross=$(pwd)/build/cross
prefix=$cross/$target
sources=$cross/sources
logs=$cross/logs
jobs=$(getconf _NPROCESSORS_ONLN)

say() { printf '%s\n' "cross libraries ($target): $*"; }

fail() {
  printf '%s\n' "cross libraries ($target): $*" >&2
  exit 1
}

# cannot REASON: what this machine does not have, and cannot be asked of it.
cannot() {
  printf '%s\n' "cross libraries ($target): $*" >&2
  exit 77
}

# need PROGRAM PACKAGE
need() { command -v "$1" >/dev/null 2>&1 || cannot "$1 is missing; the package $2 has it"; }

# run_logged NAME COMMAND...: its output goes to a log, whose end is shown when it fails.
run_logged() {
  log=$logs/$target-$1.log
  shift
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 30 "$log" >&2
  return 1
}

# logged NAME COMMAND...: a part of the work. obtained NAME COMMAND...: something from elsewhere.
logged() { run_logged "$@" || fail "failed: $* (all of it in $log)"; }
obtained() { run_logged "$@" || cannot "failed: $1 (all of it in $log)"; }

# write FILE COMMAND...: its output as that file, which is there whole or not at all.
write() {
  file=$1
  shift
  "$@" >"$file.part" || fail "failed: $*"
  mv "$file.part" "$file"
}

# once NAME FUNCTION: runs it unless it has succeeded before.
once() {
  [ ! -e "$prefix/done/$1" ] || return 0
  say "making $1"
  "$2"
  mkdir -p "$prefix/done"
  : >"$prefix/done/$1"
}

# source_packages OPTION...: apt-get with lists of its own, which name the source packages of the release this machine runs.
source_packages() {
  apt-get -q -o Dir::Etc::sourcelist="$sources/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$sources/apt/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= \
    -o APT::Sandbox::User="$(id -un)" "$@"
}

read_package_lists() {
  need apt-get apt
  mkdir -p "$sources/apt/lists/partial"
  keys=
  for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/ubuntu-archive-keyring.gpg; do
    [ ! -e "$keyring" ] || keys="[signed-by=$keyring] "
  done
  # shellcheck disable=SC2016  # apt fills these in
  apt-get indextargets --format 'deb-src $(REPO_URI) $(CODENAME) $(COMPONENT) of $(ORIGIN)' 'Created-By: Packages' |
    sed -n "s#^deb-src \(.*\) of \(Debian\|Ubuntu\)\$#deb-src $keys\1#p" | awk '!seen[$0]++' >"$sources/apt/sources.list"
  [ -s "$sources/apt/sources.list" ] ||
    cannot "apt knows no Debian or Ubuntu archive here: run apt-get update first, and see /etc/apt/sources.list"
  obtained read-package-lists source_packages update
}

# unpack PACKAGE: its source, patched, as the link $sources/PACKAGE. For all targets the same.
unpack() {
  [ ! -e "$sources/$1" ] || return 0
  need dpkg-source dpkg-dev
  [ -e "$sources/apt/has-served" ] || read_package_lists  # lists that are not whole are read again
  rm -rf "$sources/unpacking"
  mkdir -p "$sources/unpacking"
  (cd "$sources/unpacking" && obtained "$1-source" source_packages source --only-source "$1")
  rm -rf "$sources/$1.tree"
  mv "$sources"/unpacking/"$1"*/ "$sources/$1.tree"
  rm -rf "$sources/unpacking"
  ln -s "$1.tree" "$sources/$1"
  : >"$sources/apt/has-served"
}

# with_cmake NAME SOURCE OPTION...: builds and installs a static library.
with_cmake() {
  name=$1
  tree=$2
  shift 2
  case "$target" in
  mingw64)
    set -- "$@" -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64 \
      -DCMAKE_C_COMPILER="$compiler-gcc-posix" -DCMAKE_CXX_COMPILER="$compiler-g++-posix"
    ;;
  macos-*) set -- "$@" -DCMAKE_TOOLCHAIN_FILE="$(pwd)/cmake/macos-cross.cmake" -DTRAPLINE_CROSS_TARGET="$target" ;;
  esac
  rm -rf "$prefix/build/$name"
  logged "$name" cmake -S "$tree" -B "$prefix/build/$name" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON "$@"
  logged "$name" cmake --build "$prefix/build/$name" -j "$jobs"
  logged "$name" cmake --install "$prefix/build/$name"
  rm -rf "$prefix/build/$name"
}

# describe NAME VERSION LIBS: a pkg-config file that finds the folder by its own place.
describe() {
  mkdir -p "$prefix/lib/pkgconfig"
  cat >"$prefix/lib/pkgconfig/$1.pc" <<END
prefix=\${pcfiledir}/../..
Name: $1
Description: $1 for $target
Version: $2
Cflags: -I\${prefix}/include
Libs: $3
END
}

# Debian takes RE2's generated tables out of its source package, and makes them from the system's Unicode data.
make_re2_tables() {
  (
    cd "$sources/re2/re2"
    [ -s perl_groups.cc ] || { need perl perl && write perl_groups.cc perl make_perl_groups.pl; }
    for table in unicode_casefold unicode_groups; do
      [ ! -s "$table.cc" ] || continue
      [ -e /usr/share/unicode/UnicodeData.txt ] || cannot "the Unicode data is missing; the package unicode-data has it"
      /usr/bin/python3 -c 'import six' 2>/dev/null || cannot "Python's six is missing; the package python3-six has it"
      write "$table.cc" /usr/bin/python3 "make_$table.py"
    done
  )
}

make_re2() {
  unpack re2
  make_re2_tables
  ! grep -q absl "$sources/re2/CMakeLists.txt" ||
    cannot "this release's RE2 needs Abseil, which is not made here: use a release with RE2 from before 2023-06"
  with_cmake re2 "$sources/re2" -DRE2_BUILD_TESTING=OFF
  # shellcheck disable=SC2016
  describe re2 10.0.0 '-L${prefix}/lib -lre2'
}

# Header-only libraries, and the headers of those that are loaded at run time. Never -I/usr/include: it has this machine's
# C library in it.
copy_headers() {
  mkdir -p "$prefix/include" "$prefix/lib/cmake" "$prefix/share/cmake"
  for header in nlohmann/json.hpp doctest/doctest.h; do
    [ -e "/usr/include/$header" ] || cannot "/usr/include/$header is missing: sh cmake/bootstrap.sh test installs it"
    cp -RL "/usr/include/${header%%/*}" "$prefix/include/"
  done
  cp -RL /usr/share/cmake/nlohmann_json "$prefix/share/cmake/"
  cp -RL /usr/lib/cmake/doctest "$prefix/lib/cmake/"
  # shellcheck disable=SC2016
  sed 's|set(_IMPORT_PREFIX "/usr")|get_filename_component(_IMPORT_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)|' \
    /usr/lib/cmake/doctest/doctestTargets.cmake >"$prefix/lib/cmake/doctest/doctestTargets.cmake"

  # Where the compiler of this machine looks for them: the folder's name has the machine's in it.
  for header in sqlite3.h curl/curl.h; do
    found=$(printf '#include <%s>\n' "$header" | ${CXX:-g++} -x c++ -M - 2>/dev/null | tr ' ' '\n' | grep "/$header\$" | head -n 1)
    [ -n "$found" ] || cannot "<$header> is missing: sh cmake/bootstrap.sh build installs it"
    case "$header" in
    */*) cp -RL "$(dirname "$found")" "$prefix/include/" ;;
    *) cp -L "$found" "$prefix/include/" ;;
    esac
  done
  # Only their headers are used.
  describe sqlite3 "$(sed -n 's/^#define SQLITE_VERSION  *"\(.*\)"/\1/p' "$prefix/include/sqlite3.h")" ''
  describe libcurl "$(sed -n 's/^#define LIBCURL_VERSION  *"\(.*\)"/\1/p' "$prefix/include/curl/curlver.h")" ''
}

# SQLite in one file, made by its own build for this machine.
make_sqlite_amalgamation() {
  [ ! -e "$sources/sqlite3.c" ] || return 0
  unpack sqlite3
  need tclsh tcl
  rm -rf "$sources/sqlite3-build"
  mkdir -p "$sources/sqlite3-build"
  (
    cd "$sources/sqlite3-build"
    logged sqlite-amalgamation sh ../sqlite3/configure --disable-tcl
    logged sqlite-amalgamation make sqlite3.c
  )
  mv "$sources/sqlite3-build/sqlite3.c" "$sources/sqlite3.c"
  rm -rf "$sources/sqlite3-build"
}

make_winsqlite3() {
  make_sqlite_amalgamation
  mkdir -p "$prefix/bin"
  logged winsqlite3 "$compiler-gcc-posix" -O2 -shared -static-libgcc -Wl,--as-needed \
    "-DSQLITE_API=__declspec(dllexport)" -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION \
    -o "$prefix/bin/winsqlite3.dll" "$sources/sqlite3.c"
}

# The file that cpp-httplib is before its build splits it: header-only, without TLS.
copy_httplib() {
  unpack cpp-httplib
  mkdir -p "$prefix/include"
  cp "$sources/cpp-httplib/httplib.h" "$prefix/include/"
  case "$target" in
  mingw64) describe cpp-httplib 0.0.0 '-lws2_32' ;;
  *) describe cpp-httplib 0.0.0 '' ;;
  esac
}

# Every C file at the top is the library; its own CMake build writes into its sources. It takes every Mac for one of the last
# century, which had no fdopen().
make_zlib() {
  unpack zlib
  mkdir -p "$prefix/build/zlib"
  (
    cd "$prefix/build/zlib"
    logged zlib "$prefix/bin/clang" -c -O2 -fPIC -D_LARGEFILE64_SOURCE=1 -DHAVE_UNISTD_H -DHAVE_STDARG_H -Dfdopen=fdopen \
      -Wno-deprecated-non-prototype "$sources"/zlib/*.c
    logged zlib "$prefix/bin/ar" rcs "$prefix/lib/libz.a" ./*.o
  )
  rm -rf "$prefix/build/zlib"
  cp "$sources/zlib/zlib.h" "$sources/zlib/zconf.h" "$prefix/include/"
}

# install_zig: into build/cross/, nothing of the system's Python changes. Its caches (the C++ library it builds) too.
install_zig() {
  [ -x "$cross/zig/ziglang/zig" ] && [ -e "$cross/zig/ziglang-$zig_version.dist-info" ] && return 0
  need python3 python3
  python3 -m pip --version >/dev/null 2>&1 || cannot "Python's pip is missing; the package python3-pip has it"
  say "fetching the compiler (100 MB)"
  rm -rf "$cross/zig"
  obtained fetch-the-compiler python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$cross/zig" "ziglang==$zig_version"
}

# Compiler and binary tools under the names that CMake and ccache know. Undefined behaviour checks are left to the
# sanitizer builds: this compiler has them on, as traps.
make_compiler() {
  mkdir -p "$prefix/bin"
  for tool in clang:cc clang++:c++ ar:ar ranlib:ranlib; do
    arguments=
    case "$tool" in clang*) arguments=" -target $compiler -fno-sanitize=undefined" ;; esac
    cat >"$prefix/bin/${tool%%:*}" <<END
#!/bin/sh
ZIG_GLOBAL_CACHE_DIR='$cross/zig-cache' exec '$cross/zig/ziglang/zig' ${tool#*:}$arguments "\$@"
END
    chmod +x "$prefix/bin/${tool%%:*}"
  done
}

zig_version=0.17.1
mkdir -p "$prefix" "$sources" "$logs"
need cmake cmake
need ninja ninja-build
case "$target" in
mingw64) need "$compiler-g++-posix" g++-mingw-w64-x86-64-posix ;;
macos-*)
  install_zig
  once compiler make_compiler
  ;;
esac
once headers copy_headers
once cpp-httplib copy_httplib
once re2 make_re2
case "$target" in
mingw64) once winsqlite3 make_winsqlite3 ;;
macos-*) once zlib make_zlib ;;
esac
say "all there, in build/cross/$target"
