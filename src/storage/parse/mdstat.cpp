#include "storage/parse/mdstat.h"

#include "storage/parse/lines.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view mdstat_command = "cat /proc/mdstat";

/// "sdb1[2](F)(S)". Nothing where it is not so.
std::optional<MdstatMember> member_of(std::string_view word)
{
    const size_t flags = std::min(word.find("]("), word.size() - 1) + 1;
    const size_t bracket = word.substr(0, flags).rfind('[');
    if (bracket == std::string_view::npos || bracket == 0 || word[flags - 1] != ']') return std::nullopt;
    const auto number = whole_number(word.substr(bracket + 1, flags - bracket - 2));
    if (!number) return std::nullopt;
    MdstatMember member{.device = std::string(word.substr(0, bracket)), .number = *number, .flags = {}};
    for (std::string_view rest = word.substr(flags); !rest.empty();) {
        const size_t end = rest.find(')');
        if (rest.front() != '(' || end == std::string_view::npos) return std::nullopt;
        const std::string_view flag = rest.substr(1, end - 1);
        member.faulty |= flag == "F";
        member.spare |= flag == "S";
        member.write_mostly |= flag == "W";
        member.journal |= flag == "J";
        member.replacement |= flag == "R";
        member.flags.emplace_back(flag);
        rest.remove_prefix(end + 1);
    }
    return member;
}

/// "md0 : active (read-only) raid1 sda1[0] sdb1[1](F)"
Result<MdstatArray> array_of(const Line& line, size_t colon)
{
    MdstatArray array;
    array.name = trimmed(line.text.substr(0, colon));
    std::string_view rest = line.text.substr(colon + 3);
    std::string_view state = take_word(rest);
    std::string_view access;
    if (const size_t bracket = state.find('('); bracket != std::string_view::npos) {
        access = state.substr(bracket);
        state = state.substr(0, bracket);
    }
    array.state = state;
    for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
        if (word.starts_with('(')) {
            access = word;
        } else if (auto member = member_of(word)) {
            array.members.push_back(std::move(*member));
        } else if (array.level.empty() && array.members.empty() && word.find('[') == std::string_view::npos) {
            array.level = word;
        } else {
            return foreign(mdstat_command, line.number,
                           fmt::format("\"{}\" is no member of {}", word, array.name));
        }
    }
    if (access.size() > 2 && access.ends_with(')')) array.access = access.substr(1, access.size() - 2);
    return array;
}

void read_metadata(MdstatArray& array, std::string_view word)
{
    if (!word.starts_with("external:")) {
        array.metadata = word;
        return;
    }
    word.remove_prefix(std::string_view("external:").size());
    // A container says which format it is of; an array in it says "/md127/0", with a minus for the slash
    // while nobody monitors it.
    if (!word.starts_with('/') && !word.starts_with('-')) {
        array.metadata = word;
        return;
    }
    array.metadata = "external";
    word.remove_prefix(1);
    const size_t slash = word.find('/');
    array.container = word.substr(0, slash);
    if (slash != std::string_view::npos) array.subarray = word.substr(slash + 1);
}

/// "[2/1]" or "[U_]"
void read_brackets(MdstatArray& array, std::string_view word)
{
    const std::string_view inside = word.substr(1, word.size() - 2);
    const size_t slash = inside.find('/');
    if (slash != std::string_view::npos) {
        array.legs = whole_number(inside.substr(0, slash));
        array.in_sync = whole_number(inside.substr(slash + 1));
    } else if (!inside.empty() && inside.find_first_not_of("U_") == std::string_view::npos) {
        array.slots = inside;
    }
}

/// "1953381440 blocks super 1.2 level 5, 64k chunk, algorithm 2 [3/2] [UU_]"
void read_blocks(MdstatArray& array, std::string_view text)
{
    std::vector<std::string_view> words = words_of(text);
    array.size = times(whole_number(words.front()), 1024);
    array.metadata = "0.90";
    for (size_t i = 2; i < words.size(); ++i) {
        std::string_view& word = words[i];
        if (word.ends_with(',')) word.remove_suffix(1);
        const std::string_view before = words[i - 1];
        if (before == "super")
            read_metadata(array, word);
        else if (before == "algorithm")
            array.algorithm = whole_number(word);
        else if (word == "chunk" || word == "chunks")
            array.chunk = with_unit(before);
        else if (word == "rounding")
            array.rounding = with_unit(before);
        else if (word.ends_with("-copies"))
            array.layout += fmt::format("{}{} {}", array.layout.empty() ? "" : " ", before, word);
        else if (word.size() > 2 && word.starts_with('[') && word.ends_with(']'))
            read_brackets(array, word);
    }
}

std::string_view value_after(std::string_view text, std::string_view name, std::string_view unit)
{
    const size_t start = text.find(name);
    if (start == std::string_view::npos) return {};
    std::string_view value = text.substr(start + name.size());
    value = value.substr(0, value.find(unit));
    return trimmed(value);
}

