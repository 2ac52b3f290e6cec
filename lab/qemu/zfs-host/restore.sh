#!/bin/sh
# After busy.sh in the same machine: all four labels of a pool's only disk are wiped, and what an operation has kept of
# them at its beginning, typed as its manifest says, brings the pool back.
set -eu
disk() { echo "/dev/disk/by-id/virtio-LAB-$1"; }

echo 0 >/sys/module/zfs/parameters/zfs_scan_suspend_progress   # busy.sh had scans stand still
zpool import away
zpool destroy away
wipefs --quiet --all "$(disk k)-part1" "$(disk k)-part9" "$(disk k)"
udevadm settle
zpool create -f -o ashift=12 one "$(disk j)"
echo precious >/one/note
zpool sync one
udevadm trigger --settle --subsystem-match=block

id=$(belay add partition.copy --from LAB-j --to LAB-k --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | tail -n 1)
belay abort "$id"
manifest=/var/lib/belay/restore-points/$id/manifest.json
zpool export one
member=$(disk j)-part1
end=$(($(blockdev --getsize64 "$member") / 262144))
for label in 0 1 $((end - 2)) $((end - 1)); do
    dd if=/dev/zero of="$member" bs=256K seek="$label" count=1 conv=notrunc,fsync status=none
done
if zpool import -d "$member" one; then
    echo "restore.sh: a pool without labels was imported" >&2
    exit 1
fi
grep -o 'dd if=[^"]*\.zfs[0-3] [^"]*' "$manifest" | while read -r line; do sh -c "$line status=none"; done
# The labels are of a time when the pool was in use.
zpool import -f -d "$member" one
[ "$(cat /one/note)" = precious ]
zpool scrub -w one
zpool status -x one
echo "restore.sh: the pool came back from what operation $id had kept"
