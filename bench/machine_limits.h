#pragma once
// What a backup and a restore cannot do without, each alone on one thread: how fast this machine can be at
// all.

#include "data_set.h"
#include "samples.h"

namespace belay::bench {

struct Limit {
    std::string name;
    uint64_t bytes = 0;  ///< that it worked on
    Nanoseconds time{0};
};

struct MachineLimits {
    uint64_t entries = 0;     ///< of the walk
    uint64_t sampled = 0;     ///< bytes of the data that the others worked on, or on what came of them
    std::vector<Limit> each;  ///< the walk is the first, and its bytes are all of the data
};

/// Walks all of the data, and reads, hashes, cuts, compresses, seals and writes an even sample of it, of at
/// most about 1 GiB, in pieces as a backup has them; decompresses it again and writes it as a restore does.
/// What is written goes into `folder`, and away. Errors: those of the system.
Result<MachineLimits> measure_limits(const DataSet& data, const std::string& folder);

/// Lines of a table, the first its heading.
std::vector<std::vector<std::string>> to_lines(const MachineLimits& limits);

/// Processor time, by Belay unless it says otherwise.
struct Took {
    Nanoseconds first{0}, changed{0}, restore{0}, restore_by_restic{0};
};

/// Which of them takes most of a backup, and what they come to for all of the data, beside what was taken.
std::string sentences_of(const MachineLimits& limits, const DataSet& data, const Took& took);

}  // namespace belay::bench
