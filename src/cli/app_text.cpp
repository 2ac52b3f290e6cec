#include "cli/app_text.h"

#include "cli/fields.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace belay::cli {
namespace {

Tone tone_of_phase(std::string_view phase)
{
    if (phase == "started") return Tone::good;
    if (phase == "failed" || phase == "unavailable" || phase == "unknown") return Tone::bad;
    if (phase == "stopped") return Tone::dim;
    return Tone::warn;
}

Tone tone_of_whole(std::string_view stands)
{
    if (stands == "started") return Tone::good;
    if (stands == "stopped") return Tone::dim;
    return stands == "impaired" ? Tone::bad : Tone::warn;
}

std::string restarts_text(const Json& application)
{
    const int64_t restarts = number_of(application, "restarts");
    return restarts == 0 ? "" : counted(static_cast<uint64_t>(restarts), "restart", "restarts");
}

/// Why it is as it is; what it says of itself, where there is nothing to explain.
std::string remark_text(const Style& style, const Json& application)
{
    std::string reason = text_of(style, application, "reason");
    const Json& away = object_of(application, "host_away");
    if (flag_of(away, "was_heard"))
        reason += fmt::format("{} {}", flag_of(away, "lost") ? ", at" : " since",
                              style.clock(span_of(away, "since_ms")));
    if (!reason.empty()) return reason;
    if (flag_of(application, "awaits_restart"))
        return "runs as it was configured before; restart it for the new";
    const std::string missing =
        fmt::format("{}", fmt::join(texts_of(style, application, "not_in_force"), ", "));
    if (!missing.empty()) return fmt::format("this host cannot limit its {}", missing);
    return text_of(style, application, "told");
}

/// What is only as last known is good for nobody.
Tone tone_of_application(const Json& application)
{
    const Tone tone = tone_of_phase(raw_text(application, "phase"));
    return has(application, "host_away") && tone == Tone::good ? Tone::warn : tone;
}

bool are_of_several_hosts(const std::vector<Json>& applications)
{
    return std::ranges::any_of(applications, [&](const Json& one) {
        return raw_text(one, "host") != raw_text(applications.front(), "host");
    });
}

/// Most are shorter than a second, and it matters by how much.
std::string lease_text(Milliseconds lease)
{
    return lease < std::chrono::seconds(1) ? fmt::format("{} ms", lease.count()) : to_text(lease);
}

}  // namespace

std::string standing_text(const Style& style, const Json& application)
{
    const std::string phase = text_of(style, application, "phase");
    std::string text = paint(style, tone_of_application(application), phase);
    if (has(application, "since_ms"))
        text += fmt::format(" since {}", style.clock(span_of(application, "since_ms")));
    const std::string remark = remark_text(style, application);
    return remark.empty() ? text : fmt::format("{}: {}", text, remark);
}

std::string applications_text(const Style& style, const std::vector<Json>& applications)
{
    if (applications.empty())
        return "no application is configured for this host\n  next: belay config apply FILE\n";
    return applications_table(style, applications, 0);
}

std::string applications_table(const Style& style, const std::vector<Json>& applications, size_t indent)
{
    std::vector<std::vector<std::string>> rows;
    const bool several = are_of_several_hosts(applications);
    for (const Json& one : applications) {
        const std::string phase = text_of(style, one, "phase");
        const std::string role = raw_text(one, "role");
        const int64_t pid = number_of(one, "pid");
        rows.push_back({text_of(style, one, "name"), several ? text_of(style, one, "host") : "",
                        paint(style, tone_of_application(one), phase), role == "none" ? "" : role,
                        has(one, "since_ms") ? style.clock(span_of(one, "since_ms")) : "",
                        pid == 0 ? "" : fmt::format("pid {}", pid), restarts_text(one),
                        remark_text(style, one)});
        if (!several) rows.back().erase(rows.back().begin() + 1);
    }
    return table(style, rows, indent);
}

std::string pairs_text(const Style& style, const std::vector<Json>& pairs)
{
    if (pairs.empty()) return "no pair is configured\n  next: belay config apply FILE\n";
    std::string text;
    for (const Json& pair : pairs) {
        const std::string serves = text_of(style, pair, "serves");
        const std::string address = text_of(style, pair, "address");
        text += fmt::format("{} ({}, switch-over {}, lease {}{}): {}\n", text_of(style, pair, "name"),
                            text_of(style, pair, "redundancy"), text_of(style, pair, "switch_over"),
                            lease_text(span_of(pair, "lease_ms")), address.empty() ? "" : ", " + address,
                            serves.empty() ? paint(style, Tone::bad, "nobody serves")
                                           : paint(style, Tone::good, serves + " serves"));
        if (const std::string problem = text_of(style, pair, "problem"); !problem.empty())
            text += fmt::format("  {}\n", paint(style, Tone::bad, problem));
        if (const std::string move = text_of(style, pair, "move"); !move.empty())
            text += fmt::format("  last switch-over: {}\n", move);
        std::vector<std::vector<std::string>> rows;
        for (const Json& one : list_of(pair, "applications")) {
            const std::string phase = text_of(style, one, "phase");
            const std::string role = raw_text(one, "role");
            rows.push_back({text_of(style, one, "name"), text_of(style, one, "host"),
                            paint(style, tone_of_phase(phase), phase), role == "none" ? "" : role,
                            has(one, "since_ms") ? style.clock(span_of(one, "since_ms")) : "",
                            remark_text(style, one)});
        }
        text += table(style, rows, 2);
    }
    return text;
}

