#!/bin/sh
# Runs a program that was built for 64-bit Arm in an emulated machine, and ends as it did.
#
#   sh tests/aarch64/run.sh SYSROOT BUILD 'COMMAND...'    a shell's command; "$BUILD/bin" has the programs
#
# The machine is QEMU's, with Debian's kernel: signals, their frames and what one process may see of another are the real
# kernel's, which QEMU's emulation of single programs does not have. It has no disk and no network: the programs, the
# libraries of the sysroot and a shell are what it starts with, under the paths they have here.
set -eu

sysroot=$1
build=$2
command=$3
limit_s=${GUEST_LIMIT_S:-600}

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
root=$room/root
libraries=$root/usr/lib/aarch64-linux-gnu
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$libraries" "$root/etc" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" \
  "$root$build/bin" "$root$build/lib"
for name in bin sbin lib; do ln -s "usr/$name" "$root/$name"; done

# Programs and libraries; not what is only for linking.
cp "$sysroot/usr/bin/busybox" "$root/usr/bin/"
cp -L "$sysroot"/usr/lib/ld-linux-aarch64.so.1 "$root/usr/lib/"
for library in "$sysroot"/usr/lib/aarch64-linux-gnu/*.so.*; do cp -L "$library" "$libraries/"; done
cp "$build"/bin/* "$root$build/bin/"
cp -P "$build"/lib/*.so* "$root$build/lib/"
# As it is shipped: reading all of its debug information at each delivery takes a third of the time.
aarch64-linux-gnu-strip --strip-debug "$root$build/bin/trapline-crash-deliver" "$root$build"/lib/libtrapline.so.*.*
sources=$(cd "$(dirname "$0")/../.." && pwd)  # some tests read the lines of their own source
mkdir -p "$root$sources/tests/unit"
cp -R "$sources/tests/unit/sdk" "$root$sources/tests/unit/"

ln -s usr/bin/busybox "$root/init"
printf '::sysinit:/bin/busybox sh /guest.sh\n' >"$root/etc/inittab"
cp "$(dirname "$0")/guest.sh" "$root/guest.sh"
printf 'BUILD=%s\ncd "$BUILD" || exit\n%s\n' "$build" "$command" >"$root/command.sh"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$room/root.cpio"
rm -rf "$root"

# The newest processor that it knows: pointers are signed, where a program asks for it. Every program lies where it lay
# before (norandmaps): translated code is found by its address, and a start costs a quarter.
timeout "$limit_s" qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -smp 2 -m 2048 -nic none -no-reboot \
  -display none -monitor none -serial stdio -kernel "$sysroot/kernel" -initrd "$room/root.cpio" \
  -append 'console=ttyAMA0 quiet panic=-1 norandmaps' </dev/null | tr -d '\r' | tee "$room/console"

status=$(sed -n 's/^guest: ended with \([0-9]*\)$/\1/p' "$room/console" | tail -n 1)
if [ -z "$status" ]; then
  echo "tests/aarch64/run.sh: the machine stopped before the program ended, or $limit_s s were not enough" >&2
  exit 124
fi
exit "$status"
