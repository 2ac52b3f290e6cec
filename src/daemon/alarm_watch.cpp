// What is looked at, and what is done about it. What people ask: alarm_book_methods.cpp.

#include "daemon/alarm_watch.h"

#include "daemon/json_fields.h"
#include "daemon/place.h"
#include "framework/alarms/predefined.h"

#include <algorithm>
#include <cmath>

namespace belay::daemon {
namespace {

using framework::alarms::Alarm;
using framework::alarms::Condition;
using framework::alarms::Deed;
using framework::alarms::Verdict;

constexpr const char* alarm_asker = "the alarms of the site";
/// What comes together is looked at together.
constexpr Milliseconds gathering{200};
constexpr Milliseconds longest_sleep = std::chrono::hours(24);
constexpr Milliseconds after_a_failure = std::chrono::seconds(30);
/// Of a host that was never heard: what was said so long ago raises alarms.
constexpr Milliseconds since_of_new_hosts = std::chrono::minutes(10);
/// A host that comes up has other things to do.
constexpr Milliseconds before_first_look_at_storage = std::chrono::seconds(10);
constexpr Milliseconds between_looks_at_storage = std::chrono::hours(1);
constexpr Milliseconds asking_patience = std::chrono::seconds(5);
constexpr size_t most_readings = 8;   ///< of variables at a time
constexpr size_t expire_after = 100;  ///< alarms that were raised or cleared
constexpr double percent = 100;

double number_in_load(const Json& json, const char* field)
{
    const auto found = json.find(field);
    return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
}

/// Those of the site, as its controller tells them.
Json hosts_in(const Json& status)
{
    const auto place = status.find("place");
    if (place == status.end() || !place->is_object()) return Json::array();
    const auto controller = place->find("controller");
    if (controller == place->end() || !controller->is_object()) return Json::array();
    return controller->value("hosts", Json::array());
}

}  // namespace

AlarmWatch::AlarmWatch(Options options) : options_(std::move(options)), site_events_([this] { moved(); }) {}

Milliseconds AlarmWatch::now() const
{
    return wall_at_start_ + (site::boot_now() - boot_at_start_);
}

std::shared_ptr<const AlarmWatch::Configuration> AlarmWatch::configuration_now() const
{
    const auto snapshot = options_.configuration.snapshot();
    return snapshot ? snapshot->configuration : nullptr;
}

Result<framework::alarms::Circumstances> AlarmWatch::circumstances() const
{
    const auto snapshot = TRY(options_.configuration.snapshot());
    return framework::alarms::Circumstances::of(*snapshot.configuration);
}

void AlarmWatch::lead()
{
    if (leads_) return;
    wall_at_start_ = options_.wall();
    boot_at_start_ = site::boot_now();
    book_.emplace(options_.store());
    reactions_.emplace(site::Reactions::Options{.host = options_.host,
                                                .controls = *this,
                                                .program = options_.program,
                                                .configuration = [this] { return configuration_now(); },
                                                .unseal = options_.unseal,
                                                .wall = options_.wall});
    delivery_.emplace(*book_, *reactions_, options_.holder, [this](const Deed& deed) {
        const auto configuration = configuration_now();
        const auto* const script = configuration ? configuration->find(deed.script) : nullptr;
        const Json limit = script == nullptr ? Json() : script->value("timeout");
        return limit.is_number_integer() ? Milliseconds(limit.get<int64_t>())
                                         : Milliseconds{std::chrono::minutes(1)};
    });
    leads_ = true;
    moved();
}

void AlarmWatch::moved()
{
    if (!leads_ || stopping_) return;
    options_.loop.post([this] { look_soon(gathering); });
}

void AlarmWatch::look_soon(Milliseconds from_now)
{
    if (stopping_ || !leads_) return;
    if (looking_) {
        again_ = true;
        return;
    }
    const Milliseconds at = site::boot_now() + from_now;
    if (timer_ && timer_at_ <= at) return;
    if (timer_) options_.loop.cancel(*timer_);
    timer_at_ = at;
    timer_ = options_.loop.at(at, [this] {
        timer_.reset();
        look();
    });
}

void AlarmWatch::look()
{
    if (stopping_) return;
    looking_ = true;
    const auto begun = options_.workers.run([this]() -> site::Loop::Callback {
        Result<std::vector<site::Delivery::Work>> works = look_and_take();
        if (!works) options_.log.standard("cannot look after the alarms: " + works.error().what);
        const Milliseconds next = works ? next_.load() : after_a_failure;
        return [this, next, todo = works ? std::move(*works) : std::vector<site::Delivery::Work>()] {
            looking_ = false;
            begin_deeds(todo);
            if (std::exchange(again_, false)) return look_soon(gathering);
            if (next >= Milliseconds{0}) look_soon(next);
        };
    });
    if (begun) return;
    looking_ = false;
    look_soon(after_a_failure);
}

/// Each in a thread of its own: one that hangs keeps no other.
void AlarmWatch::begin_deeds(const std::vector<site::Delivery::Work>& works)
{
    for (const site::Delivery::Work& work : works) {
        const auto begun = options_.workers.run([this, work]() -> site::Loop::Callback {
            const Result<void> done = delivery_->perform(work, options_.wall);
            if (!done)
                options_.log.standard(fmt::format("what came of a reaction to alarm {} cannot be written: {}",
                                                  work.alarm, done.error().what));
            options_.changed();
            return [this] { look_soon(Milliseconds{0}); };
        });
        // It is claimed, and done when its time is over.
        if (!begun) options_.log.standard(begun.error().what);
    }
}

Result<Json> AlarmWatch::ask(const std::string& method, const Json& parameters) const
{
    const site::Methods& methods = options_.methods();
    const auto found = methods.find(method);
    if (found == methods.end())
        return fail(ErrorKind::not_found, fmt::format("nobody answers {} here", method));
    site::Reply reply = TRY(found->second.answer(
        {.parameters = parameters,
         .more = false,
         .caller = {.user = alarm_asker, .origin = "an alarm", .right = site::Right::administer}}));
    return std::move(reply.parameters);
}

Json AlarmWatch::ask_list(const char* method, const char* list) const
{
    const Result<Json> answer = ask(method, Json::object());
    return answer ? answer->value(list, Json::array()) : Json::array();
}

Result<void> AlarmWatch::take_configuration()
{
    const auto snapshot = TRY(options_.configuration.snapshot());
    if (snapshot.version == version_ && configuration_) return {};
    configuration_ = snapshot.configuration;
    version_ = snapshot.version;
    circumstances_ = framework::alarms::Circumstances::of(*configuration_);
    detector_.configured(framework::alarms::conditions_of(*configuration_), now());
    return {};
}

/// Once: what was raised before this daemon leads.
Result<void> AlarmWatch::know_the_open()
{
    if (knows_the_open_) return {};
    for (const Alarm& alarm : TRY(book_->open())) detector_.know(alarm.key, alarm.last, alarm.through, now());
    knows_the_open_ = true;
    return {};
}

void AlarmWatch::hear_standings(Milliseconds time)
{
    const Result<Json> status = ask("Status", Json::object());
    const Json hosts = status ? hosts_in(*status) : Json::array();
    hosts_.clear();
    for (const Json& host : hosts) {
        const std::string name = text_in(host, "name");
        const bool is_there = text_in(host.value("presence", Json::object()), "state") == "attached";
        if (is_there && name != options_.own_host()) hosts_.push_back(name);
    }
    Json keeping = Json::object();
    for (const auto& [host, heard] : heard_) {
        if (heard.is_known) keeping[host] = heard.problem;
    }
    const StandingEvents::Look look_now{.applications = ask_list("Applications", "applications"),
                                        .solutions = ask_list("Solutions", "solutions"),
                                        .hosts = hosts,
                                        .keeping = std::move(keeping),
                                        .configuration = configuration_};
    // Since when it stands so is in its text; for how long it is raised counts from now.
    for (const framework::messages::Message& message : standings_.take(look_now, time))
        detector_.message(message, 0, time);
}

/// At first what was taken before, as far back as it is of use; then what came since.
Json AlarmWatch::question_for(const std::string& host) const
{
    const Heard& heard = heard_.at(host);
    Json question = {{"after", heard.until.number}};
    if (heard.recall_since) question["after"] = heard.recalled;
    if (const auto since = heard.recall_since ? heard.recall_since : heard.new_since)
        question["since_ms"] = static_cast<uint64_t>(since->count());
    // What is looked at again is there at once; all else is waited for.
    question["wait"] = heard.is_known && !(heard.recall_since && heard.has_looked);
    question["known"] = {
        {"problem", heard.problem}, {"storage", heard.storage}, {"looked", heard.has_looked}};
    return question;
}

Result<AlarmWatch::Told> AlarmWatch::read_told(const std::string& host, const Json& answer) const
{
    Told told{.messages = {},
              .problem = answer.value("problem", Json()),
              .storage = answer.value("storage", Json())};
    const Json next = answer.value("next", Json());
    if (!next.is_null()) told.next = TRY(from_json_value<uint64_t>(next));
    const Json messages = answer.value("messages", Json::array());
    if (!messages.is_array()) return fail(ErrorKind::corrupt, "its messages are no list");
    for (const Json& one : messages) {
        framework::messages::StoredMessage stored;
        stored.message = TRY(framework::messages::read_message(one, {.at = now(), .host = host}));
        stored.number = TRY(from_json_value<uint64_t>(one.value("number", Json())));
        // Whatever it says of others.
        stored.message.host = host;
        told.messages.push_back(std::move(stored));
    }
    return told;
}

void AlarmWatch::hear_answers()
{
    for (const SiteEvents::Answer& answer : site_events_.take()) {
        if (!heard_.contains(answer.host)) continue;
        const bool is_events = answer.about == SiteEvents::About::events;
        Result<Told> told;
        if (answer.told && is_events) told = read_told(answer.host, *answer.told);
        const Error* const problem = !answer.told ? &answer.told.error() : !told ? &told.error() : nullptr;
        if (problem != nullptr) {
            site_events_.put_off(answer.host, answer.about);
            options_.log.trace(
                fmt::format("{} tells nothing of itself for the alarms: {}", answer.host, problem->what));
        } else if (is_events) {
            answers_.emplace_back(answer.host, std::move(*told));
        } else {
            find_storage(answer.host, *answer.told, now());
        }
    }
}

/// This host's own at once, and of others what has come.
Result<void> AlarmWatch::hear_hosts(Milliseconds time)
{
    const std::string own = options_.own_host();
    TRY(know_host(own, time));
    for (const std::string& host : hosts_) TRY(know_host(host, time));
    hear_answers();
    while (!answers_.empty()) {
        static_cast<void>(TRY(hear(answers_.front().first, answers_.front().second)));
        answers_.pop_front();
    }
    for (bool has_more = true; has_more && !stopping_;) {
        const Json answer = TRY(options_.events.look(question_for(own)));
        has_more = TRY(hear(own, TRY(read_told(own, answer))));
    }
    Place* const place = options_.place();
    if (place == nullptr) return {};
    for (const std::string& host : hosts_) {
        if (site_events_.may_ask(host, SiteEvents::About::events))
            site_events_.ask(*place, host, SiteEvents::About::events, question_for(host));
    }
    return {};
}

Result<void> AlarmWatch::know_host(const std::string& host, Milliseconds time)
{
    if (heard_.contains(host)) return {};
    Heard heard{.until = {.host = host}};
    const auto until = TRY(book_->heard_until(host));
    if (until) {
        heard.until = *until;
        heard.recall_since = std::max(Milliseconds{1}, time - detector_.longest_memory());
    } else {
        heard.new_since = std::max(Milliseconds{1}, time - since_of_new_hosts);
    }
    heard_.emplace(host, std::move(heard));
    return {};
}

/// What was taken before this daemon led. Whether there may be more of it, or of what came since.
bool AlarmWatch::recall(const std::string& host, const Told& told)
{
    Heard& heard = heard_.at(host);
    for (const framework::messages::StoredMessage& stored : told.messages) {
        if (stored.number <= heard.until.number)
            detector_.recall(stored.message, std::min(stored.message.at, now()));
        heard.recalled = std::max(heard.recalled, stored.number);
    }
    if (told.messages.empty() || heard.recalled >= heard.until.number) heard.recall_since.reset();
    return true;
}

/// Whether there may be more at once.
Result<bool> AlarmWatch::hear(const std::string& host, const Told& told)
{
    Heard& heard = heard_.at(host);
    const bool is_first = !std::exchange(heard.is_known, true);
    if (told.storage != heard.storage)
        heard.storage_is_due = now() + (is_first ? before_first_look_at_storage : Milliseconds{0});
    heard.storage = told.storage;
    if (std::exchange(heard.problem, told.problem) != told.problem || is_first) moved();
    heard.has_looked = told.next.has_value();
    if (!told.next) {
        // What was said before a condition named it is none of its business.
        if (heard.new_since) heard.new_since = std::max(Milliseconds{1}, now() - since_of_new_hosts);
        return false;
    }
    if (heard.recall_since) return recall(host, told);
    // Its store has begun anew, and the numbers in it.
    if (*told.next < heard.until.number && told.messages.empty()) {
        heard.until.base += std::exchange(heard.until.number, 0);
        return true;
    }
    for (const framework::messages::StoredMessage& stored : told.messages) {
        if (stored.number > heard.until.number)
            detector_.message(stored.message, heard.until.base + stored.number, now());
    }
    heard.new_since.reset();
    const uint64_t through = told.messages.empty() ? *told.next : told.messages.back().number;
    if (through <= heard.until.number) return !told.messages.empty();
    heard.until.number = through;
    // Where nothing was heard, how far it was looked is written with what is heard next.
    if (told.messages.empty()) return false;
    TRY(tell_book(heard.until));
    return true;
}

/// What cannot be written now is told again the next time.
Result<size_t> AlarmWatch::tell_book(const std::optional<framework::alarms::HeardUntil>& until)
{
    std::ranges::move(detector_.take(now(), until.has_value()), std::back_inserter(untold_));
    const size_t moved_now = TRY(book_->take(untold_, until, circumstances_, options_.wall()));
    untold_.clear();
    moved_since_expiry_ += moved_now;
    if (moved_now > 0) options_.changed();
    return moved_now;
}

void AlarmWatch::feed_load(const std::string& host, const Json& load, Milliseconds time)
{
    if (!load.is_object()) return;
    const Json processor = load.value("processor", Json::object()),
               memory = load.value("memory", Json::object());
    if (const auto average = processor.find("load_average"); average != processor.end() &&
                                                             average->is_array() && !average->empty() &&
                                                             average->front().is_number())
        detector_.figure(host, "processor", "",
                         std::min(percent, percent * average->front().get<double>() /
                                               std::max(1.0, number_in_load(processor, "count"))),
                         time);
    const double total = number_in_load(memory, "total"), swap = number_in_load(memory, "swap");
    if (total > 0)
        detector_.figure(host, "memory", "", percent - percent * number_in_load(memory, "available") / total,
                         time);
    if (swap > 0)
        detector_.figure(host, "swap", "", percent - percent * number_in_load(memory, "swap_free") / swap,
                         time);
    for (const Json& filesystem : load.value("filesystems", Json::array()))
        detector_.figure(host, "disk", filesystem.value("at", ""), number_in_load(filesystem, "used"), time);
}

/// Figures and variables, as often as one of the conditions wants them.
void AlarmWatch::measure(Milliseconds time)
{
    std::optional<Milliseconds> every;
    bool has_figures = false;
    for (const Condition& condition : detector_.conditions()) {
        const auto* const figure = std::get_if<framework::alarms::Figure>(&condition.detect);
        const bool is_figure = figure != nullptr && (figure->everywhere || !figure->on_hosts.empty());
        const bool is_variable = std::holds_alternative<framework::alarms::Variable>(condition.detect) &&
                                 options_.variables != nullptr;
        if (is_figure || is_variable) every = std::min(every.value_or(condition.every), condition.every);
        has_figures = has_figures || is_figure;
    }
    if (!every || (measured_ > Milliseconds{0} && time < measured_ + *every)) return;
    measured_ = time;
    if (has_figures) {
        const Result<Json> status = ask("Status", {{"whole", true}});
        if (status) feed_load(options_.own_host(), status->value("load", Json()), time);
        const Json hosts = status ? hosts_in(*status) : Json::array();
        for (const Json& host : hosts) feed_load(host.value("name", ""), host.value("load", Json()), time);
    }
    if (options_.variables == nullptr) return;
    std::vector<Reading> asked;
    for (const Condition& condition : detector_.conditions()) {
        const auto* const variable = std::get_if<framework::alarms::Variable>(&condition.detect);
        const auto* const account = variable == nullptr ? nullptr : configuration_->find(variable->account);
        if (account != nullptr)
            asked.push_back({.condition = condition.name, .variable = *variable, .account = *account});
    }
    if (asked.empty()) return;
    options_.loop.post([this, asked = std::move(asked)] {
        // Where agents are slow, what nobody has got to yet comes first.
        if (to_read_.empty()) to_read_.assign(asked.begin(), asked.end());
        read_variables();
    });
}

/// In the loop's thread. Each in a thread of its own, and never in a look: an agent that does not answer
/// keeps no alarm waiting.
void AlarmWatch::read_variables()
{
    while (!stopping_ && readings_ < most_readings && !to_read_.empty()) {
        const auto begun = options_.workers.run([this, one = to_read_.front()]() mutable {
            one.value = options_.variables->read(one.variable, one.account);
            {
                const std::lock_guard lock(read_mutex_);
                read_.push_back(std::move(one));
            }
            return [this] {
                --readings_;
                read_variables();
                look_soon(gathering);
            };
        });
        // The next time, then.
        if (!begun) return to_read_.clear();
        ++readings_;
        to_read_.pop_front();
    }
}

void AlarmWatch::hear_variables(Milliseconds time)
{
    std::vector<Reading> read;
    {
        const std::lock_guard lock(read_mutex_);
        read.swap(read_);
    }
    for (const Reading& one : read) {
        const auto& conditions = detector_.conditions();
        const bool is_asked_still = std::ranges::any_of(conditions, [&](const Condition& condition) {
            const auto* const variable = std::get_if<framework::alarms::Variable>(&condition.detect);
            return condition.name == one.condition && variable != nullptr && *variable == one.variable;
        });
        if (!is_asked_still) continue;
        if (one.value) {
            unread_.erase(one.condition);
            detector_.variable(one.condition, *one.value, time);
        } else if (std::exchange(unread_[one.condition], one.value.error().what) != one.value.error().what) {
            options_.log.standard(fmt::format("the variable of the alarm {} is not read: {}", one.condition,
                                              one.value.error().what));
        }
    }
}

/// Where something has moved, and once an hour: what wears out is told by nobody.
void AlarmWatch::look_at_storage(Milliseconds time)
{
    for (auto& [host, heard] : heard_) {
        if (!heard.storage_is_due || *heard.storage_is_due > time) continue;
        heard.storage_is_due = time + between_looks_at_storage;
        if (host == options_.own_host()) {
            const Result<Json> report = ask("StorageHealth", Json::object());
            if (report) find_storage(host, *report, time);
        } else if (Place* const place = options_.place()) {
            site_events_.ask(*place, host, SiteEvents::About::storage, Json::object());
        }
    }
}

void AlarmWatch::find_storage(const std::string& host, const Json& report, Milliseconds time)
{
    std::vector<framework::alarms::Finding> findings;
    const Json found = report.value("findings", Json::array());
    for (const Json& one : found) {
        findings.push_back({.code = text_in(one, "code"),
                            .object = text_in(one, "object"),
                            .text = fmt::format("{}: {}", text_in(one, "shown"), text_in(one, "found")),
                            .is_critical = text_in(one, "severity") == "critical"});
    }
    detector_.findings(host, findings, time);
}

Result<std::vector<site::Delivery::Work>> AlarmWatch::look_and_take()
{
    next_ = Milliseconds{-1};
    TRY(take_configuration());
    TRY(know_the_open());
    const Milliseconds time = now();
    hear_standings(time);
    TRY(hear_hosts(time));
    hear_variables(time);
    measure(time);
    look_at_storage(time);
    TRY(tell_book({}));
    const size_t attended = TRY(book_->attend(circumstances_, options_.wall()));
    if (moved_since_expiry_ >= expire_after) {
        TRY(book_->expire(options_.wall()));
        moved_since_expiry_ = 0;
    }
    std::vector<site::Delivery::Work> works = TRY(delivery_->claim(options_.wall()));
    if (attended > 0 || !works.empty()) options_.changed();
    next_ = TRY(when_next(now()));
    return works;
}

/// From now; negative: only when something comes.
Result<Milliseconds> AlarmWatch::when_next(Milliseconds time)
{
    std::optional<Milliseconds> earliest;
    const auto at = [&](std::optional<Milliseconds> when, Milliseconds from) {
        if (!when) return;
        const Milliseconds span = std::max(*when - from, Milliseconds{0});
        earliest = std::min(earliest.value_or(span), span);
    };
    at(detector_.next(), time);
    at(standings_.next(), time);
    at(site_events_.next(), site::boot_now());
    for (const auto& [host, heard] : heard_) at(heard.storage_is_due, time);
    const Milliseconds wall = options_.wall();
    at(TRY(delivery_->next()), wall);
    for (const framework::alarms::Mute& mute : TRY(book_->mutes(wall))) at(mute.until, wall);
    for (const Condition& condition : detector_.conditions()) {
        const auto* const figure = std::get_if<framework::alarms::Figure>(&condition.detect);
        const bool is_measured = (figure != nullptr && (figure->everywhere || !figure->on_hosts.empty())) ||
                                 (std::holds_alternative<framework::alarms::Variable>(condition.detect) &&
                                  options_.variables != nullptr);
        if (is_measured) at(measured_ + condition.every, time);
    }
    if (!earliest) return Milliseconds{-1};
    return std::clamp(*earliest, gathering, longest_sleep);
}

Result<std::string> AlarmWatch::order(const std::string& application, const std::string& verb,
                                      const std::string& why)
{
    TRY(ask("ApplicationOrder", {{"application", application},
                                 {"want", verb == "stop" ? "stopped" : "running"},
                                 {"restart", verb == "restart"},
                                 {"why", why}}));
    return fmt::format("{} was told to {}", application, verb);
}

Result<std::string> AlarmWatch::switch_over(const std::string& pair, const std::string& /*why*/)
{
    TRY(ask("PairSwitch", {{"pair", pair}}));
    return fmt::format("{} is switched over", pair);
}

Result<std::string> AlarmWatch::begin_operation(const std::string& procedure,
                                                const std::map<std::string, std::string>& arguments,
                                                const std::string& why)
{
    const Json planned = TRY(ask("Plan", {{"procedure", procedure},
                                          {"arguments", arguments},
                                          {"keep", true},
                                          {"one_shot", true},
                                          {"why", why}}));
    if (planned.value("refused", false))
        return fail(ErrorKind::refused, fmt::format("a check of {} fails", procedure),
                    fmt::format("belay plan {}", procedure));
    const Json operation = planned.value("operation", Json());
    if (!operation.is_string()) return fmt::format("{}: nothing is to be done", procedure);
    TRY(ask("Request", {{"operation", operation}, {"verb", "add"}, {"why", why}}));
    return fmt::format("{} is operation {}", procedure, operation.get<std::string>());
}

Result<std::string> AlarmWatch::run_on(const std::string& host, const Json& errand, Milliseconds limit)
{
    const Json answer =
        TRY(ask("HostCommand",
                {{"host", host}, {"errand", errand}, {"limit_ms", (limit + asking_patience).count()}}));
    return answer.value("said", "");
}

}  // namespace belay::daemon
