#pragma once
// An image out of a snapshot onto a block device or into a file.

#include "backup/repository/node.h"
#include "backup/repository/repository.h"

#include <atomic>

namespace belay::backup {

/// Threads: all of the run, at the same time.
class DeviceRestoringObserver {
  public:
    virtual ~DeviceRestoringObserver() = default;
    /// A part of the image could not be restored; the rest goes on.
    virtual void problem(const Error& error) = 0;
};

struct DeviceRestoringOptions {
    std::string target;           ///< a block device, or a file: sparse where it is new
    bool target_is_zero = false;  ///< it reads as zeros already: a new thin volume, a device just discarded
    bool compare = false;         ///< what is there already is not written: goes on after a restore was cut
    bool verify = false;          ///< reads everything back, and holds it against the ids
    bool allow_in_use = false;    ///< also a device that is mounted or has a holder
    bool overwrite_file = false;  ///< also a file that is there and not empty
    size_t threads = 0;           ///< 0: as many as there are processors
};

struct DeviceRestoringSummary {
    std::atomic<uint64_t> bytes_total = 0;    ///< of the image
    std::atomic<uint64_t> bytes_done = 0;     ///< of these; zeros count
    std::atomic<uint64_t> bytes_written = 0;  ///< but those of zeros
    std::atomic<uint64_t> bytes_there = 0;    ///< found to be there from before, by `compare`
    std::atomic<uint64_t> bytes_verified = 0;
    std::atomic<uint64_t> problems = 0;
};

/// The image in a snapshot: its one file, whatever folders lead to it. Errors: not_found, where there is
/// none; refused, where there are several entries; those of the repository.
Result<Node> image_in(const Repository& repository, const Id& tree);

/// Writes an image. Its first chunk, where filesystems have their superblocks, is written last: a restore
/// that was cut short is no filesystem. `repository` has its index loaded. Errors: busy, where the target is
/// in use; refused, where it is too small, there already, or neither device nor file; not_found, where a
/// device is not there; corrupt, where blobs of the image are in no index or do not make its size: then
/// nothing is written. no_space and those of the system. A blob that is damaged, and what does not verify, is
/// told.
Result<void> restore_device(const Repository& repository, const Node& image,
                            const DeviceRestoringOptions& options, DeviceRestoringObserver& observer,
                            DeviceRestoringSummary& summary);

}  // namespace belay::backup
