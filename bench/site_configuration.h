#pragma once
// What a change of the configuration costs, and how soon a watcher has it: on SQLite and on etcd, beside an
// etcd alone.

#include "scratch_folder.h"
#include "table.h"

namespace belay::bench {

/// The rows, and whether all marks were reached. Errors: those of the stores and of etcd.
Result<std::vector<Row>> measure_configuration(const ScratchFolder& folder, size_t rounds);

}  // namespace belay::bench
