#include "daemon/network/conductor.h"

#include "daemon/pairs.h"
#include "daemon/parameters.h"
#include "daemon/solutions.h"
#include "framework/configuration/effective.h"
#include "framework/solution/needs.h"

#include <unistd.h>

namespace belay::daemon {
namespace {

using framework::configuration::Configuration;
using framework::configuration::Id;
using framework::configuration::Object;
using framework::solution::Needs;

constexpr const char* asker = "the controller of the site";
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

/// What a host must know of an application elsewhere. Of a pair the one that serves is started.
Json standing_of(const Json& line, const Needs& needs,
                 const std::optional<framework::configuration::Partner>& partner)
{
    const std::string phase = line.value("phase", "");
    const bool serves = !partner || line.value("role", Json()) == "primary";
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
            return [this, alive, found, attached] {
                if (!alive.expired() && !stopped_ && found) meet(found->name, found->id, attached);
            };
        };
        static_cast<void>(ground_.workers.run(find).has_value());
    });
}

void Conductor::meet(const std::string& name, const std::string& member, bool attached)
{
    bool is_new = false;
    {
        const std::lock_guard lock(mutex_);
        Host& host = hosts_[name];
        is_new = attached && (!host.attached || host.member != member);
        host.member = member;
        host.attached = attached;
        if (is_new) {
            host.after = 0;
            host.told = {};
        }
    }
    if (is_new) follow(name);
    distribute();
    ground_.changed(applications_topic);
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
    controller->hub().ask(member, "ApplicationsMoved", json_text(parameters), asker,
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

/// For each host that is to know something else than it was told. In a thread of the workers.
std::vector<Conductor::Message> Conductor::messages()
{
    std::vector<Message> all;
    uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++messages_;
    }
    const auto snapshot = options_.configuration();
    if (!snapshot) return all;
    const Configuration& configuration = *snapshot->configuration;
    const Needs needs(configuration);
    const std::map<Id, std::string> host_of = hosts_of(configuration);
    const framework::configuration::Pairs pairs(configuration);
    const Electorates::Told voters = electorates(configuration);
    std::map<std::string, Json> elsewhere, secrets;
    const Json every = lines();
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
        message.what["pairs"] = votes == voters.hosts.end() ? Json::object() : votes->second;
        return message;
    };
    const std::lock_guard lock(mutex_);
    for (const auto& [name, host] : hosts_) {
        Message message = message_for(name, host.member);
        if (name != own_host && host.attached && host.told != message.what) all.push_back(std::move(message));
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
        message.member, "ApplicationsElsewhere", json_text(numbered(message)), asker,
        [this, name = message.host, alive = std::weak_ptr(there_)](const Result<Json>& answer) {
            if (answer || alive.expired()) return;
            // It is told again with the next that moves.
            const std::lock_guard lock(mutex_);
            hosts_[name].told = {};
        });
}

// --- what is asked ---

/// Before an order: what is known now may be newer than what the host was told. In a thread of its own.
void Conductor::tell_now(const std::string& host)
{
    const std::vector<Message> all = messages();
    const auto message = std::ranges::find(all, host, &Message::host);
    if (message == all.end()) return;
    if (message->member.empty()) return ground_.applications.tell(numbered(*message));
    site::Controller* const controller = options_.controller();
    if (controller == nullptr) return;
    const Result<Json> told = controller->hub().ask(message->member, "ApplicationsElsewhere",
                                                    numbered(*message), asker, order_patience);
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
    const std::string own_host = ground_.applications.host();
    Json all = ground_.applications.lines();
    const std::lock_guard lock(mutex_);
    for (Json& line : all) {
        if (to_stop_.contains(line.value("id", Id{0}))) line["wanted"] = "stopped";
    }
    for (const auto& [name, host] : hosts_) {
        if (name == own_host) continue;
        for (const Json& line : host.lines) {
            all.push_back(line);
            if (to_stop_.contains(line.value("id", Id{0}))) all.back()["wanted"] = "stopped";
            if (host.attached) continue;
            // What was last heard; the loss of the link is not that of the application.
            all.back()["reason"] =
                fmt::format("was {} when its host was last heard", line.value("phase", ""));
            all.back()["phase"] = "unknown";
        }
    }
    return all;
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
    std::vector<site::Method> all = solution_methods(everywhere());
    std::ranges::move(pair_methods(everywhere()), std::back_inserter(all));
    all.push_back({"Applications", Right::view, list});
    all.push_back({"ApplicationOrder", Right::operate, ask});
    return all;
}

}  // namespace belay::daemon
