#include "cli/plan_text.h"

#include "cli/fields.h"

namespace belay::cli {
namespace {

struct PhaseWords {
    std::string_view name, meaning;
};
constexpr PhaseWords phases[] = {{"add", "prepare beside the old; the service and its data are not touched"},
                                 {"activate", "switch to the new, under the abort timer"},
                                 {"commit", "let the old go; there is no way back after it"}};

std::string plan_header(const Style& style, std::string_view title)
{
    return '\n' + paint(style, Tone::bold, title) + '\n';
}

std::string commands_text(const Style& style, const Json& step, std::string_view field,
                          std::string_view before, size_t indent, Tone tone)
{
    std::string text;
    for (const std::string& command : texts_of(style, step, field))
        // A command is never broken: it is there to be copied.
        text += std::string(indent, ' ') + paint(style, tone, fmt::format("{}{}", before, command)) + '\n';
    return text;
}

std::string step_text(const Style& style, const Json& step, size_t number)
{
    constexpr size_t indent = 6;
    std::string first = fmt::format("  {:>2}  ", number);
    std::string title = text_of(style, step, "title");
    const std::string member = text_of(style, step, "member");
    if (!member.empty()) title += fmt::format(" [{}]", member);
    if (const Milliseconds takes = span_of(step, "takes_ms"); takes.count() > 0)
        title += fmt::format(" (about {})", to_text(takes));
    std::string text = first + wrap(style, title, columns_of(first), indent) + '\n';
    text += commands_text(style, step, "commands", "$ ", indent + 2, Tone::plain);
    const std::string one_way = text_of(style, step, "one_way");
    if (!one_way.empty()) {
        const std::string said = wrap(style, "ONE WAY: " + one_way, indent + 2, indent + 4);
        return text + std::string(indent + 2, ' ') + paint(style, Tone::bad, said) + '\n';
    }
    if (flag_of(step, "failure_aborts"))
        text += std::string(indent + 2, ' ') +
                paint(style, Tone::dim, "if it fails for good, abort follows") + '\n';
    if (const Json& restore = object_of(step, "restore"); !restore.empty()) {
        const std::string said =
            fmt::format("way back: a restore of what the step {} has saved, proven by fingerprint",
                        text_of(style, restore, "from"));
        text += std::string(indent + 2, ' ') +
                paint(style, Tone::warn, wrap(style, said, indent + 2, indent + 4)) + '\n';
    }
    return text + commands_text(style, step, "undo_commands", "undo: ", indent + 2, Tone::dim);
}

std::string planned_steps_text(const Style& style, const Json& plan)
{
    std::string text;
    size_t number = 0;
    for (const PhaseWords& phase : phases) {
        std::string steps;
        for (const Json& step : list_of(plan, "steps")) {
            if (raw_text(step, "phase") == phase.name) steps += step_text(style, step, ++number);
        }
        if (steps.empty()) continue;
        const std::string title = fmt::format("{}: {}", phase.name, phase.meaning);
        text += plan_header(style, wrap(style, title, 0, 2)) + steps;
    }
    return text;
}

std::string bullets(const Style& style, std::string_view title, const std::vector<std::string>& lines)
{
    if (lines.empty()) return {};
    std::string text = plan_header(style, title);
    for (const std::string& line : lines) text += "  " + wrap(style, line, 2, 4) + '\n';
    return text;
}

std::string gates_text(const Style& style, const Json& plan)
{
    std::vector<std::string> lines;
    for (const Json& gate : list_of(plan, "gates")) {
        std::string title = text_of(style, gate, "title");
        if (title.empty()) title = text_of(style, gate, "name");
        lines.push_back(fmt::format(
            "{}; looked at every {}{}, aborts when broken for {}", title, to_text(span_of(gate, "every_ms")),
            raw_text(gate, "from") == "add" ? " from add on" : "", to_text(span_of(gate, "grace_ms"))));
    }
    return bullets(style, "Gates, which must hold through the soak", lines);
}

std::string way_back_text(const Style& style, const Json& plan, bool one_shot)
{
    if (one_shot)
        return bullets(style, "Way back",
                       {"This runs in one go and commits by itself: there is NO WAY BACK after it."});
    std::vector<std::string> lines{"Until commit, belay abort goes back."};
    const Milliseconds timer = span_of(plan, "timer_ms");
    if (timer.count() > 0)
        lines.push_back(fmt::format("The timer aborts by itself {} after activate, unless it is committed.",
                                    to_text(timer)));
    return bullets(style, "Way back", lines);
}

std::string next_text(const Style& style, const Json& answer, bool one_shot)
{
    const std::string id = text_of(style, answer, "operation");
    if (flag_of(answer, "refused")) {
        const std::string said = "Refused: a check failed. Nothing was touched, and nothing is kept.";
        return '\n' + paint(style, Tone::bad, wrap(style, said, 0, 0)) + '\n';
    }
    if (id.empty()) return "\nNothing was touched, and the plan is not kept.\n";
    if (one_shot) return {};
    return fmt::format("\nKept as operation {}; nothing was touched.\n  next: {}\n", id,
                       paint(style, Tone::bold, "belay add " + id));
}

}  // namespace

std::string verdict_mark(const Style& style, const std::string& verdict)
{
    const Marks& marks = marks_of(style);
    if (verdict == "pass") return paint(style, Tone::good, marks.pass);
    if (verdict == "warn") return paint(style, Tone::warn, marks.warn);
    return paint(style, Tone::bad, marks.fail);
}

std::string findings_text(const Style& style, const Json& findings, size_t indent)
{
    std::string text;
    const size_t below = indent + 2;
    for (const Json& finding : findings) {
        const std::string verdict = raw_text(finding, "verdict");
        std::string line = text_of(style, finding, "title");
        const std::string found = text_of(style, finding, "found");
        if (!found.empty()) line += ": " + found;
        text += std::string(indent, ' ') + verdict_mark(style, verdict) + ' ' +
                wrap(style, line, below, below + 2) + '\n';
        if (verdict == "pass") continue;
        for (const auto& [field, says] :
             {std::pair{"wanted", "wanted: "}, std::pair{"mend", "to mend it: "}}) {
            const std::string what = text_of(style, finding, field);
            if (what.empty()) continue;
            text += std::string(below + 2, ' ') + wrap(style, says + what, below + 2, below + 4) + '\n';
        }
    }
    return text;
}

Json doubtful_findings(const Json& of)
{
    Json doubtful = Json::array();
    for (const Json& finding : list_of(of, "findings")) {
        if (raw_text(finding, "verdict") != "pass") doubtful.push_back(finding);
    }
    return doubtful;
}

bool is_so_already(const Json& answer)
{
    const Json& plan = object_of(answer, "plan");
    return has(plan, "steps") && list_of(plan, "steps").empty();
}

std::string so_already_text(const Style& style, const Json& answer)
{
    const std::string title = text_of(style, object_of(answer, "plan"), "title");
    return fmt::format("{}: there is nothing to change\n", title);
}

std::string plan_text(const Style& style, const Json& answer, bool one_shot)
{
    if (is_so_already(answer)) return so_already_text(style, answer);
    const Json& plan = object_of(answer, "plan");
    std::string text = paint(style, Tone::bold, wrap(style, text_of(style, plan, "title"), 0, 2)) + '\n';
    text += plan_header(style, "Checks") + findings_text(style, list_of(answer, "findings"), 2);
    text += planned_steps_text(style, plan);
    text += gates_text(style, plan);
    text += way_back_text(style, plan, one_shot);
    text += bullets(style, "What abort cannot put back", texts_of(style, plan, "left_by_abort"));
    text += bullets(style, "Afterwards", texts_of(style, plan, "topology"));
    text += bullets(style, "Locked meanwhile", texts_of(style, plan, "locks"));
    return text + next_text(style, answer, one_shot);
}

}  // namespace belay::cli
