#include "cli/live_text.h"

#include "cli/fields.h"
#include "cli/operation_text.h"
#include "cli/plan_text.h"

#include <algorithm>

namespace belay::cli {
namespace {

constexpr size_t widest_live_bar = 24;
constexpr size_t phase_column = 9;

/// Empty: bytes, which are told in units of their own.
std::string unit_of(const Style& style, const Json& progress)
{
    const std::string unit = text_of(style, progress, "unit");
    return unit == "bytes" ? "" : unit;
}

std::string amount(const Style& style, const Json& progress, std::string_view field)
{
    const int64_t count = number_of(progress, field);
    const std::string unit = unit_of(style, progress);
    if (unit.empty()) return to_text(Bytes{static_cast<uint64_t>(std::max<int64_t>(count, 0))});
    return fmt::format("{} {}", count, unit);
}

/// "248 GiB of 476 GiB", "1 of 3 hosts", "0 of 1 member"; "12 lines" where nobody knows how many come.
std::string part_of_whole(const Style& style, const Json& progress)
{
    std::string unit = unit_of(style, progress);
    if (unit.empty())
        return fmt::format("{} of {}", amount(style, progress, "done"), amount(style, progress, "total"));
    const int64_t total = number_of(progress, "total");
    if (total == 0) return amount(style, progress, "done");
    if (total == 1 && unit.ends_with('s')) unit.pop_back();
    return fmt::format("{} of {} {}", number_of(progress, "done"), total, unit);
}

/// The parts that a narrow terminal may leave out, the dearest one first.
std::vector<std::string> progress_parts(const Style& style, const Json& progress, Milliseconds passed)
{
    std::vector<std::string> parts;
    if (number_of(progress, "total") > 0) parts.push_back(fmt::format("{} %", percent_of(progress)));
    if (has(progress, "left_ms"))
        parts.push_back(to_text(std::max(span_of(progress, "left_ms") - passed, Milliseconds{0})) + " left");
    if (number_of(progress, "per_second") > 0) parts.push_back(amount(style, progress, "per_second") + "/s");
    parts.push_back(part_of_whole(style, progress));
    return parts;
}

std::string progress_line(const Style& style, const Json& progress, Milliseconds passed)
{
    constexpr size_t indent = 6;
    constexpr size_t narrowest_bar = 8;
    const int percent = percent_of(progress);
    std::string words;
    for (const std::string& part : progress_parts(style, progress, passed)) {
        const std::string more = (words.empty() ? "" : ", ") + part;
        if (indent + narrowest_bar + 2 + columns_of(words) + columns_of(more) > style.width) break;
        words += more;
    }
    const size_t taken = indent + 2 + columns_of(words);
    const size_t room = style.width - std::min(style.width, taken);
    return std::string(indent, ' ') + bar(style, percent, std::min(room, widest_live_bar)) + "  " + words;
}

struct StepLook {
    std::string_view mark;
    Tone tone;
};

StepLook look_of(const Style& style, const Json& step, bool current)
{
    const Marks& marks = marks_of(style);
    const std::string status = raw_text(step, "status");
    if (current) return {marks.running, Tone::bold};
    if (status == "done" || status == "already") return {marks.pass, Tone::good};
    if (status == "undone") return {marks.undone, Tone::warn};
    if (has(step, "error")) return {marks.fail, Tone::bad};
    if (status == "intended") return {marks.running, Tone::bold};
    return {marks.waiting, Tone::dim};
}

/// How long a step took, or has been at it where nothing else tells that it moves.
std::string time_of_step(const Json& view, const Json& step, bool current, Milliseconds passed)
{
    const std::string status = raw_text(step, "status");
    const bool quiet = current && status == "intended" && !has(view, "progress");
    if (quiet && has(view, "seen_wall_ms"))
        return to_text(span_of(view, "seen_wall_ms") + passed - span_of(step, "started_ms"));
    if (status == "already") return "was so";
    if (status != "done") return {};
    return to_text(span_of(step, "ended_ms") - span_of(step, "started_ms"));
}

std::string step_line(const Style& style, const Json& view, const Json& step, bool current,
                      Milliseconds passed)
{
    const StepLook look = look_of(style, step, current);
    const std::string phase = pad(text_of(style, step, "phase"), phase_column);
    const std::string time = time_of_step(view, step, current, passed);
    std::string title = text_of(style, step, "title");
    if (const std::string member = text_of(style, step, "member"); !member.empty())
        title += fmt::format(" [{}]", member);
    constexpr size_t before = 4 + phase_column + 1;
    const size_t after = time.empty() ? 0 : columns_of(time) + 2;
    const size_t room = style.width - std::min(style.width, before + after);
    title = fit(style, title, room);
    std::string line =
        fmt::format("  {} {} ", paint(style, look.tone, look.mark), paint(style, Tone::dim, phase));
    line += current ? paint(style, Tone::bold, title) : title;
    if (!time.empty()) line += "  " + paint(style, Tone::dim, time);
    return line;
}

std::string gate_line(const Style& style, const Json& gate)
{
    std::string words = text_of(style, gate, "title");
    if (words.empty()) words = text_of(style, gate, "name");
    if (has(gate, "broken_for_ms"))
        words += fmt::format(", broken for {}", to_text(span_of(gate, "broken_for_ms")));
    if (const std::string found = text_of(style, gate, "found"); !found.empty()) words += ": " + found;
    const size_t room = style.width - std::min<size_t>(style.width, 4);
    return fmt::format("  {} {}", verdict_mark(style, raw_text(gate, "verdict")), fit(style, words, room));
}

/// The steps, a block of lines each, with the index of the one that matters now.
struct StepBlocks {
    std::vector<std::vector<std::string>> blocks;
    size_t current = 0;
};

StepBlocks step_blocks(const Style& style, const Json& view, Milliseconds passed)
{
    StepBlocks steps;
    const std::string current = raw_text(view, "current_step");
    for (const Json& step : list_of(view, "steps")) {
        const bool now = !current.empty() && raw_text(step, "name") == current;
        std::vector<std::string> lines{step_line(style, view, step, now, passed)};
        if (now && has(view, "progress"))
            lines.push_back(progress_line(style, object_of(view, "progress"), passed));
        if (now && !raw_text(view, "waits_for").empty())
            lines.push_back("      " + paint(style, Tone::dim,
                                             fit(style, text_of(style, view, "waits_for"),
                                                 style.width - std::min<size_t>(style.width, 6))));
        if (now && has(step, "error"))
            lines.push_back("      " + paint(style, Tone::bad,
                                             fit(style, text_of(style, object_of(step, "error"), "what"),
                                                 style.width - std::min<size_t>(style.width, 6))));
        if (now || raw_text(step, "status") != "pending") steps.current = steps.blocks.size();
        steps.blocks.push_back(std::move(lines));
    }
    return steps;
}

/// As many whole blocks around the current one as fit into `height` lines.
std::vector<std::string> window(const Style& style, const StepBlocks& steps, size_t height)
{
    std::vector<std::string> lines;
    if (steps.blocks.empty()) return lines;
    const auto size = [&](size_t i) { return steps.blocks[i].size(); };
    size_t first = steps.current, end = steps.current + 1, used = size(steps.current);
    // A line at each end says that more is there.
    const auto cost = [&](size_t from, size_t to) {
        return (from > 0 ? 1u : 0u) + (to < steps.blocks.size() ? 1u : 0u);
    };
    for (bool grown = true; grown;) {
        grown = false;
        if (end < steps.blocks.size() && used + size(end) + cost(first, end + 1) <= height) {
            used += size(end++);
            grown = true;
        }
        if (first > 0 && used + size(first - 1) + cost(first - 1, end) <= height) {
            used += size(--first);
            grown = true;
        }
    }
    const auto more = [&](size_t count, std::string_view where) {
        return paint(style, Tone::dim, fmt::format("    {} more {}", count, where));
    };
    if (first > 0 && used + cost(first, end) <= height) lines.push_back(more(first, "before"));
    for (size_t i = first; i < end; ++i)
        lines.insert(lines.end(), steps.blocks[i].begin(), steps.blocks[i].end());
    if (end < steps.blocks.size() && lines.size() < height)
        lines.push_back(more(steps.blocks.size() - end, "to come"));
    return lines;
}

std::vector<std::string> footer(const Style& style, const Json& view, Milliseconds passed)
{
    std::vector<std::string> lines;
    if (has(view, "timer"))
        lines.push_back(
            paint(style, Tone::plain, fit(style, "timer: " + timer_text(view, passed), style.width)));
    for (const Json& gate : list_of(view, "gates")) lines.push_back(gate_line(style, gate));
    if (has(view, "stuck"))
        lines.push_back(paint(style, Tone::bad,
                              fit(style, text_of(style, object_of(view, "stuck"), "what"), style.width)));
    return lines;
}

}  // namespace

int percent_of(const Json& progress)
{
    const double done = static_cast<double>(number_of(progress, "done"));
    const double total = static_cast<double>(number_of(progress, "total"));
    return total <= 0 ? 0 : std::clamp(static_cast<int>(100 * done / total), 0, 100);
}

std::string progress_text(const Style& style, const Json& progress, Milliseconds passed)
{
    return fmt::format("{}", fmt::join(progress_parts(style, progress, passed), ", "));
}

std::vector<std::string> live_lines(const Style& style, const Json& view, Milliseconds passed, size_t height)
{
    const std::string state = text_of(style, view, "state");
    const std::string title =
        fmt::format("Operation {}: {}", text_of(style, view, "id"), text_of(style, view, "title"));
    const size_t state_room = columns_of(state) + 2;
    const size_t room = style.width - std::min(style.width, state_room);
    std::vector<std::string> lines{paint(style, Tone::bold, fit(style, title, room)) + "  " +
                                   paint(style, tone_of_state(state), state)};
    std::vector<std::string> below = footer(style, view, passed);
    if (1 + below.size() + 1 > height) below.resize(height > 2 ? height - 2 : 0);
    const size_t left = height - std::min(height, lines.size() + below.size());
    for (std::string& line : window(style, step_blocks(style, view, passed), left))
        lines.push_back(std::move(line));
    for (std::string& line : below) lines.push_back(std::move(line));
    if (lines.size() > height) lines.resize(height);
    return lines;
}

}  // namespace belay::cli
