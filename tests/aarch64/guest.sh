#!/bin/busybox sh
# The first thing that runs in the emulated machine (tests/aarch64/run.sh): makes it one, and runs the command.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ip link set lo up
sh /command.sh
printf '\nguest: ended with %s\n' "$?"
poweroff -f
