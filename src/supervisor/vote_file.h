#pragma once
// What a voter must know after its program was started anew, in a file that a reboot empties.

#include "framework/redundancy/voter.h"

#include <string>

namespace belay::supervisor {

/// In memory; it is written by a copy. Threads: one.
class VoteFile {
  public:
    /// Where it cannot be had, the vote is not kept: a voter that knows nothing of before keeps silent first.
    explicit VoteFile(const std::string& path);
    ~VoteFile();
    VoteFile(const VoteFile&) = delete;
    VoteFile& operator=(const VoteFile&) = delete;

    /// What it holds; where it was not there: `first`, which it holds from then on.
    framework::redundancy::Vote vote_or(const framework::redundancy::Vote& first);
    void set(const framework::redundancy::Vote& vote);

  private:
    bool was_there_ = false;
    void* at_ = nullptr;
};

}  // namespace belay::supervisor
