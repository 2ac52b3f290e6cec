#pragma once
// The line of an array in mdadm's configuration. Source: mdadm.conf(5).

#include "operation/act.h"

namespace belay::storage::md {

inline constexpr const char* conf_path = "/etc/mdadm/mdadm.conf";

/// Adds the line of an array. Back: the file is again what it was, or, where somebody has changed it
/// meanwhile, that line is gone from it. `node` as "/dev/md/data".
operation::Act add_conf_line(const std::string& node, const std::string& metadata, const std::string& uuid);

/// The text of the file, for comparison after an abort.
operation::Question conf_fingerprint();

void fill_conf(operation::Catalogue& catalogue);

}  // namespace belay::storage::md
