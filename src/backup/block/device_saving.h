#pragma once
// A device or volume into a snapshot: one file, the image of the whole device with zeros where nothing is
// used, so that `restic restore` and `restic dump` give what can be written to a disk or mounted as it is.

#include "backup/block/block_source.h"
#include "backup/block/image_update.h"
#include "backup/block/lvm_snapshot.h"
#include "backup/block/used_blocks.h"
#include "backup/pipeline/blob_writer.h"
#include "backup/repository/snapshot.h"

#include <atomic>

namespace belay::backup {

/// What is seen while it runs. Threads: all of the run, at the same time.
class DeviceSavingObserver {
  public:
    virtual ~DeviceSavingObserver() = default;
    /// A part of the device could not be read and is zeros in the image, or something is left over; the rest
    /// is saved.
    virtual void problem(const Error& error) = 0;
    /// What a person should know of how it is saved: why unused blocks are read as well, that a snapshot of
    /// the volume was made.
    virtual void note(const std::string& what) = 0;
};

/// Whether the device is saved from a snapshot of its logical volume.
enum class VolumeSnapshot : uint8_t { when_in_use, always, never };

struct DeviceSavingOptions {
    std::string device;           ///< a block device, or an image file that nobody writes to
    std::string image_name = {};  ///< of the file in the root of the snapshot; empty: image_name_of(device)
    VolumeSnapshot volume_snapshot = VolumeSnapshot::when_in_use;
    LvmSnapshotOptions lvm = {};
    /// Of a thin volume: what has not changed since the last save that kept a base is not read, and this one
    /// keeps the next.
    bool keep_base = false;
    bool all_blocks = false;    ///< unused ones too, as they are
    bool allow_in_use = false;  ///< a device that others may write to is saved whole, whatever its state
    std::vector<std::string> tags = {};
    std::string hostname = {}, username = {};
    std::optional<Timestamp> time = {};  ///< of the snapshot; else now
    BlobWriter::Options writer = {};
    size_t threads = 0;  ///< 0: as many as there are processors
    std::string program_version = {};
};

struct DeviceSavingSummary {
    std::atomic<uint64_t> bytes_total = 0;  ///< of the device
    std::atomic<uint64_t> bytes_used = 0;   ///< of these, what the image has
    std::atomic<uint64_t> bytes_done = 0;   ///< of these, what has been read, or need not be
    std::atomic<uint64_t> bytes_read = 0;   ///< of these, what has been read
    std::atomic<uint64_t> problems = 0;
    std::atomic<uint64_t> bytes_lost = 0;  ///< that could not be read
    std::string content;                   ///< as UsedBlocks has it
    std::string why_whole;
    Written written;
    std::optional<Id> parent;    ///< the snapshot whose image was brought up to date; nothing: all was read
    std::optional<Id> snapshot;  ///< nothing of a dry run
};

/// "/dev/vg/data", "/dev/mapper/vg-data" are "vg-data.img", "/dev/sda1" is "sda1.img", "/srv/disk.img" is
/// "disk.img".
std::string image_name_of(const std::string& device);

/// Saves the device of the options. One in use is saved from a snapshot of its logical volume, whose journal
/// is replayed, and which is gone when this returns. `repository` has its index loaded. Errors: busy, where
/// it is in use and no snapshot may or can be made; refused, where a base is to be kept of what is no thin
/// volume; no_space, where the volume's snapshot has overflowed; io, where so much cannot be read that the
/// device is failing; those of the repository and the tools. Then there is no snapshot in the repository.
Result<void> save_device(host::Host& host, Repository& repository, const DeviceSavingOptions& options,
                         DeviceSavingObserver& observer, DeviceSavingSummary& summary);

/// The heart of it: `used` of `source` into a snapshot, named by `options`. `still_valid` is asked before the
/// snapshot is written, and when something could not be read: an error of it ends the run. Of `parent`, if
/// there is one, is taken over what has not changed.
Result<void> save_blocks(Repository& repository, const BlockSource& source, const UsedBlocks& used,
                         const DeviceSavingOptions& options, const std::function<Result<void>()>& still_valid,
                         DeviceSavingObserver& observer, DeviceSavingSummary& summary,
                         const ImageParent* parent = nullptr);

}  // namespace belay::backup
