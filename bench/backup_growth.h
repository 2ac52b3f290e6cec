#pragma once
// How time and memory grow with the number of files and with their size.

#include "backup_rounds.h"

namespace belay::bench {

/// What there is to measure: "10k-files" to "5M-files", "1GB" to "100GB".
std::vector<std::string> growth_names();

/// Trees of small and of large files, those named in `only` or all; each is made in `folder`, saved twice by
/// Belay and, up to what is bearable, by restic, and goes before the next. Says beforehand how much room each
/// needs. Lines of a table, the first its heading; whether all marks were reached is added to `reached`.
/// Errors: no_space, before anything is made, where there is less than the largest needs; those of the tools
/// and of the system.
Result<std::vector<std::vector<std::string>>> measure_growth(const BackupPrograms& programs,
                                                             const std::string& folder,
                                                             const std::vector<std::string>& only,
                                                             bool& reached);

}  // namespace belay::bench
