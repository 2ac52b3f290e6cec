#pragma once
// Arrays as a whole: made, stopped, started again. An array is named by its UUID, its members by stable
// paths. Source: mdadm(8), md(4).

#include "operation/act.h"
#include "storage/device.h"

namespace belay::storage::md {

/// An array that is to be.
struct NewArray {
    std::string uuid;                            ///< as mdadm writes it; decided when the plan is made
    std::string node;                            ///< "/dev/md/data", or "/dev/md1" where it has no name
    std::string name;                            ///< "data"; empty: mdadm takes the number of the node
    std::string level;                           ///< "raid1"
    std::string metadata;                        ///< "1.2"
    std::string bitmap;                          ///< "internal", "none"
    Bytes chunk;                                 ///< 0: mdadm's own choice, or a level without one
    std::vector<std::optional<Device>> members;  ///< in order; nothing: missing

    uint64_t missing() const;
};

/// What there is to say against such an array before any device is looked at: how many members it has and
/// misses, its chunk, its bitmap. Errors: usage, as a sentence.
Result<void> makes_sense(const NewArray& array);

/// Makes the array; what is copied then in it goes on by itself. An array of that UUID that a crash left half
/// made is stopped and made anew. Back: it is stopped, its superblocks are gone, the first and last 64 KiB of
/// every member are again what they were.
operation::Act create(const NewArray& array);

/// An array that runs and is to be stopped, or was.
struct Stopping {
    Array array;
    std::string node;  ///< what it is assembled as again: "/dev/md/data", "/dev/md0"
    std::vector<Device> members;
};

/// Stops the array; the superblocks stay. Back: it is assembled from the same members.
operation::Act stop(const Stopping& stopping);

/// The array runs with its members, and no more of them are missing than were meant to. Members that are
/// still being copied to count.
operation::Question is_as_made(const NewArray& array);
/// No device is held by the array any more.
operation::Question is_stopped(const Stopping& stopping);

/// Whether an array of that UUID runs, and the signatures and ends of the devices that are to be its members.
operation::Question run_fingerprint(const NewArray& array);

void fill_stop(operation::Catalogue& catalogue);
void fill_assembly(operation::Catalogue& catalogue);  ///< and those of fill_stop()

}  // namespace belay::storage::md
