#pragma once
// How text looks on the output at hand: its width, whether it shows colour and UTF-8, and what time it
// writes. Rendering takes a Style and a JSON view and gives text; it asks nobody else, so tests hold it to
// the letter.

#include "base/units.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::cli {

/// "2025-02-08 09:28:32" of milliseconds since 1970, in the time of this host and in UTC.
std::string local_time(Milliseconds wall);
std::string utc_time(Milliseconds wall);

struct Style {
    bool colour = false;
    bool unicode = true;
    size_t width = 0;  ///< columns; 0: no limit, as in a pipe
    std::string (*clock)(Milliseconds wall) = local_time;
};

enum class Tone { plain, bold, dim, good, warn, bad };

/// `text` in its tone, or as it is without colour.
std::string paint(const Style& style, Tone tone, std::string_view text);

/// The marks of this house, in UTF-8 or in ASCII.
struct Marks {
    std::string_view pass, warn, fail, running, waiting, undone;  ///< one column each
    std::string_view branch, last_branch, stem, no_stem;          ///< of trees, three columns each
    std::string_view bar_full, bar_empty;
    std::string_view ellipsis;
};
const Marks& marks_of(const Style& style);

/// Text of the world made fit for a terminal: control characters (a disk's label may hold an escape
/// sequence), bytes that are not UTF-8, and what an ASCII terminal cannot show become "?"; line ends become
/// spaces.
std::string clean(const Style& style, std::string_view text);

/// "1 disk", "8 disks".
std::string counted(uint64_t number, std::string_view one, std::string_view several);

/// The columns that UTF-8 text takes, without its colours; wide characters take two.
size_t columns_of(std::string_view text);

/// At most `columns` of uncoloured text, its cut end marked.
std::string fit(const Style& style, std::string_view text, size_t columns);
/// `text` with spaces up to `columns`.
std::string pad(std::string_view text, size_t columns);

/// Text broken between words to the style's width. The first line begins after `used` columns, the others
/// after `indent` spaces. Ends without a line end.
std::string wrap(const Style& style, std::string_view text, size_t used, size_t indent);

/// A bar of `columns`, of which `percent` (0..100) are full.
std::string bar(const Style& style, int percent, size_t columns);

/// Rows as lines with aligned columns, two spaces between them, after `indent` spaces; the last column is
/// wrapped below itself, or below the others where it has too little room beside them. Cells may be coloured,
/// but for the last one.
std::string table(const Style& style, const std::vector<std::vector<std::string>>& rows, size_t indent);

}  // namespace belay::cli
