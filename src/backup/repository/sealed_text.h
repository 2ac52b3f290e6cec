#pragma once
// How the texts of a repository are stored: config, snapshots, locks and indexes.
// Source: restic's design document, "Unpacked Data Format".

#include "backup/repository/crypto.h"

namespace belay::backup {

/// The bytes of a file. In a repository of version 2 all texts but the config are compressed.
/// Errors: failed.
Result<std::string> seal_text(const MasterKey& key, std::string_view text, bool compressed);

/// The text of a file, however it was stored. Errors: corrupt.
Result<std::string> open_text(const MasterKey& key, std::string_view sealed);

}  // namespace belay::backup
