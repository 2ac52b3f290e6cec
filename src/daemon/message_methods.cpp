// What is asked of the messages of this host, and of those of all hosts of a site.

#include "daemon/messages.h"
#include "daemon/parameters.h"

#include <algorithm>

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

/// Of the texts of one answer; JSON in the wire takes about as much.
constexpr size_t most_answer_bytes = 4 << 20;
constexpr uint64_t messages_by_default = 100;

/// Nobody elsewhere gets what is said for the makers of a program. Errors: usage.
Result<std::string> level_for(const std::string& asked, bool may_see_debug)
{
    using framework::messages::Level;
    if (asked.empty()) return std::string(may_see_debug ? "" : name_of(Level::trace));
    const Level level = TRY(framework::messages::level_named(asked));
    return std::string(name_of(may_see_debug ? level : std::min(level, Level::trace)));
}

/// Empty where it is null, or not there.
std::string text_of(const Json& json, const char* field)
{
    const auto found = json.find(field);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t said_at(const Json& message)
{
    const auto found = message.find("at_ms");
    return found != message.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

uint64_t message_number(const Json& message)
{
    return message.at("number").get<uint64_t>();
}

/// Where each host was, as an answer before said it. Errors: usage.
Result<Json> read_after(const Json& parameters)
{
    const auto found = parameters.find("after_of");
    if (found == parameters.end() || found->is_null()) return Json::object();
    if (!found->is_object()) return fail(ErrorKind::usage, "\"after_of\" is no table");
    return *found;
}

/// What a host has answered, which may be of another version. Errors: corrupt.
Result<void> check_answer(const Json& told)
{
    const auto messages = told.find("messages"), next = told.find("next");
    const bool is_sound = messages != told.end() && messages->is_array() &&
                          std::ranges::all_of(*messages,
                                              [](const Json& one) {
                                                  return one.is_object() && one.contains("number") &&
                                                         one.at("number").is_number_unsigned();
                                              }) &&
                          next != told.end() && next->is_number_unsigned();
    if (is_sound) return {};
    return fail(ErrorKind::corrupt, "its answer about its messages makes no sense");
}

bool is_of_newest(const Json& parameters, const Json& after)
{
    const auto newest = parameters.find("newest");
    return newest != parameters.end() && newest->is_boolean() ? newest->get<bool>() : after.empty();
}

/// The answers of several hosts as one that fits into a message of the wire: each has its share.
struct Together {
    size_t share;
    std::vector<Json> messages = {};

    /// Where that host is next.
    Json take_newest(Json& told)
    {
        Json& list = told.at("messages");
        size_t bytes = 0;
        for (size_t at = list.size(); at > 0; --at) {
            bytes += json_text(list[at - 1]).size();
            if (bytes > share && at < list.size()) break;
            messages.push_back(std::move(list[at - 1]));
        }
        return told.at("next");
    }
    /// What does not fit comes the next time.
    Json take_oldest(Json& told)
    {
        size_t bytes = 0;
        Json last;
        for (Json& one : told.at("messages")) {
            bytes += json_text(one).size();
            if (bytes > share && !last.is_null()) return last;
            last = message_number(one);
            messages.push_back(std::move(one));
        }
        return told.at("next");
    }
    /// `newest`: so many; 0: all.
    Json sorted(uint64_t newest)
    {
        // Of one host they stay in the order of their numbers.
        std::ranges::stable_sort(messages, {}, message_number);
        std::ranges::stable_sort(messages, {}, said_at);
        const size_t left_out = newest > 0 && messages.size() > newest ? messages.size() - newest : 0;
        return std::vector<Json>(messages.begin() + static_cast<std::ptrdiff_t>(left_out), messages.end());
    }
};

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
    asked["level"] = TRY(level_for(text_of(parameters, "level"), may_leave));
    asked.erase("after_of");
    asked.erase("host");
    const std::unique_ptr<site::Client> client = TRY(reach(true));
    TRY(describe(*client));
    return client->call("Messages", asked);
}

Result<Json> Messages::search_heard(Json query) const
{
    {
        const std::lock_guard lock(mutex_);
        query["ids"] = described_.is_object() ? described_.value("heard", Json::array()) : Json::array();
    }
    if (query.at("ids").empty()) return fail(ErrorKind::not_found, "no condition names an event");
    const std::unique_ptr<site::Client> client = TRY(reach(false));
    return client->call("Messages", query);
}

/// {"messages", "after_of": {host: number}, "problems": [{host, what}]}: of this host, or of all where it is
/// the controller of a site. `after_of` is handed back to get what came since.
Result<Reply> Messages::answer(const Call& call, Place* place)
{
    TRY(check(call.parameters));
    const std::string host = text_of(call.parameters, "host");
    const Json after = TRY(read_after(call.parameters));
    std::string own_host;
    {
        const std::lock_guard lock(mutex_);
        own_host = text_of(described_, "host");
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
    if (answers.empty())
        return fail(ErrorKind::not_found, fmt::format("there is no host \"{}\" in this site", host),
                    "belay host list");
    Json next = Json::object(), problems = Json::array();
    Together together{.share = most_answer_bytes / answers.size()};
    const bool newest = is_of_newest(call.parameters, after);
    for (auto& [name, told] : answers) {
        const Result<void> sound = told ? check_answer(*told) : Result<void>();
        if (!sound) told = std::unexpected(sound.error());
        if (!told && !is_of_all) return std::unexpected(told.error());
        if (!told) problems.push_back({{"host", name}, {"what", told.error().what}});
        if (!told && after.contains(name)) next[name] = after.at(name);
        if (told) next[name] = newest ? together.take_newest(*told) : together.take_oldest(*told);
    }
    const uint64_t limit =
        Parameters(call.parameters).count("limit", messages_by_default).value_or(messages_by_default);
    return Reply{{{"messages", together.sorted(newest ? limit : 0)},
                  {"after_of", std::move(next)},
                  {"problems", std::move(problems)}}};
}

std::vector<site::Method> Messages::methods(Place* place)
{
    using site::Right;
    const auto ask = [this, place](const Call& call) { return answer(call, place); };
    const auto of_host = [this](const Call& call) -> Result<Reply> {
        TRY(check(call.parameters));
        Json asked = call.parameters;
        const Json after = TRY(read_after(asked));
        std::string own_host;
        {
            const std::lock_guard lock(mutex_);
            own_host = text_of(described_, "host");
        }
        if (after.contains(own_host)) asked["after"] = after.at(own_host);
        asked.erase("wait_ms");
        Json told = TRY(ask_own(asked, false));
        return Reply{std::move(told)};
    };
    return {{"Messages", Right::operate, ask}, {"HostMessages", Right::administer, of_host}};
}

}  // namespace belay::daemon
