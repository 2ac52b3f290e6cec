#pragma once
// What the readers share: the lines that a device printed for one command, without what is not its output.
//
// A reader reports nothing rather than something wrong. A text that is empty, cut, foreign or an error
// message is an Error (corrupt, unless a reader says otherwise) that names the line.

#include "base/printed/lines.h"

#include <span>

namespace belay::upgrade::iosxe::show {

using printed::Line;

/// What one answer may have: more is no output of a device, and would take long to read.
constexpr size_t most_lines = 20'000;
constexpr size_t longest_line = size_t{256} << 10;  ///< a copy marks every piece of a file on one
constexpr size_t most_members = 64;

/// Lines that are not blank, with their numbers in the text; at least one.
struct Shown {
    std::string_view command;
    std::vector<Line> lines;

    std::unexpected<Error> foreign(size_t line, std::string_view what) const
    {
        return printed::foreign(command, line, what);
    }
    std::unexpected<Error> cut(std::string_view what) const { return printed::cut(command, what); }
};

/// Leaves out the prompt, the echo of the command, syslog messages and the load line of `terminal exec prompt
/// timestamp`. `text` and `command` must outlive the result. Errors: corrupt, for a text that is empty, that
/// is of another command by its echo, that the device refuses the command in, that is larger than the limits
/// above, or whose last line has no end: a line that was cut would be another value.
Result<Shown> shown(std::string_view text, std::string_view command);

/// Whether words may follow that are not the command's own: `dir stby-flash:`.
bool takes_arguments(std::string_view command);

/// Whether a line that was found without its end ends with what is no beginning of something else: a blank, a
/// bracket, a whole address, digest or serial number, a year, the prompt, or a word with which such lines
/// end.
bool ends_as_a_line(std::string_view text);

/// "Down      Reason: Failure": the reason, taken off the end of `value`; empty where there is none.
std::string take_reason(std::string_view& value);

/// Columns with two blanks or a tab between them: "Standby Hot" is one.
std::vector<std::string_view> columns_of(std::string_view text);

/// Words with one blank between them.
std::string joined(std::span<const std::string_view> words);

/// "Label : value" and "Label = value", by `mark`, as printed without the blanks around them. `value` may be
/// empty. Nothing where there is no mark with a label before it.
struct Labelled {
    std::string_view label, value;
};
std::optional<Labelled> labelled(std::string_view text, char mark);

/// A line of dashes, equals signs and plus signs, as under a heading.
bool is_ruler(std::string_view text);

/// The same words, in any case of letters and with any blanks between them.
bool same_words(std::string_view one, std::string_view other);

/// The rest of `text` where it begins with `start`; nothing where it does not.
std::optional<std::string_view> after(std::string_view text, std::string_view start);
/// What stands between the first `open` and the next `close`; nothing where one is missing.
std::optional<std::string_view> between(std::string_view text, char open, char close);

/// "0x102".
bool is_register(std::string_view text);
/// "0x102", "0x1 (will be 0x2102 at next reload)": now, and at the next reload (empty: the same).
struct ConfigRegister {
    std::string now, next;
};
std::optional<ConfigRegister> config_register_of(std::string_view text);
/// "70b3.17ff.6560", "70:b3:17:ff:65:60".
bool is_mac(std::string_view text);
/// Hexadecimal digits, this many.
bool is_digest(std::string_view text, size_t digits);

}  // namespace belay::upgrade::iosxe::show
