#include "daemon/network/conductor.h"

#include "daemon/pairs.h"
#include "daemon/parameters.h"
#include "daemon/solutions.h"
#include "framework/configuration/effective.h"
#include "framework/configuration/host_settings.h"
#include "framework/solution/needs.h"

#include <unistd.h>

namespace belay::daemon {
namespace {

using framework::configuration::Configuration;
using framework::configuration::Id;
using framework::configuration::Object;
using framework::solution::Needs;

constexpr const char* asked_by = "the controller of the site";
constexpr Milliseconds order_patience = std::chrono::seconds(20);
constexpr Milliseconds before_asking_again = std::chrono::seconds(1);

bool has_process(const std::string& phase)
{
    return phase != "stopped" && phase != "standby" && phase != "waiting" && phase != "failed" &&
           phase != "unknown";
}

/// The host that each application is configured for.
std::map<Id, std::string> hosts_of(const Configuration& configuration)
{
    std::map<Id, std::string> hosts;
    for (const Object* const object : configuration.of_type("application")) {
        const Object* const host = configuration.find(object->attributes.value("host", Id{0}));
        if (host != nullptr) hosts[object->id] = host->name;
    }
    return hosts;
}

/// As last known, while its host is away; once that counts as lost nobody knows.
void say_away(Json& line, Milliseconds away, Milliseconds away_since_wall, Milliseconds lost_after)
{
    const bool is_lost = away >= lost_after;
    line["host_away"] = {{"since_ms", away_since_wall.count()}, {"lost", is_lost}, {"was_heard", true}};
    if (!is_lost) {
        line["reason"] = "as last known: its host is away";
        return;
    }
    line["reason"] = fmt::format("was {} when its host was last heard", line.value("phase", ""));
    line["phase"] = "unknown";
}

/// What a host must know of an application elsewhere; null: that is not known here yet, and the host may know
/// from the controller before. Of a pair the one that serves is started.
Json standing_of(const Json& line, const Needs& needs,
                 const std::optional<framework::configuration::Partner>& partner)
{
    const std::string phase = line.value("phase", "");
    const Json away = line.value("host_away", Json::object());
    if (!away.value("was_heard", true) && !away.value("lost", true)) return {};
    const auto pair = line.find("pair");
    const bool serves = !partner || (pair != line.end() && pair->is_object() && pair->value("serves", false));
    return {{"started", phase == "started" && serves},
            {"goes_first", line.value("wanted", "") == "stopped" && has_process(phase)},
            {"needs", needs.of(line.value("id", Id{0}))},
            {"partner", partner ? partner->other : 0}};
}

}  // namespace

void Conductor::presence_changed(const std::string& member)
{
    ground_.loop.post([this, member, alive = std::weak_ptr(there_)] {
        if (alive.expired() || stopped_) return;
        const auto find = [this, member, alive]() -> site::Loop::Callback {
            site::Controller* const controller = options_.controller();
            if (controller == nullptr) return [] {};
            const auto found = controller->registry().find(member);
            const bool attached = controller->hub().presence(member).state == site::Presence::State::attached;
            const auto snapshot = options_.configuration();
            framework::configuration::HostSettings settings;
            if (snapshot && found)
                settings = framework::configuration::settings_of_host(*snapshot->configuration, found->name);
            return [this, alive, found, attached, lost_after = settings.lost_after] {
                if (!alive.expired() && !stopped_ && found)
                    meet(found->name, found->id, attached, lost_after);
            };
        };
        static_cast<void>(ground_.workers.run(find).has_value());
    });
}

void Conductor::meet(const std::string& name, const std::string& member, bool attached,
                     Milliseconds lost_after)
{
    bool is_new = false;
    {
        const std::lock_guard lock(mutex_);
        Host& host = hosts_[name];
        is_new = attached && (!host.attached || host.member != member);
        if (host.attached && !attached) {
            host.away_since = site::boot_now();
            host.away_since_wall = ground_.wall();
        }
        host.member = member;
        host.attached = attached;
        if (is_new) {
            host.after = 0;
            host.told = {};
        }
    }
    if (is_new) follow(name);
    tell_all();
    // Nothing happens at the moment from which on it counts as lost: that has to be told.
    if (!attached) tell_all_in(lost_after);
}

void Conductor::tell_all_in(Milliseconds span)
{
    ground_.loop.at(site::boot_now() + span, [this, alive = std::weak_ptr(there_)] {
        if (!alive.expired() && !stopped_) tell_all();
    });
}

void Conductor::tell_all()
{
    distribute();
    ground_.changed(applications_topic);
}

void Conductor::begin_to_lead()
{
    began_ = site::boot_now();
    own_changed();
    // Those that never come count as lost then, and nothing else happens at that moment.
    const auto find = [this, alive = std::weak_ptr(there_)]() -> site::Loop::Callback {
        const auto snapshot = options_.configuration();
        std::set<Milliseconds> spans;
        for (const auto& [id, host] : hosts_of(snapshot ? *snapshot->configuration : Configuration()))
            spans.insert(
                framework::configuration::settings_of_host(*snapshot->configuration, host).lost_after);
        return [this, alive, spans] {
            if (alive.expired() || stopped_) return;
            for (const Milliseconds span : spans) tell_all_in(span);
        };
    };
    ground_.loop.post([this, find, alive = std::weak_ptr(there_)] {
        if (!alive.expired() && !stopped_) static_cast<void>(ground_.workers.run(find).has_value());
    });
}

void Conductor::follow(const std::string& name)
{
    std::string member;
    Json parameters;
    {
        const std::lock_guard lock(mutex_);
        const Host& host = hosts_[name];
        member = host.member;
        parameters = {{"after", host.after}};
    }
    site::Controller* const controller = options_.controller();
    if (controller == nullptr) return;
    controller->hub().ask(member, "ApplicationsMoved", json_text(parameters), asked_by,
                          [this, name, member, alive = std::weak_ptr(there_)](const Result<Json>& answer) {
                              if (alive.expired()) return;
                              ground_.loop.post([this, name, member, answer, alive] {
                                  if (!alive.expired() && !stopped_) heard(name, member, answer);
                              });
                          });
}

void Conductor::heard(const std::string& name, const std::string& member, const Result<Json>& answer)
{
    {
        const std::lock_guard lock(mutex_);
        Host& host = hosts_[name];
        // Of a stream before the one that it has now, or after its end.
        if (host.member != member || !host.attached) return;
        if (answer) {
            host.was_heard = true;
            host.after = answer->value("moves", uint64_t{0});
            host.lines = answer->value("applications", Json::array());
            host.voting = answer->value("voting", Json::object());
            forget_those_heard(host.lines);
        }
    }
    if (answer) {
        distribute();
        ground_.changed(applications_topic);
        return follow(name);
    }
    // A host of an older version does not know the question.
    if (answer.error().kind == ErrorKind::not_found) return;
    ground_.loop.at(site::boot_now() + before_asking_again, [this, name, alive = std::weak_ptr(there_)] {
        if (!alive.expired() && !stopped_) follow(name);
    });
}

void Conductor::own_changed()
{
    ground_.loop.post([this, alive = std::weak_ptr(there_)] {
        if (!alive.expired() && !stopped_) distribute();
    });
}

void Conductor::distribute()
{
    if (std::exchange(distributing_, true)) {
        again_ = true;
        return;
    }
    const auto work = [this, alive = std::weak_ptr(there_)]() -> site::Loop::Callback {
        std::vector<Message> all = messages();
        return [this, alive, all = std::move(all)] {
            if (alive.expired() || stopped_) return;
            for (const Message& message : all) send(message);
            distributing_ = false;
            if (std::exchange(again_, false)) distribute();
        };
    };
    if (!ground_.workers.run(work)) distributing_ = false;  // the next that moves tries again
}

/// For each host that is to know something else than it was told, and for the one that is always to be told.
/// In a thread of the workers.
std::vector<Conductor::Message> Conductor::messages(const std::string& always)
{
    std::vector<Message> all;
    uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++messages_;
    }
    const auto snapshot = options_.configuration();
    if (!snapshot || began_.load() == Milliseconds{0}) return all;
    const Configuration& configuration = *snapshot->configuration;
    const Needs needs(configuration);
    const std::map<Id, std::string> host_of = hosts_of(configuration);
    const framework::configuration::Pairs pairs(configuration);
    const Electorates::Told voters = electorates(configuration);
    std::map<std::string, Json> elsewhere, secrets;
    const Json every = lines_by(configuration);
    for (const Json& line : every) {
        const Id id = line.value("id", Id{0});
        const auto own = host_of.find(id);
        if (own == host_of.end()) continue;
        const auto tell = [&](Id other) {
            const auto where = host_of.find(other);
            if (where != host_of.end() && where->second != own->second)
                elsewhere[where->second][std::to_string(id)] = standing_of(line, needs, pairs.partner_of(id));
        };
        for (const Id other : needs.needed_by(id)) tell(other);
        for (const Id other : needs.of(id)) tell(other);
        // Who needs one of a pair needs the pair.
        if (const auto partner = pairs.partner_of(id)) {
            tell(partner->other);
            for (const Id other : needs.needed_by(partner->other)) tell(other);
        }
    }
    for (const Object* const object : configuration.of_type("application")) {
        const Object effective = framework::configuration::effective(configuration, pairs, *object);
        const auto sealed = effective.attributes.find("secret_environment");
        const auto host = host_of.find(object->id);
        if (sealed == effective.attributes.end() || host == host_of.end()) continue;
        for (const auto& [name, value] : sealed->items()) {
            const std::string text = value.get<std::string>();
            if (const auto plain = options_.unseal(text)) secrets[host->second][text] = *plain;
        }
    }
    const std::string own_host = ground_.applications.host();
    const auto message_for = [&](const std::string& name, const std::string& member) {
        Message message{.host = name, .member = member, .what = {}, .number = number};
        message.what = {{"applications", elsewhere.contains(name) ? elsewhere[name] : Json::object()},
                        {"secrets", secrets.contains(name) ? secrets[name] : Json::object()}};
        const auto votes = voters.hosts.find(name);
        if (voters.is_whole)
            message.what["pairs"] = votes == voters.hosts.end() ? Json::object() : votes->second;
        return message;
    };
    const std::lock_guard lock(mutex_);
    for (const auto& [name, host] : hosts_) {
        Message message = message_for(name, host.member);
        const bool is_news = host.told != message.what || name == always;
        if (name != own_host && host.attached && is_news) all.push_back(std::move(message));
    }
    if (!own_host.empty()) all.push_back(message_for(own_host, ""));
    return all;
}

