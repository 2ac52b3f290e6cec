#pragma once
// An image of a device that stands on a web server, and which the device fetches: its URL becomes a part of a
// line that is typed there.

#include "base/result.h"

#include <string>

namespace belay::procedures {

/// The name of the file that an https:// URL names: "cat9k_iosxe.17.09.05.SPA.bin". What a command line of
/// IOS XE would take for something else, or what is secret, is in none: HOST or HOST:PORT, a path of letters,
/// digits and "._~-+=,%/", and nothing else. No library for URLs: belayd loads none, and this is less than
/// any URL. Errors: usage, without a word of the URL where there may be a password in it.
Result<std::string> file_of_image_url(const std::string& url);

/// Whether the device takes a line of that length: 254 characters. Errors: usage.
Result<void> check_fetched_line(const std::string& line);

}  // namespace belay::procedures
