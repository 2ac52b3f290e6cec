#!/bin/sh
# Plays the scenes one after the other, records the host after each, and leaves all on the disk LAB-out. What people
# type, beside what Belay asks for (-P, in the recordings of the hosts), is in zpool-reports.txt. At the
# end a restore point brings a pool back (restore.sh).
set -eu
PATH=/opt/belay:$PATH
out=/tmp/recordings
mkdir -p "$out"
for scene in sound troubled busy; do
    sh "/opt/belay/$scene.sh"
    belay storage record --mask "$out/zfs-$scene-host.jsonl"
    case $scene in
    sound) forms="-P" ;;
    troubled) forms="-v -ps" ;;
    busy) forms="-PL -t" ;;
    esac
    for form in $forms; do
        echo "@@@ $scene $form"
        zpool status "$form"
    done >>"$out/zpool-reports.txt"
    LC_ALL=C.UTF-8 belay storage show
    LC_ALL=C.UTF-8 belay storage health || true
done
sh /opt/belay/restore.sh
tar -C "$out" -cf /dev/disk/by-id/virtio-LAB-out .
