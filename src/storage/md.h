#pragma once
// Linux software RAID: the actions on the members of a mirror, and the questions about it. Arrays are named
// by their UUID, members by a stable path (/dev/disk/by-partuuid/... or /dev/disk/by-id/...). Source:
// mdadm(8), md(4), the kernel's Documentation/admin-guide/md.rst.

#include "storage/act.h"
#include "storage/model.h"

namespace belay::storage::md {

/// Adds a leg to a mirror: joins `member` as a spare and then grows raid-devices to `legs`, so that at no
/// moment the array wants a member that it does not have (mdadm refuses the other order for that reason).
/// Running while the kernel copies. Back: the member is failed, removed, raid-devices is again what it was,
/// the member's superblock is gone.
Act add_leg(const Array& array, const std::string& member, uint64_t legs);

/// Waits until a member is in sync. Changes nothing itself.
Act await_sync(const Array& array, const std::string& member);

/// Takes a leg out: fails and removes `member`, shrinks raid-devices to `legs`. No way back.
Act drop_leg(const Array& array, const std::string& member, uint64_t legs);

/// Erases the md superblock of a former member, which a later boot could else assemble as a stale half. No
/// way back.
Act forget_member(const std::string& member, const std::string& array_uuid);

/// The array has exactly so many legs, all in sync, and md is idle.
operation::Question in_sync(const Array& array, uint64_t legs);
/// `member` is one of the legs and in sync.
operation::Question has_leg(const Array& array, const std::string& member);
/// Without `member` the array still has at least `legs` legs in sync: asked before one is let go.
operation::Question enough_without(const Array& array, const std::string& member, uint64_t legs);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
