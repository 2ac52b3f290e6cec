// What is said, and how it gets to the message server. What is asked of it: message_methods.cpp.

#include "daemon/messages.h"

#include "daemon/json_fields.h"
#include "framework/alarms/predefined.h"
#include "framework/configuration/effective.h"
#include "framework/messages/outputs/output.h"
#include "host/application/process_handle.h"
#include "operation/state.h"
#include "site/local_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::daemon {
namespace {

namespace own = framework::messages::own;
using framework::messages::Message;
using framework::messages::OwnEvent;

constexpr Milliseconds first_pause = std::chrono::seconds(1);
constexpr Milliseconds longest_pause = std::chrono::minutes(1);
/// A server that is not reached for so long and as long again is a trouble.
constexpr Milliseconds lasting_pause = std::chrono::seconds(4);
constexpr size_t most_in_batch = 500;
constexpr const char* own_source = "belayd";

/// 0, where it is null, or not there.
int64_t number_in(const Json& json, const char* field)
{
    const auto found = json.find(field);
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

/// As the supervisor calls it.
std::string output_of(const std::string& folder, const std::string& name, int64_t id)
{
    std::string file = name;
    std::ranges::replace(file, '/', '_');
    return fmt::format("{}/{}.{}.log", folder, file, id);
}

/// As the configuration says it of this host; what it does not say is left out.
Json keeping_of(const framework::configuration::Object* host)
{
    Json keeping = Json::object();
    const Json said = host == nullptr ? Json() : host->value("messages");
    if (!said.is_object()) return keeping;
    for (const auto& [name, value] : said.items()) {
        if (name != "syslog") keeping[name == "size" ? "bytes" : name] = value;
    }
    return keeping;
}

/// One piece of work has the same name on all hosts that have a part in it.
std::string interaction_of(const operation::Operation& operation)
{
    if (operation.part)
        return fmt::format("operation {} of {}", operation.part->operation, operation.part->site);
    for (const operation::Step& step : operation.plan.steps) {
        const std::string site = step.arguments.contains("rollout") ? text_in(step.arguments, "site") : "";
        if (!site.empty()) return fmt::format("operation {} of {}", operation.id, site);
    }
    return "operation " + operation.id;
}

/// Whose syslog is taken in on this host.
std::string syslog_of(const framework::configuration::Object* host)
{
    const Json said = host == nullptr ? Json() : host->value("messages");
    return said.is_object() ? said.value("syslog", "applications") : "applications";
}

}  // namespace

Messages::Messages(site::Loop& loop, site::Workers& workers, Options options)
    : loop_(loop),
      workers_(workers),
      options_(std::move(options)),
      started_(options_.wall()),
      instance_(fmt::format("{}.{}", getpid(), host::start_of(getpid()).value_or(0)))
{
    note(own::daemon_started, {{"version", BELAY_VERSION}});
}

Messages::~Messages() = default;

void Messages::say(const OwnEvent& event, Attributes attributes)
{
    add(event, std::move(attributes), true);
}

void Messages::note(const OwnEvent& event, Attributes attributes)
{
    add(event, std::move(attributes), false);
}

void Messages::add(const OwnEvent& event, Attributes attributes, bool is_due)
{
    if (!options_.is_there) return;
    Message message = own_message(event, std::move(attributes), options_.wall());
    {
        const std::lock_guard lock(mutex_);
        if (outbox_.size() >= most_waiting)
            ++dropped_;
        else
            outbox_.push_back(std::move(message));
        is_due_ = is_due_ || is_due;
    }
    if (is_due) wake();
}

void Messages::wake()
{
    loop_.post([this, there = std::weak_ptr(there_)] {
        if (!there.expired()) take_up();
    });
}

/// In the loop's thread: begins to deliver, unless somebody does, or it was tried a moment ago.
void Messages::take_up()
{
    {
        const std::lock_guard lock(mutex_);
        if (is_running_ || retry_ || !is_due_) return;
        is_running_ = true;
        is_due_ = false;
    }
    const auto begun = workers_.run([this]() -> site::Loop::Callback {
        look_at_operations();
        const Result<void> delivered = deliver();
        return [this, delivered] {
            bool is_news = false, again = false;
            {
                const std::lock_guard lock(mutex_);
                is_running_ = false;
                is_news = !delivered && pause_ == Milliseconds(0);
                // One that is just being started, or ends with this machine, is nothing to be woken for.
                const bool is_lasting = !delivered && pause_ >= lasting_pause;
                if (is_lasting)
                    not_reached_ = fmt::format("belay-messages is not reached: {}", delivered.error().what);
                if (delivered) not_reached_.reset();
                pause_ = delivered ? Milliseconds(0) : std::clamp(pause_ * 2, first_pause, longest_pause);
                again = delivered && is_due_;
                is_due_ = is_due_ || !delivered;
                if (!delivered && !stopping_) {
                    retry_ = loop_.at(site::boot_now() + pause_, [this] {
                        retry_.reset();
                        take_up();
                    });
                }
            }
            if (is_news)
                options_.said(fmt::format("belay-messages is not reached: {}", delivered.error().what));
            if (delivered) watch_server();
            tell_how_it_stands();
            if (again) take_up();
        };
    });
    if (begun) return;
    const std::lock_guard lock(mutex_);
    is_running_ = false;
    is_due_ = true;
}

/// Where there are applications somebody has to be there for them. One that systemd has started is started
/// again by systemd.
void Messages::watch_server()
{
    {
        const std::lock_guard lock(mutex_);
        if (!has_something_ || stopping_ || options_.start || server_watch_ != 0) return;
    }
    Result<host::Descriptor> connection = site::connect_to(options_.server.socket);
    if (!connection) return;
    server_ = std::move(*connection);
    answers_ = {};
    const std::string question = site::request_message({.method = "Heard", .more = true});
    // A connection that was just made has room for it.
    static_cast<void>(send(server_.number(), question.data(), question.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    server_watch_ =
        loop_.watch(server_.number(), EPOLLIN | EPOLLRDHUP, [this](uint32_t) { hear_server(); }).value_or(0);
}

/// In the loop's thread: takes what there is of its answers.
void Messages::hear_server()
{
    std::array<char, 4096> bytes{};
    const ssize_t count = recv(server_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0 || !answers_.feed({bytes.data(), static_cast<size_t>(count)})) return server_ended();
    while (const std::optional<std::string> text = answers_.take()) {
        const Result<site::Answer> answer = site::parse_answer(*text);
        if (!answer) continue;
        const std::string problem = text_in(answer->parameters, "problem");
        server_problem_ = problem.empty() ? std::nullopt : std::optional(problem);
        tell_how_it_stands();
    }
}

void Messages::tell_how_it_stands()
{
    options_.heard(not_reached_ ? not_reached_ : server_problem_);
}

void Messages::server_ended()
{
    loop_.forget(std::exchange(server_watch_, 0));
    server_.close();
    server_problem_.reset();
    const std::lock_guard lock(mutex_);
    is_described_ = false;
    is_due_ = true;
    if (retry_ || stopping_) return;
    retry_ = loop_.at(site::boot_now() + first_pause, [this] {
        retry_.reset();
        take_up();
    });
}

void Messages::stop()
{
    if (!options_.is_there) return;
    note(own::daemon_ended, {});
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        is_due_ = true;
        if (retry_) loop_.cancel(*std::exchange(retry_, std::nullopt));
    }
    loop_.forget(std::exchange(server_watch_, 0));
    server_.close();
    take_up();
}

Result<std::unique_ptr<site::Client>> Messages::reach(bool may_start) const
{
    site::ConnectOptions there = options_.server;
    if (!may_start) there.daemon.clear();
    Result<std::unique_ptr<site::Client>> client = site::connect(there);
    if (client || !options_.start || !may_start) return client;
    TRY(options_.start());
    return site::connect(there);
}

Result<void> Messages::deliver()
{
    bool may_start = false, is_ending = false;
    {
        const std::lock_guard lock(mutex_);
        is_ending = stopping_;
        // Nobody need know of it before somebody is there who may speak.
        const bool has_news = !outbox_.empty() || under_way_ || (has_something_ && !is_described_);
        if (!has_news && is_described_) return {};
        may_start = has_news && !is_ending;
    }
    const auto client = reach(may_start);
    // At the end, or where there is nobody to tell, the one that is not there misses nothing.
    if (!client && !may_start) return {};
    if (!client) return std::unexpected(client.error());
    TRY(describe(**client));
    return put(**client);
}

Result<void> Messages::describe(site::Client& client)
{
    Json described;
    {
        const std::lock_guard lock(mutex_);
        // Each time: it may be another server than the one that was told. Before the configuration is known
        // the server goes on with what it was told last: what it would not follow meanwhile would be lost.
        described = described_.is_null() ? Json::object() : described_;
        is_described_ = true;
    }
    described["pid"] = static_cast<uint64_t>(getpid());
    const Result<Json> told = client.call("Describe", described);
    if (told) return {};
    const std::lock_guard lock(mutex_);
    is_described_ = false;
    return std::unexpected(told.error());
}

Result<void> Messages::put(site::Client& client)
{
    while (true) {
        Batch batch;
        bool was_tried = true;
        {
            const std::lock_guard lock(mutex_);
            if (!under_way_ && outbox_.empty() && dropped_ == 0) return {};
            if (!under_way_) {
                was_tried = false;
                under_way_.emplace();
                under_way_->at = fmt::format("{} {}", instance_, ++number_);
                while (!outbox_.empty() && under_way_->messages.size() < most_in_batch) {
                    under_way_->messages.push_back(std::move(outbox_.front()));
                    outbox_.pop_front();
                }
                if (outbox_.empty() && dropped_ > 0)
                    under_way_->messages.push_back(own_message(
                        own::daemon_dropped, {{"count", std::to_string(std::exchange(dropped_, 0))}},
                        options_.wall()));
            }
            batch = *under_way_;
        }
        const Json position =
            was_tried ? TRY(client.call("Position", {{"source", own_source}})) : Json::object();
        if (position.value("at", Json()) != batch.at)
            TRY(client.call("Put", {{"messages", batch.messages}, {"source", own_source}, {"at", batch.at}}));
        const std::lock_guard lock(mutex_);
        under_way_.reset();
    }
}

void Messages::operation_changed(const operation::Id& id)
{
    if (!options_.is_there) return;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        changed_operations_.insert(id);
        is_due_ = true;
    }
    wake();
}

/// Not where the change is told: whoever tells it may not be waited for.
void Messages::look_at_operations()
{
    std::set<operation::Id> changed;
    {
        const std::lock_guard lock(mutex_);
        changed = std::exchange(changed_operations_, {});
    }
    for (const operation::Id& id : changed) {
        const Result<operation::View> view = options_.show(id);
        if (!view) continue;
        const operation::Operation& operation = view->operation;
        const std::string state(name_of(operation.state));
        bool has_ended = false, is_news = false;
        {
            const std::lock_guard lock(mutex_);
            is_news = std::exchange(operations_[id], state) != state;
            has_ended = operation.state == operation::State::committed ||
                        operation.state == operation::State::aborted;
            if (has_ended) operations_.erase(id);
        }
        if (!is_news) continue;
        const OwnEvent& event = operation.state == operation::State::held      ? own::operation_held
                                : operation.state == operation::State::aborted ? own::operation_aborted
                                                                               : own::operation_moved;
        const Json json = *view;
        Message message = own_message(event,
                                      {{"operation", id},
                                       {"title", operation.plan.title},
                                       {"state", state},
                                       {"reason", text_in(json, "reason")}},
                                      options_.wall());
        message.interaction = interaction_of(operation);
        const std::lock_guard lock(mutex_);
        if (outbox_.size() >= most_waiting)
            ++dropped_;
        else
            outbox_.push_back(std::move(message));
    }
}

void Messages::application_stands(const std::string& name, const Json& standing)
{
    const std::string phase = text_in(standing, "phase"), role = text_in(standing, "role");
    std::string reason = text_in(standing, "reason");
    const int64_t restarts = number_in(standing, "restarts");
    bool is_news = false, has_new_role = false, was_restarted = false;
    {
        const std::lock_guard lock(mutex_);
        is_lost_ = false;
        // How it stood before this daemon was there is no news.
        const bool is_old = !phases_.contains(name) && number_in(standing, "since_ms") < started_.count();
        is_news = std::exchange(phases_[name], phase) != phase && !is_old;
        has_new_role = std::exchange(roles_[name], role) != role && !is_old;
        was_restarted = std::exchange(restarts_[name], restarts) < restarts && !is_old;
    }
    if (reason.empty()) reason = "it has ended";
    const Attributes attributes = {{"application", name}, {"phase", phase}, {"reason", reason}};
    if (was_restarted)
        say(own::application_restarted, {{"application", name}, {"count", std::to_string(restarts)}});
    if (is_news && phase == "started") {
        say(own::application_started, attributes);
    } else if (is_news && phase == "stopped") {
        say(own::application_stopped, attributes);
    } else if (is_news && phase == "failed") {
        say(own::application_failed, attributes);
    } else if (is_news && phase == "unavailable") {
        say(own::application_unavailable, attributes);
    } else if (is_news) {
        say(own::application_moved, attributes);
    }
    if (has_new_role && !role.empty() && role != "none")
        say(own::role_taken, {{"application", name}, {"role", role}});
}

void Messages::supervisor_lost(const Error& error)
{
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(is_lost_, true)) return;
    }
    say(own::supervisor_lost, {{"reason", error.what}});
}

