#pragma once
// The same messages in a journal of systemd's, of its own.

#include "base/result.h"
#include "messages_sample.h"

namespace belay::bench {

/// Writes so many messages to `folder` by systemd-journal-remote, from a pipe; in how many seconds. Errors:
/// failed, those of the system.
Result<double> fill_journal(const std::string& folder, uint64_t count, Milliseconds between);

}  // namespace belay::bench
