#include "trial.h"

#include <algorithm>
#include <csignal>
#include <thread>

namespace belay::faults {
namespace {

using namespace std::chrono_literals;

constexpr const char* log_file = "/run/belayd.log";
constexpr const char* daemon_program = "belayd-site-mortal";
constexpr const char* daemon_in_ps = "belayd-site-mor";  // a process has a name of 15 letters
constexpr auto ends_within = 6min;
constexpr auto effect_within = 90s;
/// Its timer, the minute that it gives the site beyond that, and the way back.
constexpr auto goes_home_within = 150s;
constexpr auto looks_every = 200ms;
/// That of the applications of a server pair is 10 s.
constexpr auto nonstop = 12s;
constexpr Milliseconds long_timer = 10min;
/// The timer is looked at by the boot clock, and what follows takes a while.
constexpr Milliseconds timer_slack = 70s;

Result<Json> answer_of(const host::Outcome& outcome)
{
    std::string text = outcome.out;
    while (text.ends_with('\n')) text.pop_back();
    const size_t line = text.rfind('\n');
    const Result<Json> json = parse_json(line == std::string::npos ? text : text.substr(line + 1));
    if (!json || !json->is_object())
        return fail(ErrorKind::failed, fmt::format("belay answered with exit code {}: {}{}",
                                                   outcome.exit_code, outcome.out, outcome.err));
    return *json;
}

bool has_ended(const std::string& state)
{
    return state == "committed" || state == "aborted";
}

/// What a person does where nothing goes on by itself; empty: nothing.
std::string next_verb(const Json& operation, Course course)
{
    const std::string state = operation.at("state");
    // It was struck before anybody was told its number.
    if (state == "planned") return "abort";
    if (state == "added") return "activate";
    if (state == "activated") {
        if (course == Course::expires) return "";
        return course == Course::aborts ? "abort" : "commit";
    }
    if (state != "held") return "";
    for (const std::string verb : {"commit", "abort"}) {
        for (const Json& way : operation.at("ways_on"))
            if (way.at("command").get<std::string>().starts_with("belay " + verb)) return verb;
    }
    return "";
}

}  // namespace

Result<std::unique_ptr<Trial>> Trial::begin(const lab::Folder& folder, Options options,
                                            std::unique_ptr<Subject> subject)
{
    lab::SiteOptions of_site;
    of_site.daemon = daemon_program;
    if (options.etcd) {
        of_site.network = options.etcd->network;
        of_site.names.emplace_back("beta");
        of_site.controllers = {"beta"};
    }
    subject->ask_for(of_site);
    lab::Site site = TRY(lab::Site::build(folder, std::move(of_site)));
    std::unique_ptr<Trial> trial(new Trial(std::move(site), std::move(options), std::move(subject)));
    TRY(trial->set_up());
    return trial;
}

Result<void> Trial::set_up()
{
    std::vector<std::string> arguments;
    if (options_.etcd)
        arguments = {"--site-store",
                     fmt::format("etcd:{}/{}", fmt::join(options_.etcd->cluster->endpoints(), ","),
                                 store::new_prefix())};
    for (size_t host = 0; host < site_.size(); ++host) TRY(subject_->equip(site_, host));
    TRY(site_.enrol(arguments));
    return subject_->set_up(site_, [this](size_t host) { return start(host); });
}

Result<void> Trial::start(size_t host)
{
    // A person who asked just now has started the ordinary one.
    TRY(site_.run(host,
                  {"sh", "-c", "pkill -x belayd-site; while pgrep -x belayd-site; do sleep 0.05; done"}));
    return site_.start_daemon(host, {"--log-verbose", "trace", "--log-file", log_file});
}

/// How many records were counted since the order before.
Result<unsigned> Trial::order(size_t host, const std::string& order)
{
    lab::Process& daemon = site_.daemon(host);
    TRY(daemon.write(order + "\n"));
    const std::string said = TRY(daemon.read_until(" before\n", 30s));
    const size_t at = said.rfind("heard, ");
    if (at == std::string::npos) return fail(ErrorKind::failed, "the daemon says " + said);
    return static_cast<unsigned>(std::strtoul(said.c_str() + at + 7, nullptr, 10));
}

/// The way back is the same for a clock that was set.
Result<void> Trial::prepare(const Strike& strike)
{
    word_ = fmt::format("word-{:05}", ++number_);
    was_stuck_ = false;
    activated_.reset();
    ended_.reset();
    if (strike.fault == Fault::disk_full && strike.record > 0) {
        // A database that was just opened has no room in its log yet: each record needs some.
        TRY(site_.stop_daemon(alpha));
        TRY(start(alpha));
    }
    TRY(let_alpha_lead());
    // What came back just now counts as such by now.
    if (!await_that(
            [&]() -> Result<bool> {
                const Json listed = TRY(answer_of(TRY(site_.belay(alpha, {"host", "list", "--json"}))));
                size_t attached = 0;
                for (const Json& one : listed.value("hosts", Json::array()))
                    if (one.at("presence").at("state") == "attached") ++attached;
                return attached == site_.size();
            },
            effect_within))
        return fail(ErrorKind::timeout, "not every host is attached again");
    // An application that ends twice within its "nonstop" has failed, and rightly stays down.
    if (strike.fault == Fault::application_killed && application_killed_)
        std::this_thread::sleep_until(*application_killed_ + nonstop);
    return subject_->prepare(site_, strike, word_);
}

bool Trial::await_that(const std::function<Result<bool>()>& holds, Milliseconds limit)
{
    const auto end = Clock::now() + limit;
    while (Clock::now() < end) {
        // Who does not answer now may do so soon.
        if (const Result<bool> answer = holds(); answer && *answer) return true;
        std::this_thread::sleep_for(looks_every);
    }
    return false;
}

Result<std::string> Trial::plan(Course course)
{
    const Milliseconds timer = course == Course::expires ? subject_->short_timer() : long_timer;
    std::vector<std::string> words = subject_->plan();
    words.insert(words.end(), {"--timer", fmt::format("{}s", timer / 1s), "--why", word_, "--json"});
    const host::Outcome added = TRY(site_.belay(alpha, std::move(words), {}, ends_within));
    const Json answer = TRY(answer_of(added));
    if (added.exit_code != 0) return fail(ErrorKind::failed, added.out);
    return answer.at("id").get<std::string>();
}

Result<void> Trial::ask(const std::string& id, const std::string& verb)
{
    if (verb == "activate") activated_ = Clock::now();
    const host::Outcome outcome = TRY(site_.belay(alpha, {verb, id, "--json"}, {}, ends_within));
    if (outcome.exit_code != 0) return fail(ErrorKind::failed, outcome.out);
    return {};
}

/// In a thread of its own. Stops at the first thing that goes wrong: somebody else goes on then.
void Trial::person(Course course)
{
    const Result<std::string> id = plan(course);
    if (!id) refusal_ = id.error().what;
    if (!id || !ask(*id, "activate")) return;
    if (course == Course::commits || course == Course::aborts) {
        static_cast<void>(ask(*id, course == Course::commits ? "commit" : "abort").has_value());
        return;
    }
    const Result<host::Outcome> followed =
        site_.belay(alpha, {"show", *id, "--follow", "--json"}, {}, ends_within);
    if (followed && followed->exit_code == 0) ended_ = Clock::now();
}

bool Trial::person_has_gone(Milliseconds limit) const
{
    return person_.wait_for(limit) == std::future_status::ready;
}

/// It says so before it stops, and what told it to go on too early would leave it stopped for good.
Result<void> Trial::await_stop(size_t host)
{
    TRY(site_.run(host,
                  {"sh", "-c",
                   fmt::format("pid=$(pgrep -x {}) && while grep -L '^State:.T' /proc/$pid/task/*/status "
                               "| grep -q .; do sleep 0.02; done",
                               daemon_in_ps)}));
    return {};
}

/// Waits until the daemon has stopped at the record, and says which it is; nothing where all is over before.
Result<std::optional<std::string>> Trial::await_record(const Strike& strike)
{
    bool over = false;
    const auto end = Clock::now() + ends_within;
    while (Clock::now() < end) {
        const Result<std::string> said =
            site_.daemon(strike.journal).read_until("mortal: now\n", over ? 1ms : 100ms);
        if (said) {
            const size_t from = said->find("mortal: at ");
            if (from == std::string::npos) return fail(ErrorKind::failed, "the daemon says " + *said);
            TRY(await_stop(strike.journal));
            return std::optional(said->substr(from + 11, said->find('\n', from) - from - 11));
        }
        if (said.error().kind != ErrorKind::timeout) return std::unexpected(said.error());
        if (over) {
            TRY(order(strike.journal, "never"));
            return std::optional<std::string>();
        }
        over = person_has_gone(0ms);
    }
    return fail(ErrorKind::timeout, "neither the record nor the end came");
}

Result<Trial::Mend> Trial::kill_daemon(const Strike& strike)
{
    TRY(site_.kill_daemon(strike.host));
    return Mend([this, host = strike.host]() -> Result<void> {
        if (host == alpha) person_.wait();
        return start(host);
    });
}

Result<Trial::Mend> Trial::cut_power(const Strike& strike)
{
    const size_t host = strike.host;
    TRY(subject_->before_power_cut(site_, host));
    site_.host(host).power_cut();
    // What it asked of this host has an end now, and the host may be replaced.
    if (host == alpha) person_.wait();
    site_.power_cut(host);
    return Mend([this, host]() -> Result<void> {
        TRY(site_.boot(host));
        TRY(subject_->equip(site_, host));
        return start(host);
    });
}

Result<Trial::Mend> Trial::cut_link(const Strike& strike)
{
    const size_t host = strike.host;
    if (strike.fault == Fault::cut_off || strike.fault == Fault::cut_for_long) {
        TRY(site_.set_link(host, false));
        return Mend([this, host] { return site_.set_link(host, true); });
    }
    const size_t from = strike.fault == Fault::deaf ? alpha : host;
    const std::string to = site_.address(strike.fault == Fault::deaf ? host : alpha) + "/32";
    TRY(site_.run(from, {"ip", "route", "add", "blackhole", to}));
    return Mend([this, from, to]() -> Result<void> {
        TRY(site_.run(from, {"ip", "route", "del", "blackhole", to}));
        return {};
    });
}

Result<Trial::Mend> Trial::set_clock(const Strike& strike)
{
    // By this machine's clock, which all of them have begun with: what a guest's own lost each time would add
    // up until an upgrade is refused for it.
    const auto set = [this, host = strike.host](std::chrono::hours by) -> Result<void> {
        const std::chrono::duration<double> wall = std::chrono::system_clock::now().time_since_epoch() + by;
        TRY(site_.run(host, {"date", "-s", fmt::format("@{:.3f}", wall.count())}));
        return {};
    };
    TRY(set(strike.fault == Fault::clock_ahead ? 1h : -1h));
    return Mend([set] { return set(0h); });
}

Result<Trial::Mend> Trial::kill_etcd_leader()
{
    const size_t leader = options_.etcd->cluster->leader();
    options_.etcd->cluster->kill(leader);
    return Mend([this, leader]() -> Result<void> {
        options_.etcd->cluster->start(leader);
        options_.etcd->cluster->leader();
        return {};
    });
}

Result<Trial::Mend> Trial::fill_disk()
{
    const std::string file = std::string(lab::Site::state) + "/full";
    TRY(site_.run(alpha, {"sh", "-c", fmt::format("cat /dev/zero >{} 2>/dev/null; sync", file)}));
    return Mend([this, file]() -> Result<void> {
        TRY(site_.run(alpha, {"rm", file}));
        return {};
    });
}

Result<Trial::Mend> Trial::kill_supervisor(size_t host)
{
    // Its parent, of the same name, starts another one.
    TRY(site_.run(host, {"sh", "-c",
                         "for parent in $(pgrep -x belay-superviso); do pkill -KILL -x -P $parent "
                         "belay-superviso; done; true"}));
    return Mend([]() -> Result<void> { return {}; });
}

Result<Trial::Mend> Trial::kill_applications(size_t host)
{
    application_killed_ = Clock::now();
    TRY(site_.run(host, {"sh", "-c", "pkill -KILL -x stand-in; true"}));
    return Mend([]() -> Result<void> { return {}; });
}

/// What it takes to undo it.
Result<Trial::Mend> Trial::strike_now(const Strike& strike)
{
    switch (strike.fault) {
        case Fault::daemon_killed:
            return kill_daemon(strike);
        case Fault::power_cut:
            return cut_power(strike);
        case Fault::cut_off:
        case Fault::cut_for_long:
        case Fault::deaf:
        case Fault::mute:
            return cut_link(strike);
        case Fault::etcd_leader_killed:
            return kill_etcd_leader();
        case Fault::clock_ahead:
        case Fault::clock_back:
            return set_clock(strike);
        case Fault::disk_full:
            return fill_disk();
        case Fault::supervisor_killed:
            return kill_supervisor(strike.host);
        case Fault::application_killed:
            return kill_applications(strike.host);
    }
    return fail(ErrorKind::usage, "there is no such fault");
}

/// Until it has made itself felt, so that it is not mended before anybody has noticed.
Result<void> Trial::wait_for_effect(const Strike& strike)
{
    const auto presence = [&](const std::string& wanted) -> Result<bool> {
        const Json listed =
            TRY(answer_of(TRY(site_.belay(alpha, {"host", "list", site_.name(strike.host), "--json"}))));
        const std::string state = listed.at("hosts").at(0).at("presence").at("state");
        return (state == "attached") == (wanted == "attached");
    };
    switch (strike.fault) {
        case Fault::daemon_killed:
        case Fault::power_cut:
            if (strike.takes_over() && !await_that([&] { return leads(beta); }, effect_within))
                return fail(ErrorKind::timeout, "the other controller does not lead");
            // Every second one is back before it is missed.
            if (strike.host != alpha && strike.record % 2 == 0)
                await_that([&] { return presence("away"); }, effect_within);
            return {};
        case Fault::cut_off:
        case Fault::deaf:
        case Fault::mute:
            if (!await_that([&] { return presence("away"); }, effect_within))
                return fail(ErrorKind::timeout, "nobody has noticed that the link is cut");
            return {};
        case Fault::cut_for_long:
            if (!await_that([&] { return is_home(strike.host); }, goes_home_within))
                return fail(ErrorKind::timeout, "the host does not go back by itself");
            return {};
        case Fault::etcd_leader_killed:
            options_.etcd->cluster->leader();
            return {};
        case Fault::clock_ahead:
        case Fault::clock_back:
            person_has_gone(effect_within);
            return {};
        case Fault::disk_full:
            await_that(
                [&]() -> Result<bool> {
                    if (person_has_gone(0ms)) return true;
                    const Json operation = TRY(site_operation());
                    was_stuck_ = operation.is_object() && operation.contains("stuck");
                    return was_stuck_;
                },
                20s);
            return {};
        case Fault::supervisor_killed:
        case Fault::application_killed:
            return {};
    }
    return {};
}

bool Trial::leads(size_t host)
{
    const auto asked = site_.belay(host, {"status", "--json"});
    const auto status = asked ? answer_of(*asked) : std::unexpected(asked.error());
    return status && status->contains("place") && status->at("place").at("controller").is_object() &&
           status->at("place").at("controller").at("leads") == true;
}

/// The controller that carries out the site's operations now.
Result<size_t> Trial::leader()
{
    if (!options_.etcd) return alpha;
    for (const size_t controller : {alpha, beta})
        if (leads(controller)) return controller;
    return fail(ErrorKind::unavailable, "no controller leads");
}

/// The other one hands over what it took.
Result<void> Trial::let_alpha_lead()
{
    if (!options_.etcd || leads(alpha)) return {};
    TRY(site_.stop_daemon(beta));
    const bool alpha_leads = await_that([&] { return leads(alpha); }, effect_within);
    TRY(start(beta));
    if (!alpha_leads) return fail(ErrorKind::timeout, "the first controller does not lead again");
    return {};
}

/// Those that are of the one that is tried.
Result<std::vector<Json>> Trial::history(size_t host)
{
    const Json answer = TRY(answer_of(TRY(site_.belay(host, {"history", "--limit", "4", "--json"}))));
    if (!answer.contains("operations"))
        return fail(ErrorKind::failed,
                    fmt::format("belay history on {} says {}", site_.name(host), json_text(answer)));
    std::vector<Json> found;
    for (const Json& operation : answer.at("operations"))
        if (operation.at("why").get<std::string>().ends_with(word_)) found.push_back(operation);
    return found;
}

/// The one that is tried; null: there is none.
Result<Json> Trial::site_operation()
{
    const std::vector<Json> all = TRY(history(TRY(leader())));
    const auto found = std::ranges::find_if(all, [&](const Json& one) { return one.at("why") == word_; });
    return found == all.end() ? Json() : *found;
}

/// Its part on a host; null: there is none.
Result<Json> Trial::part_on(size_t host)
{
    Json found;
    for (const Json& operation : TRY(history(host))) {
        if (operation.at("why") == word_) continue;
        if (!found.is_null())
            return fail(ErrorKind::failed,
                        fmt::format("{} has two operations for {}", site_.name(host), word_));
        found = operation;
    }
    return found;
}

/// Whether a host has gone back, or has nothing to go back from.
bool Trial::is_home(size_t host)
{
    const Result<Json> part = part_on(host);
    if (!part || part->is_null()) return part.has_value();
    const std::string state = part->at("state");
    return state == "aborted" || (state == "aborting" && subject_->waits_for_the_other());
}

/// Somebody at the controller leads it to its end. Null: it was never kept.
Result<Json> Trial::carry_on(Course course, Ending& ending)
{
    const auto end = Clock::now() + ends_within;
    Result<Json> operation;
    while (Clock::now() < end) {
        operation = site_operation();
        // A controller that has just come back does not lead yet.
        if (!operation) {
            std::this_thread::sleep_for(looks_every);
            continue;
        }
        if (operation->is_null()) return operation;
        const std::string state = operation->at("state");
        if (has_ended(state)) {
            if (!ended_) ended_ = Clock::now();
            return operation;
        }
        if (state == "held") ending.held = operation->at("reason");
        const std::string verb = next_verb(*operation, course);
        if (verb == "activate") activated_ = Clock::now();
        if (const Result<size_t> at = leader(); at && !verb.empty())
            static_cast<void>(
                site_.belay(*at, {verb, operation->at("id"), "--no-wait", "--json"}).has_value());
        std::this_thread::sleep_for(looks_every);
    }
    return fail(ErrorKind::timeout,
                fmt::format("it does not end: {}",
                            operation ? operation->at("state").get<std::string>() : operation.error().what));
}

Result<void> Trial::check_host(size_t host, const std::string& state)
{
    const Json part = TRY(part_on(host));
    const std::string its_state = part.is_null() ? "none" : part.at("state").get<std::string>();
    const auto wrong = [&](const std::string& what) {
        return fail(ErrorKind::failed, fmt::format("the site's operation is {}, its part on {} is {}: {}",
                                                   state, site_.name(host), its_state, what));
    };
    const bool committed = state == "committed";
    if (committed ? its_state != "committed" : its_state != "aborted" && its_state != "none")
        return wrong("mixed");
    if (its_state == "aborted" && (part.at("verified") != true || !part.at("differences").empty()))
        return wrong("it has not proven that all is as it was");
    return {};
}

/// Not before its time, and soon after.
Result<void> Trial::check_timer(const Strike& strike, const Ending& ending) const
{
    const bool is_clock = strike.fault == Fault::clock_ahead || strike.fault == Fault::clock_back;
    if (strike.course != Course::expires) {
        const bool commits =
            strike.course == Course::commits && strike.record > 0 && is_clock && !subject_->minds_clocks();
        if (commits && ending.state != "committed")
            return fail(ErrorKind::failed, "nobody wanted it to go back, and it is " + ending.state);
        return {};
    }
    if (ending.state != "aborted")
        return fail(ErrorKind::failed, "its timer has not taken it back: it is " + ending.state);
    // It ends when the host that was cut off is heard of again.
    if (strike.fault == Fault::cut_for_long) return {};
    // It was refused before.
    if (!activated_ && is_clock && subject_->minds_clocks()) return {};
    if (!activated_ || !ended_) return fail(ErrorKind::failed, "nobody has seen how long its timer took");
    const auto took = std::chrono::duration_cast<Milliseconds>(*ended_ - *activated_);
    if (took < subject_->short_timer() || took > subject_->short_timer() + timer_slack)
        return fail(ErrorKind::failed, fmt::format("its timer of {} took it back after {}",
                                                   to_text(subject_->short_timer()), to_text(took)));
    return {};
}

Result<void> Trial::hold_promises(const Strike& strike, const Ending& ending)
{
    const std::vector<size_t> members = subject_->members();
    for (const size_t host : members) TRY(check_host(host, ending.state));
    TRY(subject_->check(site_, ending.state == "committed"));
    TRY(check_timer(strike, ending));
    const bool says_why = ending.held.empty() || std::ranges::any_of(members, [&](size_t host) {
                              return ending.held.find(site_.name(host)) != std::string::npos;
                          });
    if (!says_why) return fail(ErrorKind::failed, "it was held, and named no host: " + ending.held);
    return {};
}

Result<Ending> Trial::play_once(const Strike& strike)
{
    TRY(prepare(strike));
    Ending ending;
    if (strike.record > 0)
        TRY(order(strike.journal,
                  fmt::format("{} {} stop", strike.before ? "before" : "after", strike.record)));
    refusal_.clear();
    person_ = std::async(std::launch::async, [this, course = strike.course] { person(course); });
    if (strike.record > 0) {
        const std::optional<std::string> at = TRY(await_record(strike));
        ending.was_struck = at.has_value();
        ending.at = at.value_or("");
    }
    if (ending.was_struck) {
        const Mend mend = TRY(strike_now(strike));
        const bool is_gone = strike.host == strike.journal &&
                             (strike.fault == Fault::daemon_killed || strike.fault == Fault::power_cut);
        if (!is_gone) TRY(site_.daemon(strike.journal).signal(SIGCONT));
        TRY(wait_for_effect(strike));
        TRY(mend());
    }
    person_.wait();
    const Json operation = TRY(carry_on(strike.course, ending));
    ending.state = operation.is_null() ? "none" : operation.at("state").get<std::string>();
    ending.was_stuck = was_stuck_;
    if (!ending.was_struck && ending.state != (strike.course == Course::commits ? "committed" : "aborted"))
        return fail(ErrorKind::failed,
                    fmt::format("nothing was in its way, and it is {} {}", ending.state, refusal_));
    TRY(hold_promises(strike, ending));
    return ending;
}

/// What the hosts say of the operation, for whoever has to find out what went wrong.
std::string Trial::story()
{
    std::string text;
    for (size_t host = 0; host < site_.size(); ++host) {
        text += fmt::format("\n--- {}\n", site_.name(host));
        const auto operations = history(host);
        if (!operations) text += operations.error().what;
        for (const Json& operation : operations.value_or(std::vector<Json>())) {
            const auto records = site_.belay(host, {"show", operation.at("id"), "--journal", "--json"});
            const auto json = records ? answer_of(*records) : Result<Json>(Json::object());
            for (const Json& record : json ? json->value("records", Json::array()) : Json::array()) {
                std::string line = json_text(record);
                if (line.size() > 600) line.resize(600);
                text += line + "\n";
            }
        }
        const auto state = site_.run(
            host, {"sh", "-c", fmt::format("grep State /proc/$(pgrep -x {})/task/*/status", daemon_in_ps)});
        text += state ? *state : state.error().what;
        const auto log = site_.run(host, {"tail", "-n", "15", log_file});
        text += log ? *log : log.error().what;
        text += subject_->story(site_, host);
    }
    return text;
}

Result<Ending> Trial::play(const Strike& strike)
{
    Result<Ending> ending = play_once(strike);
    if (ending) return ending;
    Error error = ending.error();
    error.what += error.output + story();
    if (person_.valid()) {
        // It follows what nobody will end any more.
        for (size_t host = 0; host < site_.size(); ++host) site_.host(host).power_cut();
        person_.wait();
    }
    return std::unexpected(std::move(error));
}

Result<Counts> Trial::count(Course course)
{
    for (size_t host = 0; host < hosts; ++host) TRY(order(host, "never"));
    TRY(play({.course = course}));
    Counts counts{};
    for (size_t host = 0; host < hosts; ++host) counts[host] = TRY(order(host, "never"));
    return counts;
}

}  // namespace belay::faults