/// In a thread of the workers.
Electorates::Told Conductor::electorates(const Configuration& configuration)
{
    std::map<std::string, VotingHost> hosts;
    const std::string own_host = ground_.applications.host();
    const auto note = [&](const std::string& name, const Json& voting, bool attached) {
        hosts[name] = {.key = voting.value("key", Json()),
                       .pairs = voting.value("pairs", Json::array()),
                       .attached = attached};
    };
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, host] : hosts_) note(name, host.voting, host.attached);
    }
    if (!own_host.empty()) note(own_host, ground_.applications.voting(), true);
    Electorates::Told told;
    {
        const std::lock_guard lock(electorates_mutex_);
        told = electorates_.told(options_.store(), configuration, hosts, own_host, site::boot_now());
    }
    if (told.again_after) look_again_after(*told.again_after);
    const std::lock_guard lock(mutex_);
    pair_problems_ = told.problems;
    return told;
}

void Conductor::look_again_after(Milliseconds span)
{
    ground_.loop.post([this, span, alive = std::weak_ptr(there_)] {
        if (alive.expired() || stopped_) return;
        ground_.loop.at(site::boot_now() + span + Milliseconds(1), [this, alive] {
            if (!alive.expired() && !stopped_) distribute();
        });
    });
}

/// Two may overtake each other on their way: the host goes by the later one.
Json Conductor::numbered(const Message& message) const
{
    Json numbered = message.what;
    numbered["term"] = ground_.boot_id + std::to_string(getpid());
    numbered["number"] = message.number;
    return numbered;
}

