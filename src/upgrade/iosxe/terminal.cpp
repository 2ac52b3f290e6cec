#include "upgrade/iosxe/terminal.h"

#include <algorithm>

namespace belay::upgrade::iosxe {
namespace {

constexpr size_t longest_line = 1000;

}  // namespace

Result<void> check_line(const std::string& text)
{
    const auto may_be_typed = [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '?'; };
    if (!text.empty() && text.size() <= longest_line && std::ranges::all_of(text, may_be_typed)) return {};
    return fail(ErrorKind::usage,
                fmt::format("a line of {} bytes is not typed on a device: it may have 1 to {} printable "
                            "characters of ASCII, and no question mark",
                            text.size(), longest_line));
}

Result<std::vector<Answer>> SpokenFor::type(const std::vector<Line>& lines, const Said& said)
{
    for (const Line& line : lines) {
        TRY(check_line(line.text));
        if (lines_.contains(line.text)) continue;
        return fail(ErrorKind::refused, fmt::format("\"{}\" is in no plan, and is not typed", line.text));
    }
    return terminal_.type(lines, said);
}

Result<void> SpokenFor::carry(const std::string& file, const std::string& to, const Carried& carried)
{
    if (lines_.contains(fmt::format("copy {} {}", file, to))) return terminal_.carry(file, to, carried);
    return fail(ErrorKind::refused, fmt::format("\"copy {} {}\" is in no plan, and is not done", file, to));
}

}  // namespace belay::upgrade::iosxe
