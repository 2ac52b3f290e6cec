#!/bin/sh
# In a machine of lab/qemu/zfs with the disks LAB-a to LAB-p: pools of every kind, all sound, and one that was exported.
set -eu
disk() { echo "/dev/disk/by-id/virtio-LAB-$1"; }
modprobe zfs

zpool create -o ashift=12 tank mirror "$(disk a)" "$(disk b)" log mirror "$(disk e)" "$(disk f)" \
    cache "$(disk g)" spare "$(disk h)"
zfs create tank/home
zfs create tank/home/jan
zfs create -o mountpoint=/srv/archive tank/archive
zfs create -o mountpoint=none tank/guests
zfs create -s -V 64M tank/guests/web
zfs create -s -V 32M tank/guests/swap
udevadm settle
mkfs.ext4 -q -L web /dev/zvol/tank/guests/web
mkdir -p /srv/web
mount /dev/zvol/tank/guests/web /srv/web
zfs create -s -V 48M tank/guests/disk
udevadm settle
printf 'label: gpt\nsize=16M, name=boot\nname=data\n' | sfdisk --quiet /dev/zvol/tank/guests/disk
udevadm settle
mkfs.ext4 -q -L data /dev/zvol/tank/guests/disk-part2
zfs snapshot tank/home@monday

zpool create -o ashift=12 deep raidz1 "$(disk c)" "$(disk d)" "$(disk i)"
zfs create deep/photos
dd if=/dev/urandom of=/deep/photos/one bs=1M count=24 status=none
dd if=/dev/urandom of=/tank/home/jan/letter bs=1M count=8 status=none

zpool create -o ashift=12 away mirror "$(disk j)" "$(disk k)" log "$(disk m)" cache "$(disk n)" spare "$(disk o)"
zpool export away

zpool create -o ashift=12 lone "$(disk l)"
zfs create lone/scratch
zpool sync
udevadm trigger --settle --subsystem-match=block
