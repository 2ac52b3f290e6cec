#pragma once
// An array as a gate: what it has when the plan is made, it keeps through the soak.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::md {

/// Fails when the array does not run, has fewer members in sync than it has now, a member more has failed, or
/// a check has counted more mismatches. `mismatches`: those of now (mismatch_cnt of sysfs, in sectors).
operation::Question keeps_members(const Array& array, uint64_t mismatches);

/// mismatch_cnt; 0 for a level that has none.
Result<uint64_t> read_mismatches(host::Host& host, const std::string& name);

void fill_gate(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
