#pragma once
// Patterns as grep -E has them: POSIX extended regular expressions.

#include "base/result.h"

#include <string>
#include <string_view>

namespace belay::operation::runbook {

/// Whether `pattern` may be used: at most 500 bytes, valid, without back references (\1) and with counts
/// ({1,3}) whose product is at most 1000, so that no pattern takes for ever. Errors: usage.
Result<void> check_pattern(std::string_view pattern);

/// Whether the whole text is as the pattern says. Errors: usage (those of check_pattern()).
Result<bool> matches_whole(std::string_view pattern, std::string_view text);

/// Whether the pattern is found in one of the lines of the text; ^ and $ are the ends of a line.
Result<bool> found_in_a_line(std::string_view pattern, std::string_view text);

}  // namespace belay::operation::runbook
