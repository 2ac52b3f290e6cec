#pragma once
// What a device logs, on lines where it answers.

#include <cstddef>
#include <optional>
#include <string_view>

namespace belay::upgrade::iosxe::show {

/// Where on a line a message of the device's log begins, that ends with the line:
/// "*Feb  8 10:07:52.456 jst: %INSTALL-5-INSTALL_START_INFO: ...". Nothing: there is none.
std::optional<size_t> begin_of_log(std::string_view line);

/// A line that belongs to a message of the log above it.
bool continues_log(std::string_view line);

}  // namespace belay::upgrade::iosxe::show
