#pragma once
// Brings the copies of the EFI system partition up to date with the one that serves. Copies are the lines of
// /etc/fstab that bear fstab::copy_mark, and nothing else: another system's partition is never written to.

#include "host/host.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace belay::storage::esp {

enum class SyncMode { look, write };

struct SyncedCopy {
    enum class State {
        alike,    ///< it was up to date
        updated,  ///< it is now; with SyncMode::look: it would be
        missing,  ///< its partition is not there: its disk was pulled or has failed
        failed,   ///< `problem` says why
    } state = State::alike;
    std::string target, spec;
    std::vector<std::string> changes;  ///< "EFI/debian/grubx64.efi is another"
    std::string problem;
};

struct SyncReport {
    std::string source;  ///< the mount point of the ESP that serves; empty where there are no copies
    std::vector<SyncedCopy> copies;

    /// None is missing or failed.
    bool whole() const;
};
std::string_view name_of(SyncedCopy::State state);

/// Each file is written beside, synced, and renamed over the old one, so that a copy starts the host at every
/// moment; what the source no longer has goes last. A copy that is not mounted is mounted by its line. What
/// goes wrong with one copy stands in its report. Errors: not_found (there are copies, and no ESP is mounted
/// to copy from), those of the host. Threads: one process at a time.
Result<SyncReport> sync_copies(host::Host& host, SyncMode mode);

/// {"source", "in_step", "copies": [{"target", "spec", "state", "changes", "problem"}]}.
nlohmann::json json_of(const SyncReport& report);

}  // namespace belay::storage::esp
