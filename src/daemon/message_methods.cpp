// What is asked of the messages of this host, and of those of all hosts of a site.

#include "daemon/messages.h"
#include "daemon/parameters.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

/// Nobody elsewhere gets what is said for the makers of a program. Errors: usage.
Result<std::string> level_for(const std::string& asked, bool may_see_debug)
{
    using framework::messages::Level;
    if (asked.empty()) return std::string(may_see_debug ? "" : name_of(Level::trace));
    const Level level = TRY(framework::messages::level_named(asked));
    return std::string(name_of(may_see_debug ? level : std::min(level, Level::trace)));
}

bool is_earlier(const Json& one, const Json& other)
{
    return one.value("at_ms", int64_t{0}) < other.value("at_ms", int64_t{0});
}

Result<void> check(const Json& parameters)
{
    Parameters reader(parameters);
    for (const char* name : {"level", "application", "host", "id", "interaction", "text"})
        static_cast<void>(TRY(reader.text(name)));
    for (const char* name : {"since_ms", "until_ms", "limit", "after", "wait_ms"})
        static_cast<void>(TRY(reader.count(name, 0)));
    static_cast<void>(TRY(reader.flag("newest", true)));
    return {};
}

}  // namespace

/// A server that does not run has nothing new; what it has kept is there when it does.
Result<Json> Messages::ask_own(const Json& parameters, bool may_leave)
{
    Json asked = parameters;
    asked["level"] = TRY(level_for(parameters.value("level", ""), may_leave));
    asked.erase("after_of");
    asked.erase("host");
    const std::unique_ptr<site::Client> client = TRY(reach(true));
    TRY(describe(*client));
    return client->call("Messages", asked);
}

/// {"messages", "after_of": {host: number}, "problems": [{host, what}]}: of this host, or of all where it is
/// the controller of a site. `after_of` is handed back to get what came since.
Result<Reply> Messages::answer(const Call& call, Place* place)
{
    TRY(check(call.parameters));
    const std::string host = call.parameters.value("host", "");
    const Json after = call.parameters.value("after_of", Json::object());
    if (!after.is_object()) return fail(ErrorKind::usage, "\"after_of\" is no table");
    std::string own_host;
    {
        const std::lock_guard lock(mutex_);
        own_host = described_.is_null() ? "" : described_.value("host", "");
    }
    const bool is_of_all = place != nullptr && place->is_controller();
    if (!host.empty() && !is_of_all && host != own_host)
        return fail(ErrorKind::not_found,
                    fmt::format("this is the host {}, and knows its own messages alone", own_host),
                    fmt::format("belay --site SITE messages --host '{}'", host));
    std::vector<std::pair<std::string, Result<Json>>> answers;
    if (host.empty() || host == own_host) {
        Json asked = call.parameters;
        if (after.contains(own_host)) asked["after"] = after.at(own_host);
        // Others are not to be waited for with it.
        if (is_of_all) asked.erase("wait_ms");
        answers.emplace_back(own_host, ask_own(asked, call.caller.is_here));
    }
    if (is_of_all && host != own_host) {
        Json asked = call.parameters;
        for (const char* name : {"wait_ms", "host"}) asked.erase(name);
        for (auto& [name, told] : TRY(place->ask_hosts("HostMessages", asked, call.caller.user))) {
            if ((host.empty() || name == host) && name != own_host)
                answers.emplace_back(name, std::move(told));
        }
    }
    Json all = Json::array(), next = Json::object(), problems = Json::array();
    for (auto& [name, told] : answers) {
        if (!told) {
            if (!is_of_all) return std::unexpected(told.error());
            problems.push_back({{"host", name}, {"what", told.error().what}});
            if (after.contains(name)) next[name] = after.at(name);
            continue;
        }
        next[name] = told->value("next", uint64_t{0});
        for (Json& one : (*told)["messages"]) all.push_back(std::move(one));
    }
    std::stable_sort(all.begin(), all.end(), is_earlier);
    return Reply{
        {{"messages", std::move(all)}, {"after_of", std::move(next)}, {"problems", std::move(problems)}}};
}

std::vector<site::Method> Messages::methods(Place* place)
{
    using site::Right;
    const auto ask = [this, place](const Call& call) { return answer(call, place); };
    const auto of_host = [this](const Call& call) -> Result<Reply> {
        TRY(check(call.parameters));
        Json asked = call.parameters;
        const Json after = asked.value("after_of", Json::object());
        std::string own_host;
        {
            const std::lock_guard lock(mutex_);
            own_host = described_.is_null() ? "" : described_.value("host", "");
        }
        if (after.is_object() && after.contains(own_host)) asked["after"] = after.at(own_host);
        asked.erase("wait_ms");
        Json told = TRY(ask_own(asked, false));
        return Reply{std::move(told)};
    };
    return {{"Messages", Right::operate, ask}, {"HostMessages", Right::administer, of_host}};
}

}  // namespace belay::daemon
