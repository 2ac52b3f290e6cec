#pragma once
// A snapshot of a logical volume for the time of a backup. The kernel freezes the filesystem on the volume
// for the moment in which it is made.

#include "backup/block/lvm_volume.h"

#include <memory>

namespace belay::backup {

struct LvmSnapshotOptions {
    /// Room for what is changed on the origin meanwhile, of a snapshot that is not thin; nothing: a tenth of
    /// the origin. No more than the group has free.
    std::optional<Bytes> room = {};
};

/// Every snapshot bears the tag "belay.block-snapshot" and one that says who made it: host, boot, process.
/// Threads: one at a time.
class LvmSnapshot {
  public:
    /// Makes a snapshot, writable and active. One of a thin volume is thin. Errors: no_space, where the group
    /// has no room for one, or the thin pool is nearly full; refused, where the volume is a snapshot itself
    /// and not thin; those of the tool. Then nothing is left of it. `host` outlives it.
    static Result<std::unique_ptr<LvmSnapshot>> take(host::Host& host, const LogicalVolume& origin,
                                                     const LvmSnapshotOptions& options);
    /// Removes it where remove() was not called, or has failed.
    ~LvmSnapshot();
    LvmSnapshot(const LvmSnapshot&) = delete;
    LvmSnapshot& operator=(const LvmSnapshot&) = delete;

    const LogicalVolume& volume() const { return volume_; }
    const std::string& path() const { return volume_.path; }

    /// Whether all that was read of it so far is the origin's state at its beginning. Errors: no_space, where
    /// more was changed on the origin than it has room for; failed, where its pool has failed; those of the
    /// tool.
    Result<void> check() const;

    /// Errors: those of the tool.
    Result<void> remove();

  private:
    LvmSnapshot(host::Host& host, LogicalVolume volume) : host_(host), volume_(std::move(volume)) {}

    host::Host& host_;
    LogicalVolume volume_;
    bool is_removed_ = false;
};

/// Snapshots on this host whose makers are gone, in order of the volumes they are of: a run that was killed,
/// or a power cut. Errors: those of the tool.
Result<std::vector<LogicalVolume>> leftover_snapshots(host::Host& host);

/// Unmounts and removes a snapshot that leftover_snapshots() has told. Errors: those of the tools.
Result<void> remove_leftover_snapshot(host::Host& host, const LogicalVolume& volume);

}  // namespace belay::backup
