#pragma once
// The Unix socket of belayd: made, connected to, and who is on the other side.

#include "base/result.h"
#include "host/descriptor.h"

#include <string>
#include <sys/types.h>

namespace belay::site {

/// Whose members may look at what belayd and belay-messages tell, where a machine has such a group.
inline constexpr const char* socket_group = "belay";

/// Who is on the other side of a connection, as the kernel saw it when it was made.
struct Peer {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
};

/// Errors: those of the system.
Result<Peer> peer_of(int connection);

/// The name of a user, "uid 1000" where it has none.
std::string user_name(uid_t uid);

/// Listens at `path`, which does not block: mode 0660, of the group `group` where there is one. Makes the
/// last folder of the path (0755) and removes the socket of a daemon that is gone: the caller has made sure
/// that there is none. Errors: usage (path of more than 107 bytes), those of the system.
Result<host::Descriptor> listen_at(const std::string& path, const std::string& group);

/// A connection that blocks. Errors: usage (path of more than 107 bytes), not_found (no socket), unavailable
/// (nobody listens), permission, io.
Result<host::Descriptor> connect_to(const std::string& path);

}  // namespace belay::site
