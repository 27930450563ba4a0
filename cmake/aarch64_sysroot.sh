#!/bin/sh
# Makes a folder with what a 64-bit Arm Debian has of the libraries that the SDK and its tests need, and with a kernel
# and a shell to run them by: for cross-compiling (cmake/aarch64-linux-gnu.cmake) and for tests/aarch64/run.sh.
#
#   sh cmake/aarch64_sysroot.sh FOLDER
#
# Uses the package sources of the Debian that it runs on, with a state of its own: this system gets no foreign packages,
# and nothing needs the rights of root. What is there already is kept. Exit status 77: not to be had here.
set -eu

folder=${1:?usage: sh cmake/aarch64_sysroot.sh FOLDER}

packages="busybox-static doctest-dev libc6-dev libcpp-httplib-dev libcurl4-openssl-dev libdw-dev libelf-dev libre2-dev
  libsodium23 libsqlite3-dev libstdc++6 nlohmann-json3-dev zlib1g-dev"
kernel=linux-image-cloud-arm64

say() { printf '%s\n' "aarch64_sysroot: $*" >&2; }

# The script itself is the list's version: a changed one makes the folder anew.
stamp=$(cksum <"$0")
if [ "$(cat "$folder/made-by" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

for tool in apt-get apt-cache dpkg-deb; do
  command -v "$tool" >/dev/null 2>&1 || {
    say "not to be had here: $tool is missing"
    exit 77
  }
done

rm -rf "$folder"
state=$folder/apt
mkdir -p "$state/lists/partial" "$state/archives/partial" "$folder/usr/bin" "$folder/usr/sbin" "$folder/usr/lib"
state=$(cd "$state" && pwd)
: >"$state/status"
for name in bin sbin lib; do ln -s "usr/$name" "$folder/$name"; done

# of_arm TOOL ARGUMENT...: apt as on an Arm machine that has nothing installed yet.
of_arm() {
  tool=$1
  shift
  "$tool" -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User="$(id -un)" \
    -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state" \
    -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}

# A source that has no Arm packages gives a warning only.
of_arm apt-get update >"$state/log" 2>&1 || {
  tail -n 5 "$state/log" >&2
  say "not to be had here: the package sources gave no lists for arm64"
  exit 77
}
image=$(of_arm apt-cache depends "$kernel" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
if [ -z "$image" ]; then
  say "not to be had here: the package sources have no $kernel"
  exit 77
fi
# The kernel's own dependencies would set up a machine's start, which there is none of here.
# shellcheck disable=SC2086  # the list is words
if ! of_arm apt-get install -y --no-install-recommends --download-only $packages >"$state/log" 2>&1 ||
  ! (cd "$state/archives" && of_arm apt-get download "$image") >>"$state/log" 2>&1; then
  tail -n 5 "$state/log" >&2
  say "cannot make $folder: downloading the packages failed (see above)"
  exit 1
fi
for package in "$state"/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" |
    tar -x -C "$folder" --keep-directory-symlink --exclude './usr/share/doc' --exclude './usr/share/man' \
      --exclude './lib/modules'
done
# Links that are meant for a system's root.
find "$folder/usr" -type l | while read -r link; do
  target=$(readlink "$link")
  case $target in
  /*) ln -sfnr "$folder$target" "$link" ;;
  esac
done
cp "$folder"/boot/vmlinuz-* "$folder/kernel"
rm -rf "$state" "$folder/boot"
printf '%s\n' "$stamp" >"$folder/made-by"
