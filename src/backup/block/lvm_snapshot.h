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
    /// Makes a snapshot of a thin volume that nobody writes to: read-only, and not active. Errors: as take().
    static Result<std::unique_ptr<LvmSnapshot>> freeze(host::Host& host, const LogicalVolume& thin);
    /// Removes it where neither remove() nor keep() was called, or they have failed.
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

    /// It stays, and is no leftover of anybody: it bears these tags in the place of its own. Errors: those of
    /// the tool; then it may stay, or not.
    Result<void> keep(const std::vector<std::string>& tags);

  private:
    enum class Use : uint8_t { writable, frozen };

    static Result<std::unique_ptr<LvmSnapshot>> make(host::Host& host, const LogicalVolume& origin,
                                                     const LvmSnapshotOptions& options, Use use);
    LvmSnapshot(host::Host& host, LogicalVolume volume) : host_(host), volume_(std::move(volume)) {}

    host::Host& host_;
    LogicalVolume volume_;
    bool is_let_go_ = false;
};

/// Snapshots on this host whose makers are gone, in order of the volumes they are of: a run that was killed,
/// or a power cut. Errors: those of the tool.
Result<std::vector<LogicalVolume>> leftover_snapshots(host::Host& host);

/// Unmounts and removes a snapshot that leftover_snapshots() has told. Errors: those of the tools.
Result<void> remove_leftover_snapshot(host::Host& host, const LogicalVolume& volume);

}  // namespace belay::backup
