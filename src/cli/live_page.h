#pragma once
// A page that changes: redrawn in place on a terminal.

#include "base/json.h"
#include "cli/console.h"
#include "site/client.h"

namespace belay::cli {

/// One part of a page.
struct PageSection {
    std::string heading;  ///< may be empty
    std::vector<std::string> lines;
};

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(const std::string& text);
/// All of it, with an empty line between two sections; those without lines are left out. Where that is more
/// than `height` lines (0: no limit), the longest sections are cut, and say how many lines are missing.
std::vector<std::string> page_lines(const Style& style, std::vector<PageSection> sections, size_t height);
std::string page_text(const Style& style, const std::vector<PageSection>& sections);

using PageMaker = std::function<std::vector<PageSection>(const Style&, const Json&)>;

/// Follows a stream until it ends, or a signal ends it; each answer takes the place of the one before. Only
/// where console.is_live(). The signal; 0: none. Errors: those of the stream.
Result<int> show_live_page(site::Client& client, Console& console, const Style& style,
                           std::string_view method, const Json& parameters, const PageMaker& page);

}  // namespace belay::cli
