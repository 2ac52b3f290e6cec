#pragma once
// Tools that do the same work on the same data in turns, and what came of it.

#include "backup_tools.h"
#include "data_set.h"

#include <map>
#include <optional>

namespace belay::bench {

struct BackupPrograms {
    std::string belay, restic = "restic", borg = "borg";
};

/// Of one data set. Of each work and tool the medians of the rounds.
struct Compared {
    DataSet data;
    std::map<Work, std::map<Tool, Cost>> costs;
    std::map<Tool, uint64_t> size_of_first,
        size_of_all;  ///< of the repository: after the first backup, after all
};

/// Each round begins with new repositories; each work is done by all tools in turn before the next, in
/// another order in each round. In the first round what was restored is held against the data. Everything
/// lies in `folder`, and stays there. Errors: those of the tools and of the system; failed, where a
/// tool does not restore what it has saved.
Result<Compared> compare(const DataSet& data, const BackupPrograms& programs, const std::string& folder,
                         unsigned rounds);

/// Lines of a table, the first its heading; whether all marks were reached is added to `reached`.
std::vector<std::vector<std::string>> to_lines(const Compared& compared, bool& reached);

}  // namespace belay::bench
