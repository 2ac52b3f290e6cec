#pragma once
// What a program writes, as a file in a snapshot.

#include "backup/pipeline/saving.h"

namespace belay::backup {

/// Fills a buffer; how many bytes there were, 0 at the end. Errors: end it all, without a snapshot.
using ReadStream = std::function<Result<size_t>(std::span<char> buffer)>;

/// Saves a stream as the file `path`, which is absolute. Errors: as save_paths(); those of `read`.
Result<void> save_stream(Repository& repository, const SavingOptions& options, const std::string& path,
                         const ReadStream& read, SavingObserver& observer, SavingSummary& summary);

}  // namespace belay::backup
