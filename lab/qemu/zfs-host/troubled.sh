#!/bin/sh
# After sound.sh in the same machine: a leg that is offline, a disk that was pulled, a disk that was written over.
set -eu
disk() { echo "/dev/disk/by-id/virtio-LAB-$1"; }

# The leg a of the mirror is written over, past the labels, and read back: errors that the other leg repairs.
zpool sync
dd if=/dev/urandom of="$(disk a)-part1" bs=1M seek=8 count=60 oflag=direct conv=notrunc status=none
zpool scrub -w tank
zpool offline tank "$(disk b)"

# A disk of the raidz is pulled: its PCI device goes.
device=$(basename "$(readlink -f "$(disk d)")")
echo 1 >"$(readlink -f "/sys/block/$device/device/..")/remove"
udevadm settle
dd if=/dev/urandom of=/deep/photos/two bs=1M count=4 status=none
zpool sync deep

# Files are damaged where nothing is left to repair them from.
dd if=/dev/urandom of=/lone/scratch/file bs=1M count=16 status=none
zpool export lone
zpool import -d "$(disk l)-part1" lone
dd if=/dev/urandom of="$(disk l)-part1" bs=1M seek=8 count=60 oflag=direct conv=notrunc status=none
zpool scrub -w lone || true
udevadm trigger --settle --subsystem-match=block