std::string switch_text(const Style& style, const Json& done)
{
    const std::string from = text_of(style, done, "from");
    const std::string in_place = from.empty() ? "" : fmt::format(" in place of {}", from);
    if (flag_of(done, "dry_run"))
        return fmt::format("{} would serve{}; nothing is done\n", text_of(style, done, "to"), in_place);
    return fmt::format("{} serves{}, after {}\n", text_of(style, done, "to"), in_place,
                       to_text(span_of(done, "took_ms")));
}

std::string solutions_text(const Style& style, const std::vector<Json>& solutions)
{
    if (solutions.empty()) return "no solution is configured\n  next: belay config apply FILE\n";
    return solutions_table(style, solutions, 0);
}

std::string solutions_table(const Style& style, const std::vector<Json>& solutions, size_t indent)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : solutions) {
        std::vector<std::string> missing;
        for (const Json& application : list_of(one, "applications")) {
            if (raw_text(application, "phase") != "started")
                missing.push_back(text_of(style, application, "name"));
        }
        const std::string stands = text_of(style, one, "stands");
        const bool says_missing = stands == "degraded" || stands == "impaired" || stands == "starting";
        rows.push_back({text_of(style, one, "name"), paint(style, tone_of_whole(stands), stands),
                        counted(list_of(one, "applications").size(), "application", "applications"),
                        says_missing ? fmt::format("not started: {}", fmt::join(missing, ", "))
                                     : text_of(style, one, "description")});
    }
    return table(style, rows, indent);
}

std::string solution_text(const Style& style, const Json& solution)
{
    const std::string stands = text_of(style, solution, "stands");
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : list_of(solution, "applications")) {
        const std::string phase = text_of(style, one, "phase");
        rows.push_back({text_of(style, one, "name"), text_of(style, one, "host"),
                        paint(style, tone_of_phase(phase), phase),
                        flag_of(one, "mandatory") ? "" : "optional", remark_text(style, one)});
    }
    return fmt::format("{} is {}\n{}", text_of(style, solution, "name"),
                       paint(style, tone_of_whole(stands), stands), table(style, rows, 2));
}

std::string moves_text(const Style& style, const Json& moves)
{
    std::vector<std::vector<std::string>> rows;
    int64_t last = 0;
    for (const Json& move : list_of(moves, "moves")) {
        const int64_t step = number_of(move, "step");
        const std::string what = text_of(style, move, "what");
        const bool is_moved = what == "start" || what == "stop" || what == "move";
        rows.push_back({step == 0 || step == last ? "" : fmt::format("{}.", step),
                        is_moved ? what : paint(style, Tone::dim, what == "is so" ? "-" : what),
                        text_of(style, move, "application"), text_of(style, move, "host"),
                        flag_of(move, "mandatory") ? "" : "optional", text_of(style, move, "why")});
        last = step;
    }
    std::string text = rows.empty() ? "nothing is to be done\n" : table(style, rows, 0);
    for (const std::string& remark : texts_of(style, moves, "remarks")) text += remark + '\n';
    for (const std::string& problem : texts_of(style, moves, "problems"))
        text += paint(style, Tone::bad, problem) + '\n';
    return text;
}

std::string application_text(const Style& style, const Json& application)
{
    std::vector<std::vector<std::string>> rows;
    const auto row = [&](std::string name, std::string value) {
        if (!value.empty()) rows.push_back({std::move(name), std::move(value)});
    };
    row("application", text_of(style, application, "name"));
    row("stands", standing_text(style, application));
    row("host", text_of(style, application, "host"));
    const Json& asked = object_of(application, "asked");
    std::string wanted = text_of(style, application, "wanted");
    if (const std::string after = text_of(style, application, "wanted_after"); !after.empty())
        wanted += fmt::format(" as long as its host is in maintenance, then {}", after);
    if (!asked.empty()) {
        const std::string why = text_of(style, asked, "why");
        wanted += fmt::format(", asked by {} at {}{}", text_of(style, asked, "by"),
                              style.clock(span_of(asked, "at_ms")), why.empty() ? "" : ": " + why);
    }
    row("wanted", wanted);
    if (const std::string role = text_of(style, application, "role"); role != "none") row("role", role);
    row("command", fmt::format("{}", fmt::join(texts_of(style, application, "command"), " ")));
    row("needs", fmt::format("{}", fmt::join(texts_of(style, application, "needs"), ", ")));
    if (const int64_t pid = number_of(application, "pid"); pid != 0) row("process", std::to_string(pid));
    row("restarts", restarts_text(application));
    row("last end", text_of(style, application, "last"));
    row("says", text_of(style, application, "told"));
    const Json& use = object_of(application, "use");
    if (!use.empty())
        row("uses",
            fmt::format("{} of memory, {}, {} of processor time",
                        to_text(Bytes{static_cast<uint64_t>(number_of(use, "memory"))}),
                        counted(static_cast<uint64_t>(number_of(use, "processes")), "process", "processes"),
                        to_text(Milliseconds(number_of(use, "processor_us") / 1000))));
    row("no limit", fmt::format("{}", fmt::join(texts_of(style, application, "not_in_force"), ", ")));
    row("output", text_of(style, application, "output"));
    return table(style, rows, 0);
}

}  // namespace belay::cli
