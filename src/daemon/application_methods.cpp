// What people and other hosts ask of the applications of this host.

#include "daemon/applications.h"
#include "daemon/driven.h"
#include "daemon/parameters.h"
#include "host/files.h"

#include <algorithm>
#include <filesystem>

namespace belay::daemon {
namespace {

using framework::supervision::Application;
using site::Call;
using site::Reply;

constexpr uint64_t lines_by_default = 100;
constexpr uint64_t most_lines = 10'000;
constexpr uint64_t most_output_bytes = 4 << 20;

/// The last lines of a text.
std::string_view tail_of(std::string_view text, uint64_t lines)
{
    size_t at = text.size();
    if (at > 0 && text.back() == '\n') --at;
    for (; at > 0; --at) {
        if (text[at - 1] == '\n' && --lines == 0) break;
    }
    return text.substr(at);
}

}  // namespace

Json Applications::line_of(const Application& application) const
{
    const ApplicationId id = application.id;
    Json line = {{"id", id}, {"name", application.name}, {"host", host_}, {"wanted", name_of(want_of(id))}};
    if (const auto standing = standings_.find(id); standing != standings_.end()) {
        for (const char* field : {"phase", "role", "since_ms", "reason", "told", "restarts", "pid", "last",
                                  "awaits_restart", "image", "not_in_force", "output", "pair"})
            line[field] = standing->second.value(field, Json());
    } else {
        const bool is_not_described = !problem_ && described_.not_ready.contains(id);
        line["phase"] = is_not_described ? "stopped" : "unknown";
        line["reason"] = problem_ ? problem_->what : "its supervisor has not said yet";
    }
    if (const auto why = described_.not_ready.find(id); why != described_.not_ready.end())
        line["reason"] = fmt::format("cannot be started: {}", why->second);
    if (described_.in_maintenance) {
        line["reason"] = "its host is in maintenance";
        line["wanted_after"] = name_of(want_without_maintenance(id));
    }
    if (const auto wanted = wanted_.find(id); wanted != wanted_.end())
        line["asked"] = {{"want", name_of(wanted->second.want)},
                         {"by", wanted->second.by},
                         {"why", wanted->second.why},
                         {"at_ms", wanted->second.at.count()}};
    Json needs = Json::array();
    for (const framework::supervision::Gate& gate : application.gates) needs.push_back(to_text(gate));
    line["needs"] = std::move(needs);
    line["command"] = application.command;
    return line;
}

Json Applications::lines() const
{
    const std::lock_guard lock(mutex_);
    Json all = Json::array();
    for (const Application& application : described_.applications) all.push_back(line_of(application));
    if (options_.driven != nullptr) {
        for (Json& line : options_.driven->lines(host_)) all.push_back(std::move(line));
    }
    return all;
}

ApplicationsEverywhere Applications::everywhere()
{
    return {.configuration =
                [this] {
                    const std::lock_guard lock(mutex_);
                    return configuration_;
                },
            .lines = [this] { return lines(); },
            .order = [this](const Call& call) { return order(call); },
            .hand = [this](const Call& call) { return hand(call); },
            .pair_problems = [] { return std::map<int64_t, std::string>(); }};
}

Result<Applications::ApplicationId> Applications::find(const std::string& name) const
{
    for (const Application& application : described_.applications) {
        if (application.name == name) return application.id;
    }
    return fail(ErrorKind::not_found, fmt::format("there is no application \"{}\" on this host", name),
                "belay app list");
}

bool Applications::is_driven(const std::string& name) const
{
    return options_.driven != nullptr && options_.driven->has(name);
}

Result<Json> Applications::order(const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("application"));
    const Want want = TRY(framework::supervision::want_named(TRY(parameters.required_text("want"))));
    const bool restart = TRY(parameters.flag("restart", false));
    const std::string why = TRY(parameters.text("why"));
    TRY(parameters.no_other());
    if (is_driven(name))
        return fail(ErrorKind::refused,
                    fmt::format("\"{}\" is run by other means: Belay knows it by its driver alone", name),
                    fmt::format("belay app show '{}'", name));
    const std::lock_guard lock(mutex_);
    // Somebody may have changed packages.conf by hand.
    if (configuration_ && take_images()) describe();
    const ApplicationId id = TRY(find(name));
    if (described_.in_maintenance && want == Want::running)
        return fail(ErrorKind::refused, "this host is in maintenance, so nothing is started on it",
                    fmt::format("belay host maintenance '{}' off", host_));
    if (const auto not_ready = described_.not_ready.find(id);
        not_ready != described_.not_ready.end() && want == Want::running)
        return fail(ErrorKind::refused, fmt::format("\"{}\" cannot be started: {}", name, not_ready->second));
    const Wanted wanted{.want = want, .by = call.caller.user, .why = why, .at = options_.wall()};
    TRY(keep(id, wanted));
    wanted_[id] = wanted;
    // One that has failed, or has ended by itself, is wanted already; to ask for it is to start it anew.
    const auto standing = standings_.find(id);
    const std::string phase = standing == standings_.end() ? "" : standing->second.value("phase", "");
    if (want == Want::running && (restart || phase == "failed" || phase == "stopped"))
        to_restart_.push_back(id);
    is_due_ = true;
    ++moves_;
    moved_.notify_all();
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
    return Json{{"id", id}, {"at_ms", wanted.at.count()}};
}

