#include "daemon/host_events.h"

#include "daemon/parameters.h"

#include <chrono>

namespace belay::daemon {
namespace {

bool is_as_known(const Json& told, const Json& known)
{
    return told.at("messages").empty() && told.at("problem") == known.value("problem", Json()) &&
           told.at("storage") == known.value("storage", Json()) &&
           told.at("next").is_null() != known.value("looked", false);
}

}  // namespace

bool HostEvents::messages_moved(const std::optional<std::string>& problem)
{
    const std::lock_guard lock(mutex_);
    ++moves_;
    moved_.notify_all();
    return std::exchange(problem_, problem) != problem;
}

void HostEvents::storage_moved()
{
    const std::lock_guard lock(mutex_);
    ++storage_moves_;
    ++moves_;
    moved_.notify_all();
}

std::optional<std::string> HostEvents::problem() const
{
    const std::lock_guard lock(mutex_);
    return problem_;
}

void HostEvents::stop()
{
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    moved_.notify_all();
}

Result<Json> HostEvents::look(const Json& parameters) const
{
    Parameters reader(parameters);
    const uint64_t after = TRY(reader.count("after", 0));
    const uint64_t since = TRY(reader.count("since_ms", 0));
    Json answer = {{"messages", Json::array()}, {"next", nullptr}};
    Json query = {{"after", after}, {"newest", false}, {"limit", most_at_once}};
    if (since > 0) query["since_ms"] = since;
    // Where no condition names an event, or the message server does not run, nothing was looked at.
    const Result<Json> found = search_(query);
    if (found) answer.update(*found);
    const std::lock_guard lock(mutex_);
    answer["problem"] = problem_ ? Json(*problem_) : Json();
    answer["storage"] = fmt::format("{} {}", run_, storage_moves_);
    return answer;
}

Result<Json> HostEvents::await_news(Json parameters) const
{
    const bool waits = TRY(Parameters(parameters).flag("wait", false));
    const Json given = parameters.value("known", Json());
    const Json known = given.is_object() ? given : Json::object();
    const auto until = std::chrono::steady_clock::now() + longest_wait;
    while (true) {
        uint64_t moves = 0;
        {
            const std::lock_guard lock(mutex_);
            moves = moves_;
        }
        Json told = TRY(look(parameters));
        if (!waits || !is_as_known(told, known)) return told;
        // What was looked at is not looked at again. Less than before: the messages begin anew, which whoever
        // asks has to know.
        if (!told.at("next").is_null()) {
            if (told.at("next") < parameters.value("after", Json(0))) return told;
            parameters["after"] = told.at("next");
        }
        std::unique_lock lock(mutex_);
        if (!moved_.wait_until(lock, until, [&] { return moves_ != moves || stopping_; }) || stopping_)
            return told;
    }
}

std::vector<site::Method> HostEvents::methods()
{
    return {{"HostEvents", site::Right::administer, [this](const site::Call& call) -> Result<site::Reply> {
                 return site::Reply{TRY(await_news(call.parameters))};
             }}};
}

}  // namespace belay::daemon