void Conductor::send(const Message& message)
{
    if (message.member.empty()) return ground_.applications.tell(numbered(message));
    {
        const std::lock_guard lock(mutex_);
        hosts_[message.host].told = message.what;
    }
    site::Controller* const controller = options_.controller();
    if (controller == nullptr) return;
    controller->hub().ask(
        message.member, "ApplicationsElsewhere", json_text(numbered(message)), asked_by,
        [this, name = message.host, alive = std::weak_ptr(there_)](const Result<Json>& answer) {
            if (answer || alive.expired()) return;
            // It is told again with the next that moves.
            const std::lock_guard lock(mutex_);
            hosts_[name].told = {};
        });
}

// --- what is asked ---

/// Before an order: what is known now may be newer than what the host was told, and what it was told may be
/// on its way still, where the order could overtake it. In a thread of its own.
void Conductor::tell_now(const std::string& host)
{
    const std::vector<Message> all = messages(host);
    const auto message = std::ranges::find(all, host, &Message::host);
    if (message == all.end()) return;
    if (message->member.empty()) return ground_.applications.tell(numbered(*message));
    site::Controller* const controller = options_.controller();
    if (controller == nullptr) return;
    const Result<Json> told = controller->hub().ask(message->member, "ApplicationsElsewhere",
                                                    numbered(*message), asked_by, order_patience);
    const std::lock_guard lock(mutex_);
    hosts_[host].told = told ? message->what : Json();
}