/// "resync=DELAYED", "recovery =  8.5% (16775552/195310144) finish=17.0min speed=259783K/sec"
Result<MdstatSync> sync_of(const Line& line, std::string_view text)
{
    const size_t equals = text.find('=');
    MdstatSync sync;
    sync.action = trimmed(text.substr(0, equals));
    std::string_view rest = trimmed(text.substr(equals + 1));
    if (!rest.empty() && rest.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos) {
        sync.waits = rest;
        return sync;
    }
    const size_t sign = rest.find('%');
    if (sign != std::string_view::npos) sync.percent = decimal(trimmed(rest.substr(0, sign)));
    if (!sync.percent || *sync.percent > 100)
        return foreign(mdstat_command, line.number,
                       fmt::format("the progress of \"{}\" is not understood", sync.action));
    const std::string_view done = value_after(rest, "(", ")");
    const size_t slash = std::min(done.find('/'), done.size());
    sync.done = times(whole_number(done.substr(0, slash)), 1024);
    sync.total = times(whole_number(done.substr(std::min(slash + 1, done.size()))), 1024);
    if (const auto minutes = decimal(value_after(rest, "finish=", "min"))) sync.seconds_left = *minutes * 60;
    sync.per_second = times(whole_number(value_after(rest, "speed=", "K/sec")), 1024);
    return sync;
}

/// "0/30 pages [0KB], 65536KB chunk, file: /var/bitmap"
MdstatBitmap bitmap_of(std::string_view text)
{
    MdstatBitmap bitmap;
    if (const size_t file = text.find(", file: "); file != std::string_view::npos) {
        bitmap.file = text.substr(file + 8);
        text = text.substr(0, file);
    }
    const size_t slash = text.find('/');
    bitmap.pages = whole_number(trimmed(text.substr(0, slash)));
    bitmap.pages_total = whole_number(value_after(text, "/", " pages"));
    bitmap.memory = with_unit(value_after(text, "[", "]"));
    bitmap.chunk = with_unit(value_after(text, "], ", " chunk"));
    return bitmap;
}

/// A line that stands, indented, under its array.
Result<void> read_below(MdstatArray& array, const Line& line)
{
    std::string_view text = trimmed(line.text);
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() > 1 && words[1] == "blocks" && whole_number(words[0])) {
        read_blocks(array, text);
        return {};
    }
    if (text.starts_with("bitmap: ")) {
        array.bitmap = bitmap_of(text.substr(8));
        return {};
    }
    const bool bar = text.starts_with("[");
    if (bar) text = trimmed(text.substr(std::min(text.find(']'), text.size() - 1) + 1));
    static constexpr std::array<std::string_view, 5> actions{"resync", "recovery", "recover", "check",
                                                             "reshape"};
    const std::string_view action = trimmed(text.substr(0, text.find('=')));
    if (std::ranges::find(actions, action) != actions.end() && text.find('=') != std::string_view::npos) {
        array.sync = TRY(sync_of(line, text));
        return {};
    }
    if (bar) return foreign(mdstat_command, line.number, "the progress of a sync is not understood");
    return {};
}

Result<void> check_array(const MdstatArray& array)
{
    if (!array.size && !array.members.empty())
        return cut(mdstat_command, fmt::format("the size of {} is missing", array.name));
    if (!array.slots.empty() && array.legs && array.slots.size() != *array.legs)
        return cut(mdstat_command, fmt::format("{} has {} legs, and {} are shown", array.name, *array.legs,
                                               array.slots.size()));
    if (array.legs && array.slots.empty())
        return cut(mdstat_command, fmt::format("the legs of {} are missing", array.name));
    return {};
}

/// Where the state of an array begins in its line; nothing where the line begins no array.
std::optional<size_t> start_of_array(std::string_view text)
{
    const size_t colon = text.find(" : ");
    if (colon == std::string_view::npos || colon == 0 || indent_of(text) > 0) return std::nullopt;
    std::string_view rest = text.substr(colon + 3);
    const std::string_view word = take_word(rest);
    const std::string_view state = word.substr(0, word.find('('));
    if (state == "active" || state == "inactive" || state == "broken" || text.starts_with("md")) return colon;
    return std::nullopt;
}

}  // namespace

Result<Mdstat> parse_mdstat(std::string_view text)
{
    const std::vector<Line> lines = TRY(lines_of(text, mdstat_command));
    Mdstat mdstat;
    bool begun = false, ended = false;
    for (const Line& line : lines) {
        if (line.text.starts_with("Personalities :")) {
            if (begun) return foreign(mdstat_command, line.number, "a second listing begins here");
            begun = true;
            for (const std::string_view word : words_of(line.text.substr(15)))
                if (word.size() > 2) mdstat.personalities.emplace_back(word.substr(1, word.size() - 2));
        } else if (!begun) {
            continue;
        } else if (line.text.starts_with("unused devices:")) {
            ended = true;
            for (const std::string_view word : words_of(line.text.substr(15)))
                if (word != "<none>") mdstat.unused.emplace_back(word);
        } else if (const auto colon = start_of_array(line.text)) {
            mdstat.arrays.push_back(TRY(array_of(line, *colon)));
        } else if (!mdstat.arrays.empty() && indent_of(line.text) > 0 && !ended) {
            TRY(read_below(mdstat.arrays.back(), line));
        }
    }
    if (!begun) return foreign(mdstat_command, 1, "it does not begin with \"Personalities :\"");
    if (!ended || !(text.ends_with('\n') || text.ends_with("<none>")))
        return cut(mdstat_command, "its last line, \"unused devices\", is missing");
    for (const MdstatArray& array : mdstat.arrays) TRY(check_array(array));
    return mdstat;
}

}  // namespace belay::storage::parse
