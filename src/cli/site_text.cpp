#include "cli/site_text.h"

#include "cli/app_text.h"
#include "cli/fields.h"
#include "cli/host_text.h"
#include "cli/live_text.h"
#include "cli/operation_text.h"
#include "cli/plan_text.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace belay::cli {
namespace {

/// "its clock is 7 s slow"; empty: it is as ours.
std::string clock_text(const Json& presence)
{
    const Milliseconds ahead = span_of(presence, "clock_ahead_ms");
    constexpr Milliseconds far_off = std::chrono::seconds(5);
    if (raw_text(presence, "state") != "attached" || (ahead <= far_off && ahead >= -far_off)) return {};
    return fmt::format("its clock is {} {}", to_text(ahead > Milliseconds{0} ? ahead : -ahead),
                       ahead > Milliseconds{0} ? "fast" : "slow");
}

/// "since 09:28:32", with what is known of why.
std::string presence_text(const Style& style, const Json& presence)
{
    const std::string state = raw_text(presence, "state");
    if (state == "never") return "since this controller runs";
    std::string text = fmt::format("since {}", style.clock(span_of(presence, "since_ms")));
    const std::string why = text_of(style, presence, "why");
    if (state != "attached" && !why.empty()) text += ": " + why;
    if (const std::string clock = clock_text(presence); !clock.empty()) text += "; " + clock;
    return text;
}

Tone tone_of(std::string_view state)
{
    if (state == "attached") return Tone::good;
    if (state == "never") return Tone::warn;
    return Tone::bad;
}

std::string link_text(const Style& style, const Json& link)
{
    const std::string since = style.clock(span_of(link, "since_ms"));
    if (flag_of(link, "attached"))
        return fmt::format("{} to the controller {} since {}", paint(style, Tone::good, "attached"),
                           text_of(style, link, "controller"), since);
    const Json& problem = object_of(link, "problem");
    const std::string why = text_of(style, problem, "what");
    const std::string next = text_of(style, problem, "next");
    return fmt::format("{} since {}{}{}", paint(style, Tone::bad, "not attached"), since,
                       why.empty() ? "" : ": " + why, next.empty() ? "" : "; next: " + next);
}

/// Of a host of a site: which version it has a copy of, and how old what it knows is.
std::string configuration_text(const Style& style, const Json& status, const Json& link)
{
    if (!has(link, "configuration") || !object_of(object_of(status, "place"), "controller").empty())
        return fmt::format("version {}", number_of(object_of(status, "configuration"), "version"));
    const Json& copy = object_of(link, "configuration");
    const int64_t version = number_of(copy, "version"), newest = number_of(copy, "newest");
    std::string text = fmt::format("a copy of version {}", version);
    if (newest > version) text += fmt::format("; the controller had {}", newest);
    if (copy.contains("heard_ms") && copy["heard_ms"].is_number())
        text += fmt::format(", as of {}", style.clock(span_of(copy, "heard_ms")));
    const std::string problem = text_of(style, copy, "problem");
    return problem.empty() ? text : text + "; " + problem;
}

}  // namespace

std::string hosts_text(const Style& style, const std::vector<Json>& hosts)
{
    if (hosts.empty()) return "no host has joined yet\n  next: belay host invite\n";
    std::vector<std::vector<std::string>> rows;
    for (const Json& host : hosts) {
        const Json& presence = object_of(host, "presence");
        const std::string state = flag_of(host, "revoked") ? "revoked" : raw_text(presence, "state");
        const std::string version = text_of(style, presence, "version");
        rows.push_back({text_of(style, host, "id"), text_of(style, host, "name"),
                        text_of(style, host, "role"), paint(style, tone_of(state), state),
                        text_of(style, presence, "address"), version.empty() ? "" : "belay " + version,
                        state == "revoked" ? ""
                                           : (flag_of(host, "maintenance") ? "in maintenance, " : "") +
                                                 presence_text(style, presence)});
    }
    return table(style, rows, 0);
}

std::string accounts_text(const Style& style, const std::vector<Json>& accounts)
{
    if (accounts.empty()) return "nobody has an account\n  next: belay account add NAME --role operate\n";
    std::vector<std::vector<std::string>> rows;
    for (const Json& account : accounts)
        rows.push_back({text_of(style, account, "name"), text_of(style, account, "role"),
                        flag_of(account, "disabled") ? paint(style, Tone::bad, "disabled") : "",
                        fmt::format("password of {}", style.clock(span_of(account, "changed_ms")))});
    return table(style, rows, 0);
}

std::string host_link_text(const Style& style, const Json& host)
{
    const Json& presence = object_of(host, "presence");
    const std::string state = raw_text(presence, "state"), address = text_of(style, presence, "address");
    return fmt::format("{} {}{}", paint(style, tone_of(state), state), presence_text(style, presence),
                       address.empty() ? "" : ", from " + address);
}

