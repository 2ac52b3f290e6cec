#include "daemon/applications.h"

#include "daemon/driven.h"
#include "daemon/parameters.h"
#include "host/files.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <unistd.h>

namespace belay::daemon {
namespace {

using framework::supervision::Application;
using site::Call;
using site::Reply;

constexpr std::string_view wanted_prefix = "wanted/";
constexpr std::string_view pairs_key = "pairs";
constexpr Milliseconds first_attempt = std::chrono::milliseconds(50);
constexpr Milliseconds between_attempts = std::chrono::seconds(2);
constexpr Milliseconds longest_wait = std::chrono::seconds(20);
constexpr uint64_t lines_by_default = 100;
constexpr uint64_t most_lines = 10'000;
constexpr uint64_t most_output_bytes = 4 << 20;

Result<framework::supervision::Want> want_named(std::string_view name)
{
    using framework::supervision::Want;
    for (const Want want : {Want::stopped, Want::running, Want::suspended}) {
        if (name_of(want) == name) return want;
    }
    return fail(ErrorKind::usage, fmt::format("an application cannot be wanted \"{}\"", name),
                "running, stopped or suspended");
}

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

Applications::Applications(store::Store& store, Options options) : store_(store), options_(std::move(options))
{
    load();
}

Applications::~Applications()
{
    stop();
    if (thread_.joinable()) thread_.join();
}

void Applications::stop()
{
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    moved_.notify_all();
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
}

/// What cannot be read counts as not said.
void Applications::load()
{
    const auto entries = store_.list(wanted_prefix);
    if (!entries) return options_.said(entries.error().what);
    for (const store::Entry& entry : *entries) {
        ApplicationId id = 0;
        const char* const end = entry.key.data() + entry.key.size();
        const bool is_id =
            std::from_chars(entry.key.data() + wanted_prefix.size(), end, id).ec == std::errc{};
        const Result<Json> json = parse_json(entry.value);
        const auto want =
            json ? want_named(json->value("want", "")) : Result<Want>(std::unexpected(json.error()));
        if (!is_id || !want) continue;
        wanted_[id] = {.want = *want,
                       .by = json->value("by", ""),
                       .why = json->value("why", ""),
                       .at = Milliseconds(json->value("at_ms", int64_t{0}))};
    }
    if (const auto kept = store_.get(pairs_key); kept && *kept) {
        if (auto pairs = parse_json((*kept)->value); pairs && pairs->is_object()) pairs_ = std::move(*pairs);
    }
}

Result<void> Applications::keep(ApplicationId id, const Wanted& wanted)
{
    const Json json = {
        {"want", name_of(wanted.want)}, {"by", wanted.by}, {"why", wanted.why}, {"at_ms", wanted.at.count()}};
    TRY(store_.commit(
        {.when = {}, .then = {{.key = fmt::format("{}{}", wanted_prefix, id), .value = json_text(json)}}}));
    return {};
}

void Applications::configured(std::shared_ptr<const framework::configuration::Configuration> configuration,
                              const std::string& host, const framework::supervision::Unseal& unseal)
{
    {
        const std::lock_guard lock(mutex_);
        configuration_ = std::move(configuration);
        host_ = host;
        unseal_ = unseal;
        take_images();
        describe();
    }
    say_moved();
}

/// Whether they are others than before. With the mutex. What cannot be read leaves things as they are:
/// programs run by it.
bool Applications::take_images()
{
    auto images = options_.images();
    if (!images) options_.said(images.error().what);
    if (!images || *images == images_) return false;
    images_ = std::move(*images);
    return true;
}

void Applications::images_changed()
{
    {
        const std::lock_guard lock(mutex_);
        if (!configuration_ || !take_images()) return;
        describe();
    }
    say_moved();
}

/// From what is known now. With the mutex.
void Applications::describe()
{
    const auto open = [this](std::string_view sealed) -> Result<std::string> {
        const auto told = secrets_.find(std::string(sealed));
        return told == secrets_.end() ? unseal_(sealed) : told->second;
    };
    described_ = framework::supervision::described_on(*configuration_, host_, open, images_);
    is_due_ = true;
    if (options_.driven != nullptr) options_.driven->configured(described_.driven, images_);
    // Where there is nothing to start, and no supervisor that might have something to stop, nobody waits.
    const bool has_some = !described_.applications.empty() || described_.has_pairs ||
                          access(options_.supervisor.socket.c_str(), F_OK) == 0;
    if (has_some && !thread_.joinable() && !stopping_) thread_ = std::thread([this] { serve(); });
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
}

void Applications::tell(const Json& elsewhere)
{
    const std::lock_guard lock(mutex_);
    const std::string term = elsewhere.value("term", "");
    const uint64_t number = elsewhere.value("number", uint64_t{0});
    if (term == term_ && number < told_) return;
    term_ = term;
    told_ = number;
    bool has_new_secret = false;
    const Json secrets = elsewhere.value("secrets", Json::object());
    for (const auto& [sealed, plain] : secrets.items()) {
        if (!plain.is_string() || secrets_.contains(sealed)) continue;
        secrets_[sealed] = plain.get<std::string>();
        has_new_secret = true;
    }
    Json applications = elsewhere.value("applications", Json::object());
    for (auto& [id, standing] : applications.items()) {
        if (standing.is_null()) standing = elsewhere_.value(id, Json());
    }
    for (auto one = applications.begin(); one != applications.end();)
        one = one->is_null() ? applications.erase(one) : std::next(one);
    if (elsewhere_ != applications) {
        elsewhere_ = std::move(applications);
        is_due_ = true;
        if (following_ != nullptr) following_->interrupt();
        work_.notify_all();
    }
    if (const auto pairs = elsewhere.find("pairs"); pairs != elsewhere.end()) tell_pairs(*pairs);
    if (has_new_secret && configuration_) describe();
}

/// Kept before it counts: after a power cut this host must not vote by what was before. With the mutex.
void Applications::tell_pairs(const Json& pairs)
{
    if (pairs == pairs_) return;
    const auto kept =
        store_.commit({.when = {}, .then = {{.key = std::string(pairs_key), .value = json_text(pairs)}}});
    if (!kept) return options_.said(kept.error().what);
    pairs_ = pairs;
    is_due_ = true;
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
}

Json Applications::voting() const
{
    const std::lock_guard lock(mutex_);
    return voting_;
}

/// What the controller says, and those that this host decides alone. With the mutex.
Json Applications::pairs() const
{
    Json all = pairs_;
    if (!all.contains("self")) all["self"] = described_.host;
    if (!all.contains("pairs")) all["pairs"] = Json::array();
    for (const Json& own : described_.own_pairs) all["pairs"].push_back(own);
    return all;
}

Result<void> Applications::push_pairs(site::Client& client)
{
    Json told;
    {
        const std::lock_guard lock(mutex_);
        told = pairs();
        if (!described_.has_pairs && told["pairs"].empty() && voting_.empty()) return {};
    }
    const Json key = TRY(client.call("PairKey", Json::object()));
    TRY(client.call("Pairs", told));
    Json goes_by = Json::array();
    for (const Json& pair : told["pairs"])
        goes_by.push_back({{"pair", pair.value("pair", 0)},
                           {"epoch", pair.value("epoch", 0)},
                           {"retired", pair.value("retired", false)}});
    const std::lock_guard lock(mutex_);
    voting_ = {{"key", key}, {"pairs", std::move(goes_by)}};
    return {};
}

void Applications::when_moved(std::function<void()> moved)
{
    const std::lock_guard lock(mutex_);
    when_moved_ = std::move(moved);
}

std::string Applications::host() const
{
    const std::lock_guard lock(mutex_);
    return host_;
}

bool Applications::in_maintenance() const
{
    const std::lock_guard lock(mutex_);
    return described_.in_maintenance;
}

void Applications::say_moved()
{
    std::function<void()> tell;
    {
        const std::lock_guard lock(mutex_);
        ++moves_;
        tell = when_moved_;
    }
    moved_.notify_all();
    options_.changed();
    if (tell) tell();
}

/// Waits until something has moved since.
Result<Json> Applications::moved_since(const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t after = TRY(parameters.count("after", 0));
    TRY(parameters.no_other());
    std::unique_lock lock(mutex_);
    moved_.wait_for(lock, longest_wait, [&] { return moves_ != after || stopping_; });
    const uint64_t moves = moves_;
    lock.unlock();
    return Json{{"moves", moves}, {"applications", lines()}, {"voting", voting()}};
}

Applications::Want Applications::want_of(ApplicationId id) const
{
    return described_.in_maintenance ? Want::stopped : want_without_maintenance(id);
}

Applications::Want Applications::want_without_maintenance(ApplicationId id) const
{
    const auto wanted = wanted_.find(id);
    if (wanted != wanted_.end()) return wanted->second.want;
    const auto standard = described_.standard.find(id);
    return standard == described_.standard.end() ? Want::stopped : standard->second;
}

// --- the thread that speaks to the supervisor ---

bool Applications::wait_for_work()
{
    std::unique_lock lock(mutex_);
    work_.wait(lock, [this] { return stopping_ || is_due_; });
    return !stopping_;
}

Result<std::unique_ptr<site::Client>> Applications::reach() const
{
    Result<std::unique_ptr<site::Client>> client = site::connect(options_.supervisor);
    if (client || !options_.start || client.error().kind != ErrorKind::unavailable) return client;
    TRY(options_.start());
    return site::connect(options_.supervisor);
}

void Applications::serve()
{
    while (wait_for_work()) {
        Result<std::unique_ptr<site::Client>> client = reach();
        Result<void> done;
        if (!client) done = std::unexpected(client.error());
        {
            const std::lock_guard lock(mutex_);
            if (client) following_ = client->get();
        }
        while (done && client) {
            done = push(**client);
            if (done) done = follow(**client);
            const std::lock_guard lock(mutex_);
            if (stopping_) break;
        }
        std::unique_lock lock(mutex_);
        following_ = nullptr;
        if (stopping_) return;
        is_due_ = true;
        lock.unlock();
        if (!done) failed(done.error());
        lock.lock();
        // One that was renewed is there at once; one that cannot be started is not tried all the time.
        work_.wait_for(lock, client ? first_attempt : between_attempts, [this] { return stopping_; });
    }
}

void Applications::failed(const Error& error)
{
    {
        const std::lock_guard lock(mutex_);
        problem_ = error;
        standings_.clear();
        revision_ = 0;
    }
    options_.said(fmt::format("belay-supervisor is not reached: {}", error.what));
    say_moved();
}

/// Says what there is and what is wanted; asks only for what is not so already, since asking again would
/// start anew what has failed.
Result<void> Applications::push(site::Client& client)
{
    Json describe, elsewhere;
    Json applications = Json::array(), to_keep = Json::array();
    std::map<ApplicationId, Want> wants;
    std::map<Want, std::vector<ApplicationId>> orders;
    std::vector<ApplicationId> restarts;
    std::unique_lock telling(telling_);
    {
        const std::lock_guard lock(mutex_);
        is_due_ = false;
        // Before a controller has told anything, the supervisor may know more than this daemon does.
        if (!term_.empty()) elsewhere = {{"applications", elsewhere_}};
        restarts = std::exchange(to_restart_, {});
        // At the same instant: what is wanted next may rest on what is known of other hosts then.
        for (const Application& application : described_.applications) {
            const Want want = want_of(application.id);
            const bool is_ready = !described_.not_ready.contains(application.id);
            if (is_ready)
                applications.push_back(application);
            else
                to_keep.push_back(application.id);
            // What could not be started anew is not stopped for that.
            if (is_ready || want == Want::stopped) wants[application.id] = want;
        }
        describe = {{"applications", std::move(applications)}, {"keep", std::move(to_keep)}, {"whole", true}};
    }
    TRY(client.call("Describe", describe));
    telling.unlock();
    if (!elsewhere.is_null()) TRY(client.call("Elsewhere", elsewhere));
    TRY(push_pairs(client));
    TRY(take_standings(client));
    {
        const std::lock_guard lock(mutex_);
        problem_.reset();
        for (const auto& [id, want] : wants) {
            const auto standing = standings_.find(id);
            const bool is_so =
                standing == standings_.end()
                    ? described_.not_ready.contains(id)  // it was never described, so it does not run
                    : standing->second.value("want", "") == name_of(want);
            if (is_so) continue;
            orders[want].push_back(id);
            std::erase(restarts, id);
        }
    }
    for (const auto& [want, ids] : orders)
        TRY(client.call("Order", {{"applications", ids}, {"want", name_of(want)}}));
    if (!restarts.empty())
        TRY(client.call("Order", {{"applications", restarts}, {"want", "running"}, {"restart", true}}));
    return take_standings(client);
}

Result<void> Applications::take_standings(site::Client& client)
{
    uint64_t after = 0;
    {
        const std::lock_guard lock(mutex_);
        after = revision_;
    }
    const Json answer = TRY(client.call("Standings", {{"after", after}}));
    {
        const std::lock_guard lock(mutex_);
        for (const Json& one : answer.at("applications")) standings_[one.at("id").get<ApplicationId>()] = one;
        revision_ = answer.at("revision").get<uint64_t>();
    }
    say_moved();
    return {};
}

/// Until something is to be said to it, or it is gone.
Result<void> Applications::follow(site::Client& client)
{
    site::ConnectOptions there = options_.supervisor;
    there.daemon.clear();
    const std::unique_ptr<site::Client> questions = TRY(site::connect(there));
    Result<void> taken;
    const Result<void> followed = client.stream("Watch", Json::object(), [&](const Json&) {
        taken = take_standings(*questions);
        const std::lock_guard lock(mutex_);
        return taken.has_value() && !is_due_ && !stopping_;
    });
    return followed ? taken : followed;
}

// --- what is asked ---

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
    const Want want = TRY(want_named(TRY(parameters.required_text("want"))));
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
    return line_of(*std::ranges::find(described_.applications, id, &Application::id));
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
