#!/bin/sh
# After troubled.sh in the same machine: what a person does about it, while it is on its way.
set -eu
disk() { echo "/dev/disk/by-id/virtio-LAB-$1"; }

zpool online tank "$(disk b)"
zpool wait -t resilver tank
zpool clear tank
# Small pools are read in a moment: the kernel is told to stand still.
echo 1 >/sys/module/zfs/parameters/zfs_scan_suspend_progress
zpool replace tank "$(disk b)" "$(disk h)"   # the spare steps in
zpool replace deep "$(disk d)" "$(disk p)"
zpool scrub lone
udevadm trigger --settle --subsystem-match=block
