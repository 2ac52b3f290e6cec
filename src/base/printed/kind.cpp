#include "base/printed/kind.h"

namespace belay::printed {

Result<Json> parse_as(const Kind& kind, std::string_view text)
{
    auto json = kind.parse(text);
    if (json) return json;
    Error error = json.error();
    if (!error.next.empty()) return std::unexpected(std::move(error));
    const bool has_blanks = kind.name.find(' ') != std::string_view::npos;
    const char* quote = has_blanks ? "\"" : "";
    error.next = fmt::format("{} | belay parse {}{}{}", kind.example, quote, kind.name, quote);
    return std::unexpected(std::move(error));
}

}  // namespace belay::printed