namespace {

/// What is to be said of a host beside its load.
std::string host_remark(const Style& style, const Json& host, std::string_view own_version)
{
    const Json& presence = object_of(host, "presence");
    const bool is_attached = raw_text(presence, "state") == "attached";
    std::vector<std::string> parts;
    if (flag_of(host, "maintenance")) parts.emplace_back("in maintenance");
    if (!is_attached) parts.push_back(presence_text(style, presence));
    if (const std::string clock = clock_text(presence); !clock.empty()) parts.push_back(clock);
    const std::string version = text_of(style, presence, "version");
    if (is_attached && version != own_version) parts.push_back("belay " + version);
    return fmt::format("{}", fmt::join(parts, "; "));
}

PageSection hosts_section(const Style& style, const Json& status)
{
    const Json& controller = object_of(object_of(status, "place"), "controller");
    if (!flag_of(controller, "leads")) return {};
    std::vector<std::vector<std::string>> rows;
    for (const Json& host : list_of(controller, "hosts")) {
        const std::string state = raw_text(object_of(host, "presence"), "state");
        std::vector<std::string> row = {text_of(style, host, "name"), text_of(style, host, "role"),
                                        paint(style, tone_of(state), state)};
        for (std::string& cell : load_cells(style, object_of(host, "load"))) row.push_back(std::move(cell));
        row.push_back(host_remark(style, host, raw_text(status, "version")));
        rows.push_back(std::move(row));
    }
    if (rows.empty()) return {"hosts", {"  none has joined yet", "  next: belay host invite"}};
    return {"hosts", lines_of(table(style, rows, 2))};
}

PageSection operations_section(const Style& style, const Json& status)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : list_of(object_of(status, "operations"), "unfinished")) {
        const std::string state = text_of(style, one, "state");
        const Json& progress = object_of(one, "progress");
        std::string how = progress.empty() ? std::string() : progress_text(style, progress, Milliseconds{0});
        if (how.empty() && state == "held") how = text_of(style, one, "reason");
        if (how.empty() && has(one, "timer")) how = "timer: " + timer_text(one, Milliseconds{0});
        rows.push_back({text_of(style, one, "id"), paint(style, tone_of_state(state), state),
                        text_of(style, one, "title"), std::move(how)});
    }
    return {"operations", lines_of(table(style, rows, 2))};
}

/// What is not as it should be goes first, for a screen may have no room for all.
PageSection applications_section(const Style& style, const Json& status)
{
    std::vector<Json> applications = list_of(status, "applications");
    const auto rank = [](const Json& one) {
        const std::string phase = raw_text(one, "phase");
        if (phase == "failed" || phase == "unavailable" || phase == "unknown") return 0;
        if (phase == "started") return has(one, "host_away") ? 1 : 2;
        return phase == "stopped" ? 3 : 1;
    };
    std::ranges::stable_sort(applications, {}, rank);
    return {"applications", lines_of(applications_table(style, applications, 2))};
}

PageSection machine_section(const Style& style, const Json& status)
{
    const Json& place = object_of(status, "place");
    const Json& operations = object_of(status, "operations");
    const std::string role = text_of(style, place, "role");
    const std::string site = text_of(style, place, "site");
    std::vector<std::vector<std::string>> rows;
    rows.push_back(
        {"host", fmt::format("{}, belay {}, since {}", text_of(style, status, "host"),
                             text_of(style, status, "version"), style.clock(span_of(status, "started_ms")))});
    rows.push_back({"role", site.empty() ? role : fmt::format("{} of the site {}", role, site)});
    const Json& controller = object_of(place, "controller");
    if (!controller.empty()) rows.push_back({"listens at", text_of(style, controller, "address")});
    const Json& leader = object_of(controller, "leader");
    if (!controller.empty() && !flag_of(controller, "leads"))
        rows.push_back(
            {"lead", leader.empty()
                         ? paint(style, Tone::bad, "none leads")
                         : fmt::format("stands by; {} leads, at {}", text_of(style, leader, "host"),
                                       fmt::join(texts_of(style, leader, "addresses"), ", "))});
    const std::string emergency = text_of(style, controller, "emergency");
    if (!emergency.empty())
        rows.push_back({"", paint(style, Tone::bad, fmt::format("EMERGENCY PORT {}", emergency)) +
                                " is open until belayd ends"});
    const Json& link = object_of(place, "link");
    if (!link.empty()) {
        rows.push_back({"known as", fmt::format("{}, host {}", text_of(style, link, "name"),
                                                text_of(style, link, "number"))});
        rows.push_back({"link", link_text(style, link)});
        const std::string branch = text_of(style, link, "branch");
        if (!branch.empty()) rows.push_back({"branch", fmt::format("reads at {}", branch)});
    }
    const int64_t held = number_of(operations, "held");
    rows.push_back(
        {"operations",
         fmt::format("{} on the way{}", number_of(operations, "open"),
                     held == 0 ? "" : paint(style, Tone::bad, fmt::format(", {} of them held", held)))});
    rows.push_back({"configuration", configuration_text(style, status, link)});
    if (flag_of(status, "maintenance"))
        rows.push_back({"maintenance", "somebody works on this host: nothing is started here"});
    if (const std::string problem = text_of(style, object_of(status, "messages"), "problem");
        !problem.empty())
        rows.push_back({"messages", paint(style, Tone::bad, "none can be kept") + ": " + problem});
    if (const Json& load = object_of(status, "load"); !load.empty())
        rows.push_back({"load", fmt::format("{}", fmt::join(load_cells(style, load), ", "))});
    return {"", lines_of(table(style, rows, 0))};
}

}  // namespace

std::vector<PageSection> status_sections(const Style& style, const Json& status)
{
    return {machine_section(style, status),
            hosts_section(style, status),
            operations_section(style, status),
            {"solutions", lines_of(solutions_table(style, list_of(status, "solutions"), 2))},
            applications_section(style, status)};
}

}  // namespace belay::cli
