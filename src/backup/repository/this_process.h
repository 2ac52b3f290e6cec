#pragma once
// Who is at work, as a repository's locks, keys and snapshots name it.

#include <string>

namespace belay::backup {

/// The name of this host; empty where the system does not tell.
std::string host_name();
/// The name of the user that this process works for, or the number where there is no name.
std::string user_name();

}  // namespace belay::backup
