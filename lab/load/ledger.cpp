#include "load/ledger.h"

#include "base/invariant.h"

#include <algorithm>

namespace belay::lab {

void Ledger::answered(uint64_t number)
{
    INVARIANT(number == last_ + 1);
    written_[slot_of(number, written_.size())] = number;
    last_ = number;
}

std::string Ledger::loss(uint64_t slot, const Result<uint64_t>& found) const
{
    const uint64_t wanted = written_[slot];
    if (found && (*found == wanted || (answers_ == Answers::some && *found > wanted))) return {};
    const std::string instead = found ? fmt::format("write {}", *found) : found.error().what;
    return fmt::format("slot {}: wanted write {}, found {}", slot, wanted, instead);
}

std::vector<std::string> Ledger::losses(const std::vector<Result<uint64_t>>& found) const
{
    INVARIANT(found.size() == written_.size());
    uint64_t newest = last_;
    for (const Result<uint64_t>& number : found) newest = std::max(newest, number.value_or(0));
    const uint64_t being_written = slot_of(newest + 1, written_.size());
    std::vector<std::string> all;
    for (uint64_t slot = 0; slot < found.size(); ++slot) {
        const bool torn = !found[slot] && found[slot].error().kind == ErrorKind::corrupt;
        if (torn && answers_ == Answers::some && slot == being_written) continue;
        if (std::string what = loss(slot, found[slot]); !what.empty()) all.push_back(std::move(what));
    }
    return all;
}

}  // namespace belay::lab
