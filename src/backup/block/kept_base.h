#pragma once
// Thin snapshots that stay in their pool after a save, so that the next one reads what has changed since.

#include "backup/block/extents.h"
#include "backup/block/lvm_volume.h"
#include "backup/repository/id.h"

namespace belay::backup {

/// Read-only, not active, and what an image in a repository was made of. A tag says which.
struct KeptBase {
    /// What the tag says.
    struct Mark {
        std::string name, uuid;  ///< of the volume that was saved, in the same group
        Id repository;           ///< that the image is in
        Id snapshot;
        Id used;              ///< used_digest() of the blocks that the image has
        uint64_t blocks = 0;  ///< of the pool that are mapped in it

        std::vector<std::string> tags() const;
    };

    LogicalVolume volume;
    Mark mark;
};

/// Of a volume "GROUP/NAME", which need no longer be there. Errors: those of the tool; corrupt.
Result<std::vector<KeptBase>> kept_bases(host::Host& host, const std::string& full_name);

/// Errors: those of the tool.
Result<void> drop_base(host::Host& host, const KeptBase& base);

/// Names a set of used blocks.
Id used_digest(const Extents& used);

/// A base that is active as long as this lives. Threads: one at a time.
class ActiveBase {
  public:
    /// Errors: those of the tool. `host` outlives it.
    static Result<std::unique_ptr<ActiveBase>> activate(host::Host& host, const LogicalVolume& base);
    ~ActiveBase();
    ActiveBase(const ActiveBase&) = delete;
    ActiveBase& operator=(const ActiveBase&) = delete;

  private:
    ActiveBase(host::Host& host, std::string name) : host_(host), name_(std::move(name)) {}

    host::Host& host_;
    std::string name_;
};

}  // namespace belay::backup
