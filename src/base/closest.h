#pragma once
// What a person may have meant by a word that is not known.

#include <string>
#include <string_view>
#include <vector>

namespace belay {

/// The name closest to what was typed, where one is close enough to be meant; else empty. Threads: any.
std::string closest(std::string_view typed, const std::vector<std::string>& names);
/// ", did you mean \"x\"?" or nothing.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& names);

}  // namespace belay
