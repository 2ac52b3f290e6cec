#!/bin/sh
# In a guest of the lab with the disks a to h: a host with one of everything, in which nothing is wrong but that
# it has small arrays. Identifiers are given, so that a whole screen can be compared.
set -eu
export LVM_SUPPRESS_FD_WARNINGS=1
quietly() { "$@" >/dev/null 2>&1 || { echo "failed: $*" >&2; exit 1; }; }
disk() { echo "/dev/disk/by-id/ubd-LAB-$1"; }
settle() { udevadm settle; }
# mdadm --wait returns when the last block is in sync; the superblocks say so a little later.
in_sync() {
    mdadm --wait "/dev/$1" || true
    until [ "$(cat "/sys/block/$1/md/sync_action")" = idle ]; do sleep 0.05; done
    mdadm --wait-clean "/dev/$1" || true
}

# Otherwise the kernel fills the tables of a filesystem some seconds after it is mounted: its mirror is "active", and its
# pool gets fuller, while they are looked at.
at_once=lazy_itable_init=0,lazy_journal_init=0

# Two disks alike: an ESP, a leg of a mirror, a physical volume.
for number in 1 2; do
    case $number in 1) name=a ;; 2) name=b ;; esac
    sfdisk --quiet "$(disk $name)" <<TABLE
label: gpt
label-id: 0000000$number-0000-4000-8000-000000000000
start=2048, size=40M, type=uefi, uuid=0000000$number-0000-4000-8000-000000000001
size=60M, type=raid, uuid=0000000$number-0000-4000-8000-000000000002
size=90M, type=lvm, uuid=0000000$number-0000-4000-8000-000000000003
TABLE
done
settle
quietly mkfs.vfat -F 32 -i 0000000a -n ESP "$(disk a)-part1"
quietly mkfs.vfat -F 32 -i 0000000b -n ESP "$(disk b)-part1"
mkdir -p /boot/efi
mount "$(disk a)-part1" /boot/efi
mkdir -p /boot/efi/EFI/BOOT /boot/efi/EFI/debian
echo "the loader of last resort" >/boot/efi/EFI/BOOT/BOOTX64.EFI
echo "shim" >/boot/efi/EFI/debian/shimx64.efi
echo "grub" >/boot/efi/EFI/debian/grubx64.efi
export MTOOLS_SKIP_CHECK=1
quietly mcopy -s -i "$(disk b)-part1" /boot/efi/EFI ::

quietly mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --bitmap=internal --homehost=lab --name=data \
    --uuid=0d0d0d0d:00000000:00000000:00000001 "$(disk a)-part2" "$(disk b)-part2"
in_sync md0
quietly mkfs.ext4 -q -E "$at_once" -L data -U 0d0d0d0d-0000-4000-8000-000000000002 /dev/md0
mkdir -p /srv/data
mount /dev/md0 /srv/data

# LVM over two disks: a volume with a snapshot, and a thin pool with two thin volumes.
mkdir -p /run/lock/lvm
quietly pvcreate "$(disk a)-part3" "$(disk b)-part3"
quietly vgcreate -An vg0 "$(disk a)-part3" "$(disk b)-part3"
quietly lvcreate -An -y -L 20M -n home vg0
quietly lvcreate -An -L 12M -s -n before vg0/home
quietly lvcreate -An -L 40M -T vg0/pool
quietly lvcreate -An -V 100M -T vg0/pool -n guest
settle
quietly mkfs.ext4 -q -E "$at_once" -U 0d0d0d0d-0000-4000-8000-000000000003 /dev/vg0/guest
mkdir -p /srv/guest
mount /dev/vg0/guest /srv/guest

# Swap on a file of the mirror; a file system in a file; a disk without a table that is PV of another group.
fallocate -l 8M /srv/data/swap
chmod 600 /srv/data/swap
quietly mkswap -U 0d0d0d0d-0000-4000-8000-000000000004 /srv/data/swap
swapon -p 5 /srv/data/swap
fallocate -l 8M /srv/data/image
quietly mkfs.ext4 -q -U 0d0d0d0d-0000-4000-8000-000000000005 /srv/data/image
losetup /dev/loop0 /srv/data/image
quietly pvcreate "$(disk c)" "$(disk d)"
quietly vgcreate -An vg1 "$(disk c)" "$(disk d)"
quietly lvcreate -An -L 20M -n mail vg1 "$(disk c)"
quietly lvcreate -An -L 20M -n logs vg1 "$(disk d)"
quietly mkswap -U 0d0d0d0d-0000-4000-8000-000000000006 "$(disk e)"

# A mirror of two whole disks, and a disk that speaks SCSI.
quietly mdadm --create /dev/md1 --run --level=1 --raid-devices=2 --bitmap=internal --homehost=lab --name=spool \
    --uuid=0d0d0d0d:00000000:00000000:00000007 "$(disk f)" "$(disk g)"
in_sync md1
# udev misses what is written to a device while it deals with an event of it.
udevadm trigger --settle --subsystem-match=block
# What waits in memory would be written some seconds later, and a mirror is "active" meanwhile.
sync
for array in md0 md1; do
    until [ "$(cat "/sys/block/$array/md/array_state")" = clean ]; do sleep 0.05; done
done
