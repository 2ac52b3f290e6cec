#pragma once
// What the device gets from a web server.

#include "base/result.h"

#include <functional>
#include <string>

namespace belay::lab::iosxe {

struct Fetched {
    std::string bytes = {};
    std::string why = {};  ///< it has not come, or not all of it, in the device's words; empty: all of it has
};

using Web = std::function<Fetched(const std::string& url)>;

/// By HTTPS, from a server whose certificate is signed by one in the file `trust`: what a trustpoint is to a
/// device. At most 16 MiB. Takes as long as the server does, ten seconds at most. Threads: any.
Fetched fetch_by_https(const std::string& url, const std::string& trust);

}  // namespace belay::lab::iosxe
