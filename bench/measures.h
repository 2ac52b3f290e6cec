#pragma once
// The measures. Each is held against its peer in one run, in turns, because a machine is not as fast now as
// it was a minute ago; what is reported is the median of many short rounds.

#include "base/result.h"
#include "samples.h"
#include "scratch_folder.h"
#include "table.h"

namespace belay::bench {

/// Steps of an operation in the journal, against commits in a bare database.
Result<std::vector<Row>> measure_journal(const ScratchFolder& folder);

/// A plan of twenty commands, against the same commands in a shell script.
Result<std::vector<Row>> measure_commands(const ScratchFolder& folder);

/// Everything that there is to know of the storage of a large host, the tools' own time left out.
Result<std::vector<Row>> measure_inventory(const ScratchFolder& folder);

struct Programs {
    std::string belay;
    std::string belayd;
};
/// A daemon that has nothing to do but wait for a timer, and how fast it answers.
Result<std::vector<Row>> measure_daemon(const ScratchFolder& folder, const Programs& programs);

}  // namespace belay::bench
