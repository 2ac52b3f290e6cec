#pragma once
// The text of a mail or a webhook, written by a person with names in braces: "{alarm} on {host}: {text}".

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>

namespace belay::framework::alarms {

constexpr size_t most_filled = 64 << 10;  ///< bytes of a text that was filled in

/// `text` with each {name} replaced by its value. A value is never looked at again, whatever braces are in
/// it. A name that is not known, and a brace that belongs to none, stay as they are; "{{" is one brace. What
/// is longer than most_filled is cut between two characters. Threads: any.
std::string filled(std::string_view text, const std::map<std::string, std::string, std::less<>>& values);

}  // namespace belay::framework::alarms
