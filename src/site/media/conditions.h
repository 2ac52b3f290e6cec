#pragma once
// Headers by which a client asks for an answer only where it would be another one, and says how long it would
// wait for that. Sources: RFC 9110, section 13.1.2; RFC 7240.

#include <chrono>
#include <optional>
#include <string_view>

namespace belay::media {

/// Whether the header If-None-Match names this entity tag, which has its quotes.
bool names_tag(std::string_view if_none_match, std::string_view tag);

/// What the header Prefer says of "wait"; nothing where it says none, or what is no number of seconds.
std::optional<std::chrono::seconds> wait_preferred(std::string_view prefer);

}  // namespace belay::media
