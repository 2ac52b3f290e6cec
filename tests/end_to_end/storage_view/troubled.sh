#!/bin/sh
# After sound.sh in the same guest: what goes wrong with such a host in the course of years.
set -eu
export LVM_SUPPRESS_FD_WARNINGS=1
quietly() { "$@" >/dev/null 2>&1 || { echo "failed: $*" >&2; exit 1; }; }
disk() { echo "/dev/disk/by-id/ubd-LAB-$1"; }

# A new grub went to the ESP that is mounted, and to that one alone.
echo "grub, the next version" >/boot/efi/EFI/debian/grubx64.efi
sync

# One leg of the first mirror has failed. Of the second one leg is there, and it was not started.
quietly mdadm --manage /dev/md0 --fail "$(disk b)-part2"
quietly mdadm --stop /dev/md1
quietly mdadm --zero-superblock "$(disk g)"
quietly mdadm --incremental "$(disk f)"

# The snapshot ran full, the pool nearly; a disk of the second group is blank.
quietly dd if=/dev/urandom of=/dev/vg0/home bs=1M count=18 oflag=direct
quietly dd if=/dev/urandom of=/srv/guest/file bs=1M count=28 oflag=direct
quietly vgchange -an vg1
quietly dd if=/dev/zero of="$(disk d)" bs=1M count=2 oflag=direct
udevadm trigger --settle "$(disk d)"

# A copied table whose ids were not renewed.
sfdisk --dump "$(disk a)" | sfdisk --quiet --force "$(disk h)"
swapon "$(disk e)"
# As at the end of sound.sh: what was written while udev dealt with an event of that device, it has missed.
udevadm trigger --settle --subsystem-match=block
sync
until [ "$(cat /sys/block/md0/md/array_state)" = clean ]; do sleep 0.05; done