/// A connection of its own, beside the one that is followed; never starts one.
Result<std::unique_ptr<site::Client>> Applications::supervisor() const
{
    site::ConnectOptions there = options_.supervisor;
    there.daemon.clear();
    return site::connect(there);
}

Result<Json> Applications::look(const std::string& name)
{
    ApplicationId id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = TRY(find(name));
    }
    const Json answer = TRY(TRY(supervisor())->call("Standings", {{"only", id}}));
    const std::lock_guard lock(mutex_);
    for (const Json& one : answer.value("applications", Json::array()))
        standings_[one.at("id").get<ApplicationId>()] = one;
    TRY(find(name));
    Json line = line_of(*std::ranges::find(described_.applications, id, &Application::id));
    // As after a power cut: its supervisor knows of it, and not yet that it is to run.
    const auto standing = standings_.find(id);
    line["awaits_order"] = standing != standings_.end() && !described_.not_ready.contains(id) &&
                           standing->second.value("want", "") != name_of(want_of(id));
    return line;
}

Result<void> Applications::let_other_serve(const std::string& name)
{
    ApplicationId id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = TRY(find(name));
    }
    TRY(TRY(supervisor())->call("HandOver", {{"application", id}}));
    return {};
}

Result<void> Applications::restart_in_background(const std::string& name)
{
    Json applications = Json::array();
    ApplicationId id = 0;
    // It is started from what is said here, and not from what another thread has put together before.
    const std::lock_guard telling(telling_);
    {
        const std::lock_guard lock(mutex_);
        if (take_images()) describe();
        id = TRY(find(name));
        if (const auto why = described_.not_ready.find(id); why != described_.not_ready.end())
            return fail(ErrorKind::refused, fmt::format("\"{}\" cannot be started: {}", name, why->second));
        if (want_of(id) != Want::running)
            return fail(ErrorKind::refused, fmt::format("\"{}\" is not to run", name),
                        fmt::format("belay app start '{}'", name));
        applications.push_back(*std::ranges::find(described_.applications, id, &Application::id));
    }
    const std::unique_ptr<site::Client> client = TRY(supervisor());
    TRY(client->call("Describe", {{"applications", std::move(applications)}}));
    TRY(client->call(
        "Order", {{"applications", {id}}, {"want", "running"}, {"restart", true}, {"unless_serving", true}}));
    return {};
}

/// Lets the other of its pair serve, or takes over from it.
Result<Json> Applications::hand(const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("application"));
    const bool takes_over = TRY(parameters.flag("take_over", false));
    TRY(parameters.no_other());
    if (is_driven(name)) {
        if (takes_over)
            return fail(ErrorKind::refused,
                        fmt::format("nobody serves, and \"{}\" is run by other means", name),
                        "what runs it has to make it serve");
        TRY(options_.driven->let_other_serve(name));
        return Json::object();
    }
    ApplicationId id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = TRY(find(name));
    }
    TRY(TRY(supervisor())->call(takes_over ? "TakeOver" : "HandOver", {{"application", id}}));
    options_.said(fmt::format("{}, asked by {}: {}", name, call.caller.user,
                              takes_over ? "takes over" : "lets the other of its pair serve"));
    return Json{{"id", id}};
}