void Messages::storage_alarm(const procedures::Alarm& alarm)
{
    say(own::storage_alarm, {{"event", alarm.event},
                             {"severity", alarm.severity},
                             {"device", alarm.device},
                             {"member", alarm.member},
                             {"text", alarm.text}});
}

void Messages::configuration_is(int64_t version)
{
    say(own::configuration_changed, {{"version", std::to_string(version)}});
}

void Messages::host_is(const std::string& name, const std::string& state, const std::string& reason)
{
    if (state == "attached") return say(own::host_attached, {{"name", name}});
    say(own::host_lost,
        {{"name", name}, {"state", state}, {"reason", reason.empty() ? "it says nothing" : reason}});
}

void Messages::person_acted(const Json& entry)
{
    const std::string who = text_in(entry, "who"), answer = text_in(entry, "answer");
    // Strangers cannot fill it.
    if (who.empty() || entry.value("denied", false)) return;
    const bool is_done = answer.empty() || answer == "done";
    say(is_done ? own::person_acted : own::person_refused, {{"user", who},
                                                            {"verb", text_in(entry, "verb")},
                                                            {"what", text_in(entry, "object")},
                                                            {"reason", answer}});
}

void Messages::configured(const framework::configuration::Configuration& configuration,
                          const std::string& host)
{
    if (!options_.is_there) return;
    const framework::configuration::Object* const own_object = configuration.find("host", host);
    const framework::configuration::Pairs pairs(configuration);
    Json applications = Json::array();
    for (const framework::configuration::Object* one : configuration.of_type("application")) {
        const framework::configuration::Object object = effective(configuration, pairs, *one);
        const bool is_here =
            own_object != nullptr && object.attributes.value("host", int64_t{0}) == own_object->id;
        if (!is_here || object.disabled) continue;
        applications.push_back({{"id", one->id},
                                {"name", one->name},
                                {"log_level", object.text("log_level")},
                                {"output", output_of(options_.output_folder, one->name, one->id)}});
    }
    const std::vector<framework::messages::Output> outputs =
        framework::messages::outputs_of(configuration, host);
    Json heard = Json::array();
    for (const auto id :
         framework::alarms::events_in_messages(framework::alarms::conditions_of(configuration)))
        heard.push_back(to_text(id));
    {
        const std::lock_guard lock(mutex_);
        const std::string syslog = syslog_of(own_object);
        has_something_ = !applications.empty() || !outputs.empty() || !heard.empty() || syslog == "all";
        Json described = {
            {"host", host},     {"applications", std::move(applications)}, {"outputs", outputs},
            {"syslog", syslog}, {"keeping", keeping_of(own_object)},       {"heard", std::move(heard)}};
        if (described == described_) return;
        described_ = std::move(described);
        is_described_ = false;
        is_due_ = true;
    }
    wake();
    // What is to be heard may be more than it was.
    loop_.post([this, there = std::weak_ptr(there_)] {
        if (!there.expired()) tell_how_it_stands();
    });
}

}  // namespace belay::daemon
