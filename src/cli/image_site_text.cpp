// Images of a whole site as a person reads them.

#include "cli/fields.h"
#include "cli/image_text.h"
#include "cli/operation_text.h"
#include "cli/upgrade_text.h"

#include <fmt/ranges.h>
#include <map>
#include <set>

namespace belay::cli {

namespace image = upgrade::image;

namespace {

Tone tone_of_letter(std::string_view letter)
{
    if (letter == "C") return Tone::good;
    if (letter == "U" || letter == "D") return Tone::warn;
    return Tone::dim;
}

std::string name_of_host(const Style& style, const Json& host)
{
    const std::string name = text_of(style, host, "host");
    return name.empty() ? "this host" : name;
}

/// Versions of one image, and in which state each is on each host.
struct Versions {
    std::map<std::string, std::map<std::string, std::string>> states;  ///< by version, by host
    std::set<std::string> published;
};

std::map<std::string, Versions> versions_of(const Json& answer)
{
    std::map<std::string, Versions> all;
    const auto publish = [&](const Json& published) {
        for (const Json& one : published)
            all[raw_text(one, "image")].published.insert(raw_text(one, "version"));
    };
    publish(list_of(answer, "published"));
    for (const Json& host : list_of(answer, "hosts")) {
        publish(list_of(host, "published"));
        for (const Json& one : list_of(host, "versions"))
            all[raw_text(one, "image")].states[raw_text(one, "version")][raw_text(host, "host")] =
                raw_text(one, "state");
    }
    for (auto& [name, versions] : all) {
        for (const std::string& version : versions.published) versions.states[version];
    }
    return all;
}

/// The oldest first.
std::vector<std::string> in_order(const Versions& versions)
{
    std::vector<std::string> all;
    for (const auto& [version, states] : versions.states) all.push_back(version);
    std::ranges::sort(all, [](const std::string& left, const std::string& right) {
        return image::compare({left}, {right}) < 0;
    });
    return all;
}

std::string versions_text(const Style& style, const Json& answer, const std::string& name,
                          const Versions& versions)
{
    std::vector<std::string> head = {""};
    for (const Json& host : list_of(answer, "hosts")) head.push_back(name_of_host(style, host));
    head.emplace_back("");
    std::vector<std::vector<std::string>> rows = {head};
    for (const std::string& version : in_order(versions)) {
        std::vector<std::string> row = {clean(style, version)};
        for (const Json& host : list_of(answer, "hosts")) {
            const auto& states = versions.states.at(version);
            const auto state = states.find(raw_text(host, "host"));
            const std::string letter = state == states.end() ? "-" : clean(style, state->second);
            row.push_back(paint(style, tone_of_letter(letter), letter));
        }
        row.emplace_back(versions.published.contains(version) ? "published" : "");
        rows.push_back(std::move(row));
    }
    return fmt::format("{}\n{}", paint(style, Tone::bold, clean(style, name)), table(style, rows, 2));
}

/// What runs, whatever packages.conf says.
std::string running_text(const Style& style, const Json& answer)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& host : list_of(answer, "hosts")) {
        for (const Json& one : list_of(host, "applications")) {
            const Json& running = object_of(one, "image");
            const std::string version = text_of(style, running, "version");
            const Json& pair = object_of(one, "pair");
            if (version.empty() && !has(one, "pair")) continue;
            rows.push_back({text_of(style, one, "name"), name_of_host(style, host),
                            version.empty() ? "of no image"
                                            : fmt::format("{} {}", text_of(style, running, "name"), version),
                            fmt::format("{}{}", text_of(style, one, "phase"),
                                        flag_of(pair, "serves") ? ", serves" : "")});
        }
    }
    return rows.empty() ? "" : "\nrunning image\n" + table(style, rows, 2);
}

std::string pair_modes_text(const Style& style, const Json& pairs)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& pair : pairs)
        rows.push_back({text_of(style, pair, "name"), operating_mode_text(style, pair)});
    return rows.empty() ? "" : "\noperating mode\n" + table(style, rows, 2);
}

