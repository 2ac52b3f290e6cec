#pragma once
// What every slot of a file of blocks must hold, by the writes that were answered.

#include "load/blocks.h"

#include <vector>

namespace belay::lab {

/// Each slot must hold the write whose answer came last. After a power cut some answers may have been lost on
/// their way: then a later whole write is as good, and the one block that was being written may be torn, for
/// a disk promises to write whole sectors, not whole blocks. Threads: one at a time.
class Ledger {
  public:
    enum class Answers { all, some };
    /// At first every slot must hold write 0.
    Ledger(uint64_t slots, Answers answers) : written_(slots, 0), answers_(answers) {}

    /// Numbers ascend by one from 1.
    void answered(uint64_t number);

    /// What is wrong with a slot in which this was found, as a sentence; empty where it holds what it must.
    std::string loss(uint64_t slot, const Result<uint64_t>& found) const;

    /// What is wrong with the whole file: `found` has what each slot holds, in the order of the slots.
    std::vector<std::string> losses(const std::vector<Result<uint64_t>>& found) const;

  private:
    std::vector<uint64_t> written_;
    uint64_t last_ = 0;
    Answers answers_;
};

}  // namespace belay::lab
