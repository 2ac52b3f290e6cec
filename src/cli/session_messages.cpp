// The command about messages.

#include "cli/fields.h"
#include "cli/message_language.h"
#include "cli/message_text.h"
#include "cli/session.h"

#include <thread>

namespace belay::cli {
namespace {

constexpr uint64_t messages_by_default = 100;
constexpr uint64_t followed_before = 10;
constexpr uint64_t followed_at_once = 1000;
constexpr Milliseconds wait_for_more = std::chrono::seconds(5);
/// Of a site, whose hosts are asked, and not waited for.
constexpr Milliseconds between_questions = std::chrono::seconds(1);
constexpr unsigned most_failures = 30;

Milliseconds moment(const Milliseconds& at, bool is_ago)
{
    const auto now =
        std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    return is_ago ? now - at : at;
}

Json filter_of(const Invocation& asked)
{
    Json filter = Json::object();
    for (const auto& [name, value] : {std::pair{"level", &asked.level},
                                      {"application", &asked.application},
                                      {"host", &asked.host},
                                      {"id", &asked.id},
                                      {"interaction", &asked.interaction},
                                      {"text", &asked.text}}) {
        if (!value->empty()) filter[name] = *value;
    }
    if (asked.since)
        filter["since_ms"] = std::max<int64_t>(0, moment(*asked.since, asked.since_is_ago).count());
    if (asked.until)
        filter["until_ms"] = std::max<int64_t>(0, moment(*asked.until, asked.until_is_ago).count());
    return filter;
}

}  // namespace

Result<int> Session::messages()
{
    Json filter = filter_of(asked_);
    filter["limit"] = asked_.limit.value_or(asked_.follow ? followed_before : messages_by_default);
    Json answer = TRY(client_.call("Messages", filter));
    bool several = object_of(answer, "after_of").size() > 1;
    // A program is told what was said, unless it asks for a language.
    const bool may_differ = !asked_.json || !asked_.language.empty();
    const std::string language = asked_.language.empty() ? language_of_environment() : asked_.language;
    framework::messages::ReadCatalogue texts;
    if (may_differ && !language.empty()) texts = catalogue_of_machine();
    const auto say_them = [&] {
        std::vector<Json> list = list_of(answer, "messages");
        put_in_language(list, texts.catalogue, language);
        if (asked_.json) answer["messages"] = list;
        if (asked_.follow && list.empty() && list_of(answer, "problems").empty()) return;
        std::string text = messages_text(style_, list, several);
        if (list.empty() && !asked_.follow) text = "there is no such message\n";
        say(answer, text);
    };
    const auto complain = [&] {
        if (asked_.json) return;
        for (const Json& problem : list_of(answer, "problems"))
            console_.err(fmt::format("belay: {}: {}\n", text_of(style_, problem, "host"),
                                     text_of(style_, problem, "what")));
    };
    say_them();
    complain();
    if (!asked_.follow) return 0;
    filter["limit"] = followed_at_once;
    filter["newest"] = false;
    filter["wait_ms"] = wait_for_more.count();
    const Json problems = answer.value("problems", Json::array());
    unsigned failures = 0;
    while (true) {
        filter["after_of"] = object_of(answer, "after_of");
        Result<Json> next = client_.call("Messages", filter);
        // One that is started anew is there in a moment, and what was asked for is asked again.
        const bool may_come_back =
            !next && (next.error().kind == ErrorKind::unavailable || next.error().kind == ErrorKind::busy);
        if (may_come_back && ++failures <= most_failures) {
            std::this_thread::sleep_for(between_questions);
            continue;
        }
        answer = TRY(std::move(next));
        failures = 0;
        // Who was not there is said once.
        if (answer.value("problems", Json::array()) == problems) answer["problems"] = Json::array();
        several = several || object_of(answer, "after_of").size() > 1;
        say_them();
        if (several && list_of(answer, "messages").empty()) std::this_thread::sleep_for(between_questions);
    }
}

}  // namespace belay::cli
