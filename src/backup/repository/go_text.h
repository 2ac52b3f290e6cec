#pragma once
// Text as Go's standard library writes it, in which restic keeps its metadata: needed to the letter, for the
// id of a folder is the digest of its text.

#include "base/result.h"

#include <string>
#include <string_view>

namespace belay::backup {

/// A JSON string with its quotes, as encoding/json makes it: <, > and & are escaped, bytes that are not UTF-8
/// become the replacement character.
void append_go_json(std::string& out, std::string_view text);

/// As strconv.Quote without the quotes around it: any bytes become printable text.
std::string go_quoted(std::string_view bytes);

/// The bytes that go_quoted() made a text of. Errors: corrupt.
Result<std::string> go_unquoted(std::string_view text);

}  // namespace belay::backup
