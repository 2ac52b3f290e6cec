// The thread that tells this host's supervisor what is wanted, and follows what comes of it.

#include "daemon/applications.h"

#include <algorithm>

namespace belay::daemon {
namespace {

constexpr Milliseconds first_attempt = std::chrono::milliseconds(50);
constexpr Milliseconds between_attempts = std::chrono::seconds(2);

}  // namespace

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
    options_.lost(error);
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
        for (const framework::supervision::Application& application : described_.applications) {
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
    std::vector<std::pair<std::string, Json>> stand;
    {
        const std::lock_guard lock(mutex_);
        for (const Json& one : answer.at("applications")) {
            const auto id = one.at("id").get<ApplicationId>();
            standings_[id] = one;
            const auto described =
                std::ranges::find(described_.applications, id, &framework::supervision::Application::id);
            if (described != described_.applications.end()) stand.emplace_back(described->name, one);
        }
        revision_ = answer.at("revision").get<uint64_t>();
    }
    for (const auto& [name, standing] : stand) options_.stands(name, standing);
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

}  // namespace belay::daemon
