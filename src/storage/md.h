#pragma once
// Linux software RAID: the actions on the members of an array, and the questions about it. Arrays are named
// by their UUID, members by a stable path (/dev/disk/by-partuuid/... or /dev/disk/by-id/...). Source:
// mdadm(8), md(4), the kernel's Documentation/admin-guide/md.rst.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::md {

/// A member: its stable path, and the kernel's name of now, which sysfs goes by.
struct Place {
    std::string path, device;
};

/// Adds a leg to a mirror: joins `member` as a spare and then grows raid-devices to `legs`, so that at no
/// moment the array wants a member that it does not have (mdadm refuses the other order for that reason).
/// Where `legs` is what the array has already, the member takes the place that is free, at any level. Running
/// while the kernel copies. Back: the member is failed, removed, its superblock is gone, raid-devices is
/// again what it was.
operation::Act add_leg(const Array& array, const std::string& member, uint64_t legs);
/// The same with a whole disk. Back: its first and last 64 KiB are also again what they were, for mdadm
/// leaves the bitmap and the data.
operation::Act add_leg(const Array& array, const Disk& disk, uint64_t legs);

/// Puts `joining` in the place of `leaving` in an array of any level that has redundancy: joins it as a spare
/// and asks md to replace. Both serve until all is copied; then md itself declares `leaving` faulty. Running
/// while the kernel copies. Back, while it is copied: `leaving` serves on, `joining` is failed, removed, its
/// superblock gone. Back afterwards: the same replacement the other way round, so that no member is missed
/// for a moment; that takes as long. Of a whole disk the first and last 64 KiB are also again what they were.
operation::Act replace_member(const Array& array, const Place& leaving, const std::string& joining);
operation::Act replace_member(const Array& array, const Place& leaving, const Disk& joining);

/// Waits until a member is in sync. Changes nothing itself.
operation::Act await_sync(const Array& array, const std::string& member);

/// Takes a leg out: fails and removes `member`, erases its md superblock, shrinks raid-devices to `legs`. In
/// this order: a power cut before the superblock is gone brings the leg back, one after it does no harm. The
/// superblock of a leg that was taken out, left over when raid-devices has shrunk, keeps the next boot from
/// assembling the mirror, if udev comes to it first (seen with mdadm 4.2, at every fourth boot or so). No way
/// back.
operation::Act drop_leg(const Array& array, const std::string& member, uint64_t legs);

/// How long a member is copied, by the speed of a plain disk, for want of anything better.
Milliseconds copy_time(const Array& array);

/// The array has exactly so many legs, all in sync, and md is idle.
operation::Question in_sync(const Array& array, uint64_t legs);
/// `member` is one of the legs and in sync.
operation::Question has_leg(const Array& array, const std::string& member);
/// Without `member` the array still has at least `legs` legs in sync: asked before one is let go.
operation::Question enough_without(const Array& array, const std::string& member, uint64_t legs);

/// One place is free, and nothing is there that md would put into it: `leaving`, where it is named, has
/// failed.
operation::Question lacks_one(const Array& array, const std::string& leaving);
/// md has no spare that it would take up before the one that joins.
operation::Question no_spare(const Array& array);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