/// With the mutex.
void Conductor::forget_those_heard(const Json& lines)
{
    for (const Json& line : lines) {
        if (line.value("wanted", "") == "stopped") to_stop_.erase(line.value("id", Id{0}));
    }
}

Json Conductor::lines() const
{
    const auto snapshot = options_.configuration();
    return lines_by(snapshot ? *snapshot->configuration : Configuration());
}

Json Conductor::lines_by(const Configuration& configuration) const
{
    const std::string own_host = ground_.applications.host();
    Json all = ground_.applications.lines();
    const auto lost_after = [&](const std::string& name) {
        return framework::configuration::settings_of_host(configuration, name).lost_after;
    };
    const Milliseconds now = site::boot_now();
    const std::lock_guard lock(mutex_);
    for (Json& line : all) {
        if (to_stop_.contains(line.value("id", Id{0}))) line["wanted"] = "stopped";
    }
    for (const auto& [name, host] : hosts_) {
        if (name == own_host) continue;
        for (const Json& line : host.lines) {
            all.push_back(line);
            if (to_stop_.contains(line.value("id", Id{0}))) all.back()["wanted"] = "stopped";
            // What was last heard; the loss of the link is not that of the application.
            if (!host.attached)
                say_away(all.back(), now - host.away_since, host.away_since_wall, lost_after(name));
        }
    }
    if (began_.load() == Milliseconds{0}) return all;
    for (const auto& [id, name] : hosts_of(configuration)) {
        const Object& application = *configuration.find(id);
        const auto host = hosts_.find(name);
        const bool is_heard = name == own_host || (host != hosts_.end() && host->second.was_heard);
        if (!is_heard && !application.disabled)
            all.push_back(line_of_unheard(application, name, lost_after(name)));
    }
    return all;
}

/// Of one whose host this controller has not heard since it leads: nothing is known, which is not the same as
/// lost. With the mutex.
Json Conductor::line_of_unheard(const Object& application, const std::string& host,
                                Milliseconds lost_after) const
{
    const Milliseconds awaited = site::boot_now() - began_.load();
    return {{"id", application.id},
            {"name", application.name},
            {"host", host},
            {"phase", "unknown"},
            {"reason", "its host has not been heard since this controller leads"},
            {"host_away",
             {{"since_ms", (ground_.wall() - awaited).count()},
              {"lost", awaited >= lost_after},
              {"was_heard", false}}},
            {"command", application.value("command")}};
}