/// What it uses is asked of the kernel now: that moves without an event.
Result<Json> Applications::show(const Call& call) const
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("application"));
    TRY(parameters.no_other());
    if (is_driven(name)) {
        for (Json& one : options_.driven->lines(host())) {
            if (one.at("name") == name) return std::move(one);
        }
    }
    Json line;
    ApplicationId id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = TRY(find(name));
        line = line_of(*std::ranges::find(described_.applications, id, &Application::id));
    }
    line["use"] = nullptr;
    const auto client = supervisor();
    if (!client) return line;
    const auto answer = (*client)->call("Standings", {{"use", true}, {"only", id}});
    if (!answer) return line;
    for (const Json& one : answer->value("applications", Json::array()))
        line["use"] = one.value("use", Json());
    return line;
}

Result<Json> Applications::output(const Call& call) const
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("application"));
    const uint64_t lines = TRY(parameters.count("lines", lines_by_default));
    const bool goes_on = call.parameters.contains("after");
    const uint64_t after = TRY(parameters.count("after", 0));
    TRY(parameters.no_other());
    if (is_driven(name))
        return fail(ErrorKind::refused,
                    fmt::format("\"{}\" is run by other means, which have its output", name));
    std::string path;
    {
        const std::lock_guard lock(mutex_);
        const ApplicationId id = TRY(find(name));
        const auto standing = standings_.find(id);
        if (standing != standings_.end()) path = standing->second.value("output", "");
    }
    std::error_code problem;
    const uint64_t size = std::filesystem::file_size(path, problem);
    if (problem) return Json{{"path", path}, {"text", ""}, {"next", 0}};
    // A segment that was begun anew is shorter than where the asker was.
    uint64_t from = goes_on && after <= size ? after : 0;
    if (size - from > most_output_bytes) from = size - most_output_bytes;
    std::string text = TRY(host::files::read_at(path, Bytes{from}, Bytes{size - from}));
    const uint64_t next = from + text.size();
    if (!goes_on) text = tail_of(text, std::clamp<uint64_t>(lines, 1, most_lines));
    return Json{{"path", path}, {"text", std::move(text)}, {"next", next}};
}

std::vector<site::Method> Applications::methods()
{
    using site::Right;
    const auto show = [this](const Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        TRY(parameters.no_other());
        return Reply{Json{{"applications", lines()}}, applications_topic};
    };
    const auto ask = [this](const Call& call) -> Result<Reply> {
        Json answer = TRY(order(call));
        return Reply{std::move(answer)};
    };
    const auto show_one = [this](const Call& call) -> Result<Reply> {
        Json answer = TRY(Applications::show(call));
        return Reply{std::move(answer)};
    };
    const auto read = [this](const Call& call) -> Result<Reply> {
        Json answer = TRY(output(call));
        return Reply{std::move(answer)};
    };
    const auto moved = [this](const Call& call) -> Result<Reply> {
        Json answer = TRY(moved_since(call));
        return Reply{std::move(answer)};
    };
    const auto hand_over = [this](const Call& call) -> Result<Reply> {
        Json answer = TRY(hand(call));
        return Reply{std::move(answer)};
    };
    const auto elsewhere = [this](const Call& call) -> Result<Reply> {
        tell(call.parameters);
        return Reply{};
    };
    return {
        {"Applications", Right::view, show},        {"ApplicationShow", Right::view, show_one},
        {"ApplicationsMoved", Right::view, moved},  {"ApplicationsElsewhere", Right::administer, elsewhere},
        {"ApplicationOrder", Right::operate, ask},  {"ApplicationHand", Right::operate, hand_over},
        {"ApplicationOutput", Right::operate, read}};
}

}  // namespace belay::daemon
