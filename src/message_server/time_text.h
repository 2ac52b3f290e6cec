#pragma once
// Points in time as they stand in texts and in files of output: "2026-11-27T19:30:00.123Z".

#include "base/units.h"

#include <optional>
#include <string>
#include <string_view>

namespace belay::message_server {

std::string time_text(Milliseconds wall);
/// What a line begins with; nothing: with something else.
std::optional<Milliseconds> time_at_front(std::string_view line);
constexpr size_t time_text_bytes = 24;

}  // namespace belay::message_server