/// Of the host that the application is configured for.
Result<Json> Conductor::ask_host(const std::string& name, const std::string& method, const site::Call& call)
{
    const auto snapshot = TRY(options_.configuration());
    const Object* const application = snapshot.configuration->find("application", name);
    const Object* const host =
        application == nullptr ? nullptr
                               : snapshot.configuration->find(application->attributes.value("host", Id{0}));
    if (host == nullptr)
        return fail(ErrorKind::not_found, fmt::format("there is no application \"{}\" in this site", name),
                    "belay app list");
    if (method == "ApplicationOrder") {
        tell_now(host->name);
        const std::lock_guard lock(mutex_);
        if (call.parameters.value("want", "") == "stopped")
            to_stop_.insert(application->id);
        else
            to_stop_.erase(application->id);
    }
    if (host->name == ground_.applications.host()) {
        const ApplicationsEverywhere here = ground_.applications.everywhere();
        return method == "ApplicationOrder" ? here.order(call) : here.hand(call);
    }
    site::Controller* const controller = options_.controller();
    if (controller == nullptr) return fail(ErrorKind::unavailable, "this controller does not serve yet");
    const auto member = controller->registry().find(host->name);
    if (!member)
        return fail(ErrorKind::unavailable,
                    fmt::format("the host {} of \"{}\" is no host of this site yet", host->name, name),
                    fmt::format("belay host invite --name {}", host->name));
    return controller->hub().ask(member->id, method, call.parameters, call.caller.user, order_patience);
}

/// Its line, with what it uses where its host can be asked.
Result<Json> Conductor::show(const site::Call& call)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("application"));
    TRY(parameters.no_other());
    const Json all = lines();
    const auto line =
        std::ranges::find_if(all, [&](const Json& one) { return one.value("name", "") == name; });
    if (line == all.end())
        return fail(ErrorKind::not_found, fmt::format("there is no application \"{}\" in this site", name),
                    "belay app list");
    Json shown = *line;
    const std::string host = line->value("host", "");
    Result<Json> answer = fail(ErrorKind::unavailable, "its host is away");
    if (host == ground_.applications.host()) {
        answer = ground_.applications.show(call);
    } else {
        std::string member;
        {
            const std::lock_guard lock(mutex_);
            const auto found = hosts_.find(host);
            if (found != hosts_.end() && found->second.attached) member = found->second.member;
        }
        site::Controller* const controller = options_.controller();
        if (!member.empty() && controller != nullptr)
            answer = controller->hub().ask(member, "ApplicationShow", call.parameters, call.caller.user,
                                           order_patience);
    }
    shown["use"] = answer ? answer->value("use", Json()) : Json();
    return shown;
}

ApplicationsEverywhere Conductor::everywhere()
{
    return {.configuration = [this]() -> std::shared_ptr<const Configuration> {
                const auto snapshot = options_.configuration();
                return snapshot ? snapshot->configuration : nullptr;
            },
            .lines = [this] { return lines(); },
            .order =
                [this](const site::Call& call) {
                    return ask_host(call.parameters.value("application", ""), "ApplicationOrder", call);
                },
            .hand =
                [this](const site::Call& call) {
                    return ask_host(call.parameters.value("application", ""), "ApplicationHand", call);
                },
            .pair_problems =
                [this] {
                    const std::lock_guard lock(mutex_);
                    return pair_problems_;
                }};
}

std::vector<site::Method> Conductor::methods()
{
    using site::Reply;
    using site::Right;
    const auto list = [this](const site::Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        TRY(parameters.no_other());
        return Reply{Json{{"applications", lines()}}, applications_topic};
    };
    const auto ask = [this](const site::Call& call) -> Result<Reply> {
        Json answer = TRY(ask_host(call.parameters.value("application", ""), "ApplicationOrder", call));
        return Reply{std::move(answer)};
    };
    const auto show_one = [this](const site::Call& call) -> Result<Reply> {
        Json answer = TRY(show(call));
        return Reply{std::move(answer)};
    };
    std::vector<site::Method> all = solution_methods(everywhere());
    all.push_back({"ApplicationShow", Right::view, show_one});
    std::ranges::move(pair_methods(everywhere()), std::back_inserter(all));
    all.push_back({"Applications", Right::view, list});
    all.push_back({"ApplicationOrder", Right::operate, ask});
    return all;
}

}  // namespace belay::daemon
