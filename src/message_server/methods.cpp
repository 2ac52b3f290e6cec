#include "message_server/methods.h"

#include <algorithm>
#include <future>
#include <thread>
#include <unistd.h>

namespace belay::message_server {
namespace {

using framework::messages::Query;
using framework::messages::StoredMessage;
using site::Call;
using site::Reply;
using site::Right;

constexpr size_t most_messages = 10'000;
constexpr size_t messages_by_default = 100;
/// An answer goes in one piece of the wire, which has room for a single message of any size.
constexpr size_t most_answer_bytes = 4 << 20;
constexpr Milliseconds between_searches{100};
constexpr size_t most_put = 10'000;
constexpr std::chrono::seconds longest_wait{20};
constexpr std::chrono::seconds patience_with_disk{30};

Result<std::string> text_in(const Json& parameters, const char* name)
{
    const auto found = parameters.find(name);
    if (found == parameters.end() || found->is_null()) return "";
    if (!found->is_string()) return fail(ErrorKind::usage, fmt::format("\"{}\" is no text", name));
    return found->get<std::string>();
}

Result<std::optional<int64_t>> number_in(const Json& parameters, const char* name)
{
    const auto found = parameters.find(name);
    if (found == parameters.end() || found->is_null()) return std::nullopt;
    const bool fits =
        found->is_number_integer() && (!found->is_number_unsigned() || found->get<uint64_t>() <= INT64_MAX);
    if (!fits) return fail(ErrorKind::usage, fmt::format("\"{}\" is no whole number", name));
    return found->get<int64_t>();
}

Result<std::optional<uint64_t>> count_in(const Json& parameters, const char* name)
{
    const std::optional<int64_t> number = TRY(number_in(parameters, name));
    if (!number) return std::nullopt;
    if (*number < 0) return fail(ErrorKind::usage, fmt::format("\"{}\" is less than nothing", name));
    return static_cast<uint64_t>(*number);
}

Result<Reply> hello(const Services& services, const Call&)
{
    return Reply{{{"version", BELAY_VERSION}, {"pid", getpid()}, {"host", services.keeper.host()}}};
}

Result<Reply> describe(const Services& services, const Call& call)
{
    TRY(services.described(TRY(read_described(call.parameters))));
    return Reply{};
}

/// Answers when they are on the disk. With a position it may be sent again after a lost answer: what is kept
/// is known by Position.
Result<Reply> put(const Services& services, const Call& call)
{
    const auto messages = call.parameters.find("messages");
    if (messages == call.parameters.end() || !messages->is_array() || messages->size() > most_put)
        return fail(ErrorKind::usage, fmt::format("\"messages\" is no list of at most {}", most_put));
    Group group;
    const Message otherwise{.at = wall_now(), .host = services.keeper.host()};
    for (const Json& one : *messages)
        group.messages.push_back(TRY(framework::messages::read_message(one, otherwise)));
    const std::string source = TRY(text_in(call.parameters, "source"));
    const std::string at = TRY(text_in(call.parameters, "at"));
    if (!source.empty()) group.position = Position{.source = source, .at = at};
    const auto kept = std::make_shared<std::promise<void>>();
    std::future<void> answer = kept->get_future();
    group.kept = [kept] { kept->set_value(); };
    services.keeper.put({.name = "belayd", .application = ""}, std::move(group));
    if (answer.wait_for(patience_with_disk) != std::future_status::ready)
        return fail(ErrorKind::timeout, "the messages are not on the disk yet", "belay status");
    return Reply{};
}

Result<Reply> position(const Services& services, const Call& call)
{
    const std::string source = TRY(text_in(call.parameters, "source"));
    const auto store = TRY(services.store.get());
    const std::optional<std::string> at = TRY(store->position(source));
    return Reply{{{"at", at ? Json(*at) : Json()}}};
}

/// As many of them as fit into one answer; of the newest those, of others the first.
Json answer_of(const std::vector<StoredMessage>& found, bool newest)
{
    Json list = Json::array();
    size_t bytes = 0;
    const auto add = [&](const StoredMessage& stored) {
        Json one = stored;
        bytes += json_text(one).size();
        if (!list.empty() && bytes > most_answer_bytes) return false;
        list.push_back(std::move(one));
        return true;
    };
    if (newest) {
        for (auto one = found.rbegin(); one != found.rend() && add(*one); ++one) {
        }
        std::ranges::reverse(list);
    } else {
        for (auto one = found.begin(); one != found.end() && add(*one); ++one) {
        }
    }
    return list;
}

/// `next`: what is asked for as `after` the next time.
struct Found {
    Json messages;
    uint64_t next = 0;
};

Result<Found> search_once(const Services& services, const Query& query)
{
    // What comes meanwhile, and what is left out, is looked for the next time.
    Found answer{.messages = Json::array(), .next = services.store.newest()};
    const auto store = TRY(services.store.get());
    const std::vector<StoredMessage> found = TRY(store->search(query));
    answer.messages = answer_of(found, query.newest);
    size_t bytes = 0;
    for (const StoredMessage& one : found) bytes += bytes_of(one.message);
    const bool is_whole =
        answer.messages.size() == found.size() && found.size() < query.limit && bytes < query.bytes / 2;
    if (found.empty()) return answer;
    answer.next = is_whole || query.newest ? std::max(answer.next, found.back().number)
                                           : answer.messages.back().at("number").get<uint64_t>();
    return answer;
}

/// Whoever waits, waits for one that fits, and asks no more often than others can bear.
Result<Reply> messages(const Services& services, const Call& call)
{
    Query query = TRY(read_query(call.parameters));
    const uint64_t wait_ms = TRY(count_in(call.parameters, "wait_ms")).value_or(0);
    const Milliseconds wait = std::min<Milliseconds>(
        Milliseconds(static_cast<int64_t>(std::min<uint64_t>(wait_ms, 60'000))), longest_wait);
    const auto until = std::chrono::steady_clock::now() + wait;
    while (true) {
        Found found = TRY(search_once(services, query));
        const auto left = std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
        if (!query.after || !found.messages.empty() || left <= between_searches)
            return Reply{{{"messages", std::move(found.messages)}, {"next", found.next}}};
        query.after = std::max(*query.after, found.next);
        const bool goes_on = services.keeper.await_newer(*query.after, left);
        if (goes_on) std::this_thread::sleep_for(between_searches);
        if (!goes_on && std::chrono::steady_clock::now() < until)
            return Reply{{{"messages", Json::array()}, {"next", *query.after}}};
    }
}

Result<Reply> status(const Services& services, const Call&)
{
    Json answer = services.keeper.status();
    answer.update(services.spoken());
    answer["outputs"] = services.outputs();
    answer["journal"] = services.journal();
    const auto store = services.store.get();
    if (!store) return Reply{std::move(answer)};
    const framework::messages::StoreFigures figures = (*store)->figures();
    answer["store"] = {{"messages", figures.messages},
                       {"segments", figures.segments},
                       {"bytes", figures.bytes},
                       {"oldest_ms", figures.oldest ? Json(figures.oldest->count()) : Json()},
                       {"newest", (*store)->newest()}};
    return Reply{std::move(answer)};
}

/// Of what it was told to listen for. Anew whenever there is something new of it, or that stands otherwise.
Result<Reply> heard(const Services& services, const Call&)
{
    const Keeper::Heard heard = services.keeper.heard();
    return Reply{{{"newest", heard.newest}, {"problem", heard.problem ? Json(*heard.problem) : Json()}},
                 heard_topic};
}

Result<Reply> end(const Services& services, const Call&)
{
    services.end();
    return Reply{};
}

}  // namespace

Result<Query> read_query(const Json& parameters)
{
    Query query;
    if (const auto since = TRY(number_in(parameters, "since_ms"))) query.since = Milliseconds(*since);
    if (const auto until = TRY(number_in(parameters, "until_ms"))) query.until = Milliseconds(*until);
    const std::string id = TRY(text_in(parameters, "id")), level = TRY(text_in(parameters, "level"));
    query.ids = TRY(framework::messages::read_event_ids(parameters.value("ids", Json::array())));
    if (!id.empty()) query.ids.push_back(TRY(framework::messages::parse_event_id(id)));
    if (!level.empty()) query.level = TRY(framework::messages::level_named(level));
    query.host = TRY(text_in(parameters, "host"));
    query.application = TRY(text_in(parameters, "application"));
    query.interaction = TRY(text_in(parameters, "interaction"));
    query.text = TRY(text_in(parameters, "text"));
    query.limit = std::clamp<uint64_t>(TRY(count_in(parameters, "limit")).value_or(messages_by_default), 1,
                                       most_messages);
    query.bytes = 2 * most_answer_bytes;
    query.after = TRY(count_in(parameters, "after"));
    const auto newest = parameters.find("newest");
    query.newest = newest == parameters.end() ? !query.after : *newest == true;
    return query;
}

std::vector<site::Method> methods_of(const Services& services)
{
    const auto with = [&services](auto method) {
        return [&services, method](const Call& call) { return method(services, call); };
    };
    return {{"Hello", Right::view, with(hello)},          {"Describe", Right::administer, with(describe)},
            {"Put", Right::administer, with(put)},        {"Position", Right::administer, with(position)},
            {"Messages", Right::operate, with(messages)}, {"Heard", Right::operate, with(heard)},
            {"Status", Right::view, with(status)},        {"End", Right::administer, with(end)}};
}

}  // namespace belay::message_server
