#pragma once
// What was measured, for a person.

#include <optional>
#include <string>
#include <vector>

namespace belay::bench {

/// Cells that say nothing are empty.
struct Row {
    std::string name;
    std::string ours;
    std::string peer = {};
    std::string ratio = {};
    std::string mark = {};             ///< to reach
    std::optional<bool> reached = {};  ///< nothing where there is no mark
};

/// A table in Markdown, in columns of equal width, so that it reads on a terminal too.
std::string to_text(const std::vector<Row>& rows);

/// Whether a mark was reached, as a table shows it: "yes", "NO", or nothing where there is none.
std::string reached_text(std::optional<bool> reached);

/// The same of any lines, as many cells in each as the first has, which is the heading.
std::string aligned(std::vector<std::vector<std::string>> lines);

}  // namespace belay::bench
