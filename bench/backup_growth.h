#pragma once
// How time and memory grow with the number of files and with their size.

#include "backup_rounds.h"

namespace belay::bench {

/// Trees of 10,000 to 1,000,000 small files and 1 and 10 GB of large ones, 5,000,000 and 100 GB as well where
/// `largest`; each is made in `folder`, saved twice by Belay and, up to what is bearable, by restic, and goes
/// before the next. Says beforehand how much room each needs. Lines of a table, the first its heading.
/// Errors: no_space, before anything is made, where there is less than the largest needs; those of the tools
/// and of the system.
Result<std::vector<std::vector<std::string>>> measure_growth(const BackupPrograms& programs,
                                                             const std::string& folder, bool largest);

}  // namespace belay::bench