/// In the fields in which the field's engineers know it.
std::string upgrade_state_text(const Style& style, const Json& operation)
{
    std::vector<std::string> transitions;
    for (const Json& one : list_of(operation, "transitions"))
        transitions.push_back(text_of(style, one, "to"));
    std::vector<std::vector<std::string>> rows = {
        {"operation type", flag_of(operation, "one_shot") ? "in one go" : "step by step"},
        {"install type", install_type_text(raw_text(operation, "procedure"))},
        {"current state", text_of(style, operation, "state")},
        {"last operation", last_operation_text(style, operation)}};
    std::string what = "completed operations";
    for (const Json& step : list_of(operation, "steps")) {
        if (raw_text(step, "status") != "done") continue;
        const std::string member = text_of(style, step, "member");
        rows.push_back(
            {std::exchange(what, ""),
             fmt::format("{}  {}{}", style.clock(span_of(step, "started_ms")), text_of(style, step, "title"),
                         member.empty() ? "" : fmt::format(" [{}]", member))});
    }
    rows.push_back({"state transition", fmt::format("{}", fmt::join(transitions, " -> "))});
    rows.push_back(
        {"auto-abort timer", has(operation, "timer") ? timer_text(operation, Milliseconds{0}) : "inactive"});
    return fmt::format("\noperation {}  {}\n{}", text_of(style, operation, "id"),
                       text_of(style, operation, "title"), table(style, rows, 2));
}

}  // namespace

std::string images_text(const Style& style, const Json& answer)
{
    std::string text;
    for (const auto& [name, versions] : versions_of(answer))
        text += versions_text(style, answer, name, versions) + "\n";
    if (text.empty()) return "no image is installed or published\n  next: belay image --help\n";
    text +=
        "I inactive, U activated & uncommitted,\n"
        "C activated & committed, D deactivated & uncommitted\n";
    text += running_text(style, answer) + pair_modes_text(style, list_of(answer, "pairs"));
    const Json& operations = list_of(answer, "operations");
    const Json& hosts = list_of(answer, "hosts");
    const bool is_alone = operations.empty() && hosts.size() == 1;
    const Json& upgrades = is_alone ? list_of(hosts.front(), "operations") : operations;
    if (upgrades.empty()) text += "\nno upgrade is on its way\n";
    for (const Json& one : upgrades) text += upgrade_state_text(style, one);
    for (const Json& host : hosts) {
        if (has(host, "problem"))
            text +=
                paint(style, Tone::bad,
                      wrap(style,
                           fmt::format("{}: {}", name_of_host(style, host), text_of(style, host, "problem")),
                           0, 2)) +
                '\n';
    }
    return text;
}

std::string tidy_text(const Style& style, const Json& answer, bool dry_run)
{
    std::string text;
    for (const Json& host : list_of(answer, "hosts")) {
        const std::string name = name_of_host(style, host);
        if (has(host, "problem")) {
            text += paint(style, Tone::bad, fmt::format("{}: {}\n", name, text_of(style, host, "problem")));
            continue;
        }
        const Json& removed = list_of(host, "removed");
        const Json& cleared = list_of(host, "cleared");
        for (const Json& one : removed)
            text += fmt::format("{}: {} {} {}\n", name, text_of(style, one, "image"),
                                text_of(style, one, "version"), dry_run ? "would be removed" : "was removed");
        for (const Json& one : cleared)
            text += fmt::format("{}: {} {} {} as committed, in place of {}\n", name,
                                text_of(style, one, "image"), text_of(style, one, "runs"),
                                dry_run ? "would count" : "counts", text_of(style, one, "committed"));
        if (removed.empty() && cleared.empty()) text += fmt::format("{}: nothing to be done\n", name);
    }
    return text;
}

}  // namespace belay::cli
