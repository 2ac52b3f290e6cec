#pragma once
// The pieces in which files and streams are read.

#include "backup/repository/chunker.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace belay::backup {

/// Memory of large pieces is used again when the last chunk of a piece is saved: to get so much anew from the
/// kernel, which clears it, takes longer than to read what lies in its page cache. Threads: any.
class Pieces {
  public:
    using Piece = std::shared_ptr<std::string>;
    /// The largest that is of use: what is in no chunk yet, which begins the next piece, always leaves room
    /// in it.
    static constexpr size_t size = Chunker::max_size;

    /// That begins with `begin`, and has room for `room` more bytes without being moved. It may outlive this.
    Piece take(std::string_view begin, size_t room);

  private:
    struct Spare {
        std::mutex mutex;
        std::vector<std::string> memory;
    };
    std::shared_ptr<Spare> spare_ = std::make_shared<Spare>();
};

}  // namespace belay::backup
