#include "table.h"

#include <algorithm>
#include <fmt/format.h>

namespace belay::bench {

std::string reached_text(std::optional<bool> reached)
{
    return !reached ? "" : *reached ? "yes" : "NO";
}

std::string to_text(const std::vector<Row>& rows)
{
    std::vector<std::vector<std::string>> lines = {{"What", "Belay", "Peer", "Ratio", "Mark", "Reached"}};
    for (const Row& row : rows)
        lines.push_back({row.name, row.ours, row.peer, row.ratio, row.mark, reached_text(row.reached)});
    return aligned(std::move(lines));
}

std::string aligned(std::vector<std::vector<std::string>> lines)
{
    const size_t columns = lines.front().size();
    std::vector<size_t> widths(columns);
    std::vector<std::string> rule(columns);
    for (size_t column = 0; column < columns; ++column) {
        for (const std::vector<std::string>& line : lines) {
            // A µ has two bytes and one column.
            const auto width =
                line[column].size() - static_cast<size_t>(std::ranges::count(line[column], '\xc2'));
            widths[column] = std::max(widths[column], width);
        }
        rule[column] = std::string(widths[column], '-');
    }
    lines.insert(lines.begin() + 1, std::move(rule));
    std::string text;
    for (const std::vector<std::string>& line : lines) {
        for (size_t column = 0; column < columns; ++column)
            text += fmt::format("| {:<{}} ", line[column], widths[column]);
        text += "|\n";
    }
    return text;
}

}  // namespace belay::bench
