#include "table.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace belay::bench {
namespace {

using Cells = std::array<std::string, 6>;

Cells cells_of(const Row& row)
{
    const std::string reached = !row.reached ? "" : *row.reached ? "yes" : "NO";
    return {row.name, row.ours, row.peer, row.ratio, row.mark, reached};
}

}  // namespace

std::string to_text(const std::vector<Row>& rows)
{
    std::vector<Cells> lines = {{"What", "Belay", "Peer", "Ratio", "Mark", "Reached"}, {}};
    for (const Row& row : rows) lines.push_back(cells_of(row));
    std::string text;
    std::array<size_t, std::tuple_size_v<Cells>> widths{};
    for (size_t column = 0; column < widths.size(); ++column) {
        for (const Cells& line : lines) {
            // A µ has two bytes and one column.
            const auto width =
                line[column].size() - static_cast<size_t>(std::ranges::count(line[column], '\xc2'));
            widths[column] = std::max(widths[column], width);
        }
        lines[1][column] = std::string(widths[column], '-');
    }
    for (const Cells& line : lines) {
        for (size_t column = 0; column < widths.size(); ++column)
            text += fmt::format("| {:<{}} ", line[column], widths[column]);
        text += "|\n";
    }
    return text;
}

}  // namespace belay::bench
