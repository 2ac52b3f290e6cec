#include "daemon/standing_events.h"

#include "daemon/json_fields.h"
#include "framework/configuration/effective.h"

#include <algorithm>
#include <charconv>

namespace belay::daemon {
namespace {

namespace events = framework::alarms::events;
using framework::configuration::Configuration;
using framework::configuration::Object;
using framework::messages::Message;

Milliseconds time_in(const Json& json, const char* field, Milliseconds otherwise)
{
    const auto found = json.find(field);
    return found != json.end() && found->is_number_integer() ? Milliseconds(found->get<int64_t>())
                                                             : otherwise;
}

/// The end of "2027-01-31", UTC.
std::optional<Milliseconds> end_of_day(const std::string& day)
{
    constexpr size_t length = 10;
    if (day.size() != length) return std::nullopt;
    const auto number = [&](size_t at, size_t digits) {
        int value = 0;
        std::from_chars(day.data() + at, day.data() + at + digits, value);
        return value;
    };
    const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                           std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                           std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::duration_cast<Milliseconds>(
        (std::chrono::sys_days(date) + std::chrono::days(1)).time_since_epoch());
}

Milliseconds lost_after_of(const Configuration& configuration, const std::string& host)
{
    const Object* const object = configuration.find("host", host);
    return object != nullptr ? Milliseconds(object->value("lost_after").get<int64_t>())
                             : std::chrono::seconds(30);
}

/// Whether somebody has asked for it since, or shortly before it came to stand so.
bool was_asked_for(const Json& line)
{
    const auto asked = line.find("asked");
    if (asked == line.end() || !asked->is_object()) return false;
    const Milliseconds since = time_in(line, "since_ms", Milliseconds{0});
    return time_in(*asked, "at_ms", Milliseconds{0}) >= since - StandingEvents::asked_before;
}

bool is_wanted(const Json& line)
{
    return text_in(line, "wanted") == "running";
}

}  // namespace

void StandingEvents::due(Milliseconds at, Milliseconds now)
{
    if (at > now) next_ = std::min(next_.value_or(at), at);
}

/// Once for each change: it begins to hold, holds with other words, or ends; and while it holds once a day.
void StandingEvents::say(const std::string& what, bool holds, EventId begins, EventId ends, Message message)
{
    const auto told = told_.find(what);
    const std::string text = holds ? message.text : std::string();
    const bool is_as_told = told != told_.end() && told->second.text == text;
    if (is_as_told && holds) due(told->second.at + told_again_after, now_);
    if (is_as_told && (!holds || now_ - told->second.at < told_again_after)) return;
    message.id = holds ? begins : ends;
    message.level = holds ? framework::messages::Level::alarm : framework::messages::Level::standard;
    told_[what] = {.text = text, .at = now_};
    if (holds) due(now_ + told_again_after, now_);
    messages_.push_back(std::move(message));
}

void StandingEvents::look_at_hosts(const Look& look, Milliseconds now)
{
    for (const Json& host : look.hosts) {
        const std::string name = text_in(host, "name");
        const Json presence = host.value("presence", Json::object());
        const std::string state = text_in(presence, "state");
        Milliseconds since = time_in(presence, "since_ms", now);
        if (state == "never") since = first_seen_.try_emplace(name, now).first->second;
        const std::string why = text_in(presence, "why");
        const Milliseconds lost_after = lost_after_of(*look.configuration, name);
        const bool is_away = state == "gone" || state == "never";
        const bool is_lost = is_away && now - since >= lost_after;
        if (is_away && !is_lost) due(since + lost_after, now);
        const auto tell = [&](const char* about, bool holds, EventId begins, EventId ends, std::string text) {
            say(fmt::format("{} {}", about, name), holds, begins, ends,
                {.at = since, .host = name, .text = std::move(text)});
        };
        tell("connection", state == "gone" || state == "silent", events::connection_lost,
             events::connection_made,
             state == "attached"
                 ? fmt::format("the connection to {} is there", name)
                 : fmt::format("the connection to {} is {}{}{}", name, state, why.empty() ? "" : ": ", why));
        tell("access", state == "silent", events::host_inaccessible, events::host_accessible,
             fmt::format("{} is connected and {}", name, state == "silent" ? "does not answer" : "answers"));
        tell("availability", state == "gone" && is_lost, events::host_unavailable, events::host_available,
             state == "attached" ? fmt::format("{} is there", name)
                                 : fmt::format("{} is away for longer than {}", name, to_text(lost_after)));
        tell("reach", state == "never" && is_lost, events::host_unreachable, events::host_reachable,
             state == "attached" ? fmt::format("{} is reached", name)
                                 : fmt::format("{} has not come for {}", name, to_text(lost_after)));
    }
}

void StandingEvents::look_at_applications(const Look& look, Milliseconds now)
{
    for (const Json& line : look.applications) {
        const std::string name = text_in(line, "name"), phase = text_in(line, "phase");
        const bool is_well = phase == "started" || phase == "suspended";
        if (!is_well && phase != "failed") continue;
        const std::string reason = text_in(line, "reason");
        say("application " + name, phase == "failed", events::application_failed, events::application_well,
            {.at = time_in(line, "since_ms", now),
             .host = text_in(line, "host"),
             .application = name,
             .text = phase == "failed"
                         ? fmt::format("{} has failed{}{}", name, reason.empty() ? "" : ": ", reason)
                         : fmt::format("{} is {}", name, phase)});
    }
}

void StandingEvents::look_at_licences(const Look& look, Milliseconds now)
{
    for (const Object* application : look.configuration->of_type("application")) {
        const auto needs = application->attributes.find("prerequisites");
        if (needs == application->attributes.end() || application->disabled) continue;
        const Object* const host =
            look.configuration->find(application->attributes.value("host", framework::configuration::Id{0}));
        for (const Json& need : *needs) {
            const auto ends = end_of_day(text_in(need, "valid_until"));
            if (!ends) continue;
            due(*ends - licence_notice, now);
            due(*ends, now);
            const std::string path = text_in(need, "path");
            const bool is_over = *ends <= now;
            const bool is_near = *ends - licence_notice <= now;
            say(fmt::format("licence {} {}", application->name, path), is_near, events::licence_ends,
                events::licence_valid,
                {.at = is_over   ? *ends
                       : is_near ? *ends - licence_notice
                                 : now,
                 .host = host == nullptr ? "" : host->name,
                 .application = application->name,
                 .text = fmt::format("{} of {} {} {}", path, application->name,
                                     is_over ? "has ended after" : "is valid until",
                                     text_in(need, "valid_until"))});
        }
    }
}

/// Of one that nobody speaks for: its supervisor begins, its host connects anew, or has gone.
bool StandingEvents::is_unheard_for_long(const Json& member, const Look& look, Milliseconds now)
{
    const Milliseconds since = unheard_since_.try_emplace(text_in(member, "name"), now).first->second;
    const Milliseconds longest = lost_after_of(*look.configuration, text_in(member, "host"));
    due(since + longest, now);
    return now - since >= longest;
}

void StandingEvents::look_at_solutions(const Look& look, Milliseconds now)
{
    for (const Json& solution : look.solutions) {
        const std::string name = text_in(solution, "name"), stands = text_in(solution, "stands");
        const bool serves = stands == "started" || stands == "degraded";
        std::vector<std::string> broken, moved;
        for (const Json& member : solution.value("applications", Json::array())) {
            const std::string application = text_in(member, "name"), phase = text_in(member, "phase");
            const bool is_unheard = phase == "unknown" && !is_unheard_for_long(member, look, now);
            const bool is_down = phase == "failed" || phase == "unknown" || phase == "unavailable";
            if (member.value("mandatory", true) && is_down && !is_unheard && is_wanted(member))
                broken.push_back(application);
            const auto before = phases_.find(application);
            const bool has_fallen =
                before != phases_.end() && before->second == "started" && phase != "started" && !is_unheard;
            if (has_fallen && is_wanted(member) && !was_asked_for(member))
                moved.push_back(fmt::format("{} is {}", application, phase));
        }
        const Message about{.at = now, .text = fmt::format("the solution {} is {}", name, stands)};
        Message unavailable = about;
        unavailable.application = name;
        if (!broken.empty()) unavailable.text += fmt::format(": {}", fmt::join(broken, ", "));
        // What is only on its way, or was stopped, is no failure.
        if (serves || !broken.empty())
            say("service " + name, !serves && !broken.empty(), events::service_unavailable,
                events::service_available, std::move(unavailable));
        Message change = about;
        change.application = name;
        if (!moved.empty()) change.text = fmt::format("nobody asked for it: {}", fmt::join(moved, ", "));
        const auto told = told_.find("change " + name);
        const bool was_told = told != told_.end() && !told->second.text.empty();
        if (!moved.empty() || (was_told && stands == "started"))
            say("change " + name, !moved.empty(), events::solution_moved, events::solution_settled,
                std::move(change));
    }
}

void StandingEvents::look_at_message_stores(const Look& look, Milliseconds now)
{
    for (const auto& [host, problem] : look.keeping.items()) {
        const bool is_lost = problem.is_string();
        say("messages " + host, is_lost, events::message_store_lost, events::message_store_back,
            {.at = now,
             .host = host,
             .text = is_lost ? fmt::format("{} keeps no messages: {}", host, problem.get<std::string>())
                             : fmt::format("{} keeps messages", host)});
    }
}

std::vector<Message> StandingEvents::take(const Look& look, Milliseconds now)
{
    messages_.clear();
    next_.reset();
    now_ = now;
    if (look.configuration) {
        look_at_hosts(look, now);
        look_at_applications(look, now);
        look_at_licences(look, now);
        look_at_solutions(look, now);
        look_at_message_stores(look, now);
    }
    std::map<std::string, std::string> before;
    phases_.swap(before);
    for (const Json& line : look.applications) {
        const std::string name = text_in(line, "name"), phase = text_in(line, "phase");
        phases_[name] = phase == "unknown" ? before[name] : phase;
        if (phase != "unknown") unheard_since_.erase(name);
    }
    return std::exchange(messages_, {});
}

}  // namespace belay::daemon
