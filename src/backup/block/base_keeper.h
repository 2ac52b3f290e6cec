#pragma once
// A thin volume that is saved by what has changed since a base of it was kept.

#include "backup/block/image_update.h"
#include "backup/block/kept_base.h"
#include "backup/block/lvm_snapshot.h"
#include "backup/block/thin_mappings.h"
#include "backup/block/used_blocks.h"
#include "backup/repository/repository.h"

namespace belay::backup {

/// For one save. Threads: one at a time.
class BaseKeeper {
  public:
    struct Options {
        bool all_blocks = false;  ///< of the image that is made, as DeviceSavingOptions has it
        bool dry_run = false;     ///< nothing is kept
    };
    /// What a person should know.
    using Note = std::function<void(const std::string&)>;

    /// `origin` is thin. All outlive this.
    BaseKeeper(host::Host& host, const Repository& repository, LogicalVolume origin, Options options,
               Note note)
        : host_(host),
          repository_(repository),
          origin_(std::move(origin)),
          options_(options),
          note_(std::move(note))
    {
    }

    /// Finds what has changed on `snapshot`, to which nobody writes any more, since a base was kept, and
    /// makes the next one. `used`, if it is all of the volume, becomes what is mapped of it. What cannot be
    /// found out is noted, and then all is read.
    void prepare(const LvmSnapshot& snapshot, UsedBlocks& used);

    /// Nothing: all is read.
    const ImageParent* parent() const { return parent_ ? &*parent_ : nullptr; }

    /// The image is in the repository: the next base stays, and those before are dropped. Errors: those of
    /// the tools; then the next save finds the bases that are there.
    Result<void> keep(const Id& snapshot);

  private:
    Result<void> compare(const LvmSnapshot& snapshot, UsedBlocks& used);
    Result<std::optional<KeptBase>> usable_base();
    Result<ImageParent> image_of(const KeptBase& base) const;
    Result<Extents> changed_since(const KeptBase& base, const ThinMappings& before, const ThinMappings& now,
                                  const UsedBlocks& used);

    host::Host& host_;
    const Repository& repository_;
    LogicalVolume origin_;
    Options options_;
    Note note_;
    std::vector<KeptBase> bases_;  ///< of the volume, whatever they stand for
    std::optional<ImageParent> parent_;
    std::unique_ptr<LvmSnapshot> next_;
    KeptBase::Mark mark_;  ///< of the next, but for the snapshot
};

/// Leaves out of what is used, if it is all of a thin volume, what is not mapped.
void leave_out_unmapped(UsedBlocks& used, const ThinMappings& volume, uint64_t size);

}  // namespace belay::backup
