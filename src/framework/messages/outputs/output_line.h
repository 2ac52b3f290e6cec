#pragma once
// A message as a line of a file.
//
//     2026-11-29T18:04:05.120Z standard 20-00010 web1/stat server: listens at port 7260

#include "framework/messages/message.h"

namespace belay::framework::messages {

/// RFC 3339, UTC: "2026-11-29T18:04:05.120Z". Years 0 to 9999; what is beyond is as if it were at that end.
std::string rfc3339(Milliseconds at);

/// With its line feed, and no other: a line feed of the text is "\n" there, a backslash "\\", any other
/// control character "\x1b", so that nothing in it moves a terminal's cursor or makes a line of its own.
std::string output_line(const Message& message);

}  // namespace belay::framework::messages
