#include "site/snmp/watch.h"

#include "site/client.h"
#include "site/snmp/fields.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

namespace belay::site::snmp {
namespace {

using std::chrono::steady_clock;

/// While somebody follows it belayd tells how it stands every two seconds.
constexpr auto silence = std::chrono::seconds(15);
/// Between two attempts at a daemon that is away, and at one that answers by an error.
constexpr auto pause_when_away = std::chrono::milliseconds(200);
constexpr auto pause_when_refused = std::chrono::seconds(5);
constexpr auto patience_at_the_end = std::chrono::seconds(1);
constexpr size_t most_notifications = 1000;
constexpr int most_alarms = 10'000;

}  // namespace

struct Watch::State {
    State(Options asked, std::shared_ptr<Log> its_log)
        : options(std::move(asked)),
          log(std::move(its_log)),
          changes(options.arc),
          picture(std::make_shared<const Picture>(picture_of({}, options.arc))),
          empty(picture)
    {
    }

    void follow(const char* method, const Json& parameters, const std::function<void(Json)>& take);
    Result<void> follow_once(const char* method, const Json& parameters,
                             const std::function<void(Json)>& take);
    void take_status(Json status);
    void take_alarms(Json alarms);
    void notify(std::vector<Notification> more);
    void draw();

    const Options options;
    const std::shared_ptr<Log> log;

    std::mutex making;  ///< before `mutex`; held while a picture is made
    Told told;
    Changes changes;

    std::mutex mutex;
    std::condition_variable moved;
    bool ends = false;
    int threads = 0;
    std::set<Client*> following;
    std::shared_ptr<const Picture> picture;
    const std::shared_ptr<const Picture> empty;
    steady_clock::time_point heard{};
    std::deque<Notification> notifications;
};

Result<void> Watch::State::follow_once(const char* method, const Json& parameters,
                                       const std::function<void(Json)>& take)
{
    const std::unique_ptr<Client> client =
        TRY(connect({.socket = options.socket, .state_folder = "", .daemon = ""}));
    {
        const std::lock_guard lock(mutex);
        if (ends) return {};
        following.insert(client.get());
    }
    Result<void> followed = client->stream(method, parameters, [&](const Json& answer) {
        take(answer);
        const std::lock_guard lock(mutex);
        return !ends;
    });
    const std::lock_guard lock(mutex);
    following.erase(client.get());
    return followed;
}

void Watch::State::follow(const char* method, const Json& parameters, const std::function<void(Json)>& take)
{
    std::string problem;
    bool has_answered = false;
    while (true) {
        const Result<void> followed = follow_once(method, parameters, [&](Json answer) {
            if (!std::exchange(has_answered, true)) log->standard(fmt::format("belayd answers {}", method));
            problem.clear();
            take(std::move(answer));
        });
        has_answered = false;
        take(Json());
        std::unique_lock lock(mutex);
        if (ends) break;
        const bool is_away = followed || followed.error().kind == ErrorKind::unavailable;
        if (!followed && std::exchange(problem, followed.error().what) != problem)
            log->standard(fmt::format("{} is not answered: {}", method, problem));
        moved.wait_for(lock, is_away ? steady_clock::duration(pause_when_away) : pause_when_refused,
                       [&] { return ends; });
        if (ends) break;
    }
    const std::lock_guard lock(mutex);
    --threads;
    moved.notify_all();
}

void Watch::State::draw()
{
    auto drawn = std::make_shared<const Picture>(picture_of(told, options.arc));
    const std::lock_guard lock(mutex);
    picture = std::move(drawn);
}

void Watch::State::take_status(Json status)
{
    const std::lock_guard lock(making);
    if (status.is_null() && told.status.is_null()) return;
    notify(changes.of_applications(at(status, "applications")));
    told.status = std::move(status);
    {
        const std::lock_guard picture_lock(mutex);
        heard = steady_clock::now();
    }
    draw();
}

void Watch::State::take_alarms(Json alarms)
{
    const std::lock_guard lock(making);
    if (alarms.is_null() && told.alarms.is_null()) return;
    notify(changes.of_alarms(at(alarms, "alarms")));
    told.alarms = std::move(alarms);
    draw();
}

void Watch::State::notify(std::vector<Notification> more)
{
    if (more.empty()) return;
    size_t lost = 0;
    {
        const std::lock_guard lock(mutex);
        std::ranges::move(more, std::back_inserter(notifications));
        for (; notifications.size() > most_notifications; ++lost) notifications.pop_front();
    }
    if (lost > 0) log->standard(fmt::format("{} notifications are lost: too many came at once", lost));
    options.notified();
}

Watch::Watch(Options options, std::shared_ptr<Log> log)
    : state_(std::make_shared<State>(std::move(options), std::move(log)))
{
    state_->threads = 2;
    // They own what they work on: one that waits for a daemon that hangs outlives this.
    std::thread([state = state_] {
        state->follow("Status", {{"whole", true}},
                      [&](Json status) { state->take_status(std::move(status)); });
    }).detach();
    std::thread([state = state_] {
        state->follow("AlarmList", {{"limit", most_alarms}},
                      [&](Json alarms) { state->take_alarms(std::move(alarms)); });
    }).detach();
}

Watch::~Watch()
{
    std::unique_lock lock(state_->mutex);
    state_->ends = true;
    for (Client* const client : state_->following) client->interrupt();
    state_->moved.notify_all();
    state_->moved.wait_for(lock, patience_at_the_end, [&] { return state_->threads == 0; });
}

std::shared_ptr<const Picture> Watch::picture() const
{
    const std::lock_guard lock(state_->mutex);
    return steady_clock::now() - state_->heard > silence ? state_->empty : state_->picture;
}

std::vector<Notification> Watch::take_notifications()
{
    const std::lock_guard lock(state_->mutex);
    std::vector<Notification> taken(std::make_move_iterator(state_->notifications.begin()),
                                    std::make_move_iterator(state_->notifications.end()));
    state_->notifications.clear();
    return taken;
}

}  // namespace belay::site::snmp
