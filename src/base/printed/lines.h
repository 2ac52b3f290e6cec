#pragma once
// What the parsers share: lines with their numbers, numbers that are numbers, and errors that say where.
//
// A parser reports nothing rather than something wrong. A text that is empty, foreign or cut is an Error
// (corrupt) that names the line; a line that nobody knows is passed over; a value that cannot be understood
// is left out.

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::printed {

/// The largest text that is read, in bytes, and the most lines in it.
constexpr size_t largest_text = size_t{16} << 20;
constexpr size_t most_lines = 1'000'000;

struct Line {
    size_t number = 0;      ///< from 1
    std::string_view text;  ///< without the white space at its end; points into what was parsed
};

/// The lines of a text with their numbers. `command` is what prints such a text, for messages: "zpool
/// status". Errors: corrupt, where the text is empty, too large, or has bytes in it that no text has.
Result<std::vector<Line>> lines_of(std::string_view text, std::string_view command);

/// The part of lines_of() that a JSON text must pass too. Errors: corrupt.
Result<void> check_text(std::string_view text, std::string_view command);

/// "this is no output of `zpool status`: line 3: ..."; line 0: the text as a whole.
std::unexpected<Error> foreign(std::string_view command, size_t line, std::string_view what);
/// "this output of `zpool status` is cut: ...".
std::unexpected<Error> cut(std::string_view command, std::string_view what);

std::string_view trimmed(std::string_view text);
std::vector<std::string_view> words_of(std::string_view text);
std::vector<std::string> copied_words(std::string_view text);
/// The first word, taken off the front of `rest`; empty where there is none.
std::string_view take_word(std::string_view& rest);
/// Columns of white space before the first character; a tab goes to the next multiple of eight.
size_t indent_of(std::string_view text);

/// Decimal digits and nothing else.
std::optional<uint64_t> whole_number(std::string_view text);
/// The digits at the end of a name: of "sda12", 12.
std::optional<uint64_t> trailing_number(std::string_view name);
/// As whole_number, with a minus allowed.
std::optional<int64_t> signed_number(std::string_view text);
/// Digits with at most one point between: "12", "8.5".
std::optional<double> decimal(std::string_view text);
/// `number` times `factor`; nothing where there is no number, or none that large.
std::optional<uint64_t> times(std::optional<uint64_t> number, uint64_t factor);
/// "64k", "64K", "512KiB", "1M", "128 KiB", "4096B" in bytes, binary; nothing where there is no unit.
std::optional<uint64_t> with_unit(std::string_view text);

/// A label as a field's name: "Raid Level" is raid_level.
std::string field_name(std::string_view label);

}  // namespace belay::printed
