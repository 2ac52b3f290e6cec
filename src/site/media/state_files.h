#pragma once
// What a media server keeps in its state folder: the accounts, and the authority of its certificates.

#include "site/identity/authority.h"

#include <string>

namespace belay::media {

inline constexpr const char* default_state_folder = "/var/lib/belay/media";
inline constexpr const char* default_data_folder = "/srv/belay";
inline constexpr const char* default_socket = "/run/belay/media.sock";

/// The book of accounts.
std::string account_book_in(const std::string& state_folder);

/// What this machine calls itself; empty where the system does not say.
std::string host_name();

/// By its certificate clients know the server, however often that has another name or a new certificate.
/// Made, with its key, where there is none. `wall`: clock. Errors: corrupt, those of the system.
Result<site::Authority> open_media_authority(const std::string& state_folder, Milliseconds wall);

}  // namespace belay::media
