#include "supervisor/supervisor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <future>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::supervision::Gate;
using framework::supervision::Phase;
using framework::supervision::Want;

constexpr Milliseconds gives_back_after = std::chrono::seconds(1);
constexpr Milliseconds usual_launch{2};
constexpr Milliseconds longest_between_launch_looks{100};
constexpr std::array wants = {Want::stopped, Want::running, Want::suspended};

Milliseconds wall_now()
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                    std::chrono::nanoseconds(now.tv_nsec));
}

template <typename T, size_t Count>
Result<T> named(const Json& parameters, const char* parameter, const std::array<T, Count>& values)
{
    const std::string name = parameters.value(parameter, "");
    const auto found = std::ranges::find_if(values, [&](T value) { return name_of(value) == name; });
    if (found == values.end())
        return fail(ErrorKind::usage, fmt::format("{} cannot be \"{}\"", parameter, name));
    return *found;
}

/// A thousand applications need some thousand descriptors.
void raise_limit_of_files()
{
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

bool needs(const Application& application, ApplicationId other)
{
    return std::ranges::any_of(application.gates, [&](const Gate& gate) {
        return gate.kind == Gate::Kind::application && gate.application == other;
    });
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::open(site::Loop& loop, site::Workers& workers,
                                                     Options options)
{
    raise_limit_of_files();
    RunFolder folder = TRY(RunFolder::open(options.run_folder));
    std::unique_ptr<Output> output = TRY(Output::open(options.log_folder));
    std::unique_ptr<Supervisor> supervisor(
        new Supervisor(loop, workers, std::move(folder), std::move(output), std::move(options)));
    supervisor->adopt();
    return supervisor;
}

Supervisor::Supervisor(site::Loop& loop, site::Workers& workers, RunFolder folder,
                       std::unique_ptr<Output> output, Options options)
    : loop_(loop),
      workers_(workers),
      folder_(std::move(folder)),
      output_(std::move(output)),
      groups_(host::ControlGroups::open(RunFolder::groups_of(folder_.path()))),
      options_(std::move(options)),
      ground_{.loop = loop_,
              .workers = workers_,
              .folder = folder_,
              .output = *output_,
              .groups = groups_,
              .wall = wall_now,
              .moved = [this](ApplicationId id) { moved(id); },
              .begun = [this](ApplicationId id) { begun(id); },
              .started_since = [this](ApplicationId id) { return started_since(id); },
              .told = [this](ApplicationId id, framework::supervision::Word word) { pairs_.told(id, word); },
              .has_lost_lease = [this](ApplicationId id) { return pairs_.has_lost_lease(id); },
              .held_by =
                  [this](ApplicationId id, const framework::supervision::HeldSocket& place) {
                      const auto found = applications_.find(id);
                      return found == applications_.end() ? -1 : found->second->held_at(place);
                  },
              .said = options_.said},
      pairs_({.loop = loop_,
              .run_folder = folder_.path(),
              .key_file = options_.key_file,
              .port = options_.pair_port,
              .said = options_.said,
              .find =
                  [this](ApplicationId id) {
                      const auto found = applications_.find(id);
                      return found == applications_.end() ? nullptr : found->second.get();
                  },
              .moved = [this](ApplicationId id) { moved(id); },
              .page_begun = options_.page_begun})
{
}

Supervisor::~Supervisor()
{
    detach();
}

void Supervisor::adopt()
{
    std::vector<std::string> problems;
    const std::vector<Record> records = folder_.all(problems);
    for (const std::string& problem : problems) options_.said(problem);
    for (const Record& record : records)
        applications_.emplace(record.described.id, std::make_unique<Supervised>(ground_, record.described));
    const std::map<std::string, std::vector<pid_t>> printing =
        groups_ ? std::map<std::string, std::vector<pid_t>>() : host::printing_into(folder_.path());
    for (const Record& record : records) {
        const auto found = printing.find(fmt::format("{}.out", record.described.id));
        applications_.at(record.described.id)
            ->adopt(record, found == printing.end() ? std::vector<pid_t>() : found->second);
    }
    pairs_.load();
    for (const auto& [id, supervised] : applications_) pairs_.adopted(*supervised);
    if (!records.empty()) options_.said(fmt::format("took over {} applications", records.size()));
}

/// That its process was started from; null: none.
static Json image_of(const Supervised& supervised)
{
    const auto& running = supervised.running();
    if (!running) return {};
    Json json = {{"name", nullptr}, {"version", nullptr}, {"program", running->command.front()}};
    if (!running->image) return json;
    json["name"] = running->image->name;
    json["version"] = running->image->version;
    return json;
}

Json Supervisor::json_of(const Supervised& supervised, bool with_use) const
{
    const auto& standing = supervised.standing();
    const Milliseconds age = site::boot_now() - standing.since;
    Json json = {{"id", supervised.application().id},
                 {"name", supervised.application().name},
                 {"phase", pairs_.stands_by(supervised) ? "standby" : name_of(standing.phase)},
                 {"want", name_of(pairs_.want_of(supervised))},
                 {"role", name_of(standing.role)},
                 {"pair", pairs_.json_of(supervised)},
                 {"since_ms", standing.since.count() == 0 ? Json() : Json((wall_now() - age).count())},
                 {"reason", standing.reason},
                 {"told", standing.told},
                 {"restarts", standing.restarts},
                 {"pid", supervised.pid()},
                 {"last", standing.last ? Json(to_text(*standing.last)) : Json()},
                 {"awaits_restart", supervised.awaits_restart()},
                 {"image", image_of(supervised)},
                 {"not_in_force", supervised.limits_not_in_force()},
                 {"output", output_->file_of(supervised.application().id, supervised.application().name)},
                 {"use", nullptr}};
    if (!with_use || !supervised.has_process()) return json;
    if (const auto use = supervised.use())
        json["use"] = {{"memory", use->memory},
                       {"processes", use->processes},
                       {"processor_us", use->processor_microseconds}};
    return json;
}

Json Supervisor::standings(uint64_t after, bool with_use, ApplicationId only) const
{
    Json list = Json::array();
    for (const auto& [id, supervised] : applications_) {
        if (only != 0 && id != only) continue;
        if (moved_at_.contains(id) ? moved_at_.at(id) > after : after == 0)
            list.push_back(json_of(*supervised, with_use));
    }
    return {{"revision", revision_}, {"applications", std::move(list)}};
}

Result<void> Supervisor::describe(const Json& parameters)
{
    std::vector<Application> described;
    for (const Json& json : parameters.value("applications", Json::array())) {
        Application application = TRY(framework::supervision::application_from(json));
        described.push_back(std::move(application));
    }
    std::set<ApplicationId> named;
    for (const Json& id : parameters.value("keep", Json::array())) {
        if (id.is_number_integer()) named.insert(id.get<ApplicationId>());
    }
    for (Application& application : described) {
        const ApplicationId id = application.id;
        named.insert(id);
        to_forget_.erase(id);
        const auto found = applications_.find(id);
        if (found == applications_.end()) {
            applications_.emplace(id, std::make_unique<Supervised>(ground_, std::move(application)));
            moved(id);
        } else if (found->second->application() != application) {
            found->second->describe(std::move(application));
            moved(id);
        }
    }
    if (!parameters.value("whole", false)) return {};
    std::set<ApplicationId> gone;
    for (const auto& [id, supervised] : applications_) {
        if (!named.contains(id)) gone.insert(id);
    }
    to_forget_.insert(gone.begin(), gone.end());
    want(gone, Want::stopped, false);
    return {};
}

Result<Json> Supervisor::order(const Json& parameters)
{
    const Want wanted = TRY(named(parameters, "want", wants));
    std::set<ApplicationId> ids;
    for (const Json& id : parameters.value("applications", Json::array())) {
        if (!id.is_number_integer() || !applications_.contains(id.get<ApplicationId>()))
            return fail(ErrorKind::not_found, fmt::format("no application {} is known here", json_text(id)));
        ids.insert(id.get<ApplicationId>());
        const Supervised& supervised = *applications_.at(id.get<ApplicationId>());
        if (parameters.value("unless_serving", false) && pairs_.serves(supervised))
            return fail(ErrorKind::refused,
                        fmt::format("\"{}\" serves, and the other of its pair would have to take over",
                                    supervised.application().name));
    }
    want(ids, wanted, parameters.value("restart", false));
    return Json{{"revision", revision_}};
}

Result<ApplicationId> Supervisor::application_in(const Json& parameters) const
{
    const auto id = parameters.value("application", ApplicationId{0});
    if (!applications_.contains(id)) return fail(ErrorKind::not_found, "no such application is known here");
    return id;
}

void Supervisor::want(const std::set<ApplicationId>& ids, Want wanted, bool restart)
{
    for (const ApplicationId id : ids) {
        to_stop_.erase(id);
        Supervised& supervised = *applications_.at(id);
        if (restart && wanted == Want::running)
            pairs_.restart(supervised);
        else if (wanted == Want::stopped)
            to_stop_.insert(id);
        else
            pairs_.order(supervised, wanted);
        conclude_launches(Milliseconds{0});
    }
    follow_up();
}

/// While programs are loaded the next applications can be made ready.
void Supervisor::begun(ApplicationId id)
{
    launching_.insert(id);
    if (launch_look_) loop_.cancel(*launch_look_);
    launch_look_ = loop_.at(site::boot_now(), [this] { look_at_launches(Milliseconds{0}); });
}

/// Those that have arrived, or do within that time.
void Supervisor::conclude_launches(Milliseconds patience)
{
    const Milliseconds until = site::boot_now() + patience;
    std::erase_if(launching_, [&](ApplicationId id) {
        const auto found = applications_.find(id);
        const Milliseconds left = std::max(until - site::boot_now(), Milliseconds{0});
        return found == applications_.end() || found->second->conclude_launch(left);
    });
}

/// Nobody tells when a program is loaded: most are at once, and of those on a disk that does not answer it is
/// soon enough to see it after a while.
void Supervisor::look_at_launches(Milliseconds pause)
{
    launch_look_.reset();
    conclude_launches(pause.count() == 0 ? usual_launch : Milliseconds{0});
    if (launching_.empty()) return;
    pause = std::clamp(pause * 2, Milliseconds{1}, longest_between_launch_looks);
    launch_look_ = loop_.at(site::boot_now() + pause, [this, pause] { look_at_launches(pause); });
}

void Supervisor::moved(ApplicationId id)
{
    moved_at_[id] = ++revision_;
    moved_.insert(id);
    if (server_ != nullptr) server_->changed(applications_topic);
    if (following_up_) return;
    following_up_ = true;
    // Not now: whoever moves is in the middle of it.
    loop_.at(site::boot_now(), [this] { follow_up(); });
}

/// What one's moving leads to for the others.
void Supervisor::follow_up()
{
    following_up_ = false;
    for (const ApplicationId id : std::exchange(moved_, {})) {
        const auto found = applications_.find(id);
        if (found != applications_.end()) pairs_.moved(*found->second);
    }
    for (const auto& [id, supervised] : applications_) {
        supervised->look_again();
        conclude_launches(Milliseconds{0});
    }
    stop_those_that_may();
    forget_those_that_may();
    if (!stopped_) return;
    const bool all =
        std::ranges::none_of(applications_, [](const auto& one) { return one.second->has_process(); });
    if (all && to_stop_.empty()) std::exchange(stopped_, nullptr)();
}

std::optional<Milliseconds> Supervisor::started_here(ApplicationId id) const
{
    const auto found = applications_.find(id);
    if (found == applications_.end() || found->second->standing().phase != Phase::started)
        return std::nullopt;
    const Supervised& supervised = *found->second;
    if (supervised.application().pair && !pairs_.serves_as_told(supervised)) return std::nullopt;
    return supervised.standing().since;
}

/// Of a pair: whichever of them serves.
std::optional<Milliseconds> Supervisor::started_since(ApplicationId id) const
{
    const auto one = [this](ApplicationId each) {
        const auto other = elsewhere_.find(each);
        return other == elsewhere_.end() ? started_here(each) : other->second.started;
    };
    ApplicationId partner = 0;
    if (const auto here = applications_.find(id); here != applications_.end()) {
        if (const auto& pair = here->second->application().pair) partner = pair->other;
    } else if (const auto other = elsewhere_.find(id); other != elsewhere_.end()) {
        partner = other->second.partner;
    }
    const auto since = one(id);
    return since || partner == 0 ? since : one(partner);
}

/// Whether one that is to stop as well needs it, and has not stopped yet.
bool Supervisor::is_needed(ApplicationId id) const
{
    const bool here = std::ranges::any_of(applications_, [&](const auto& one) {
        const bool goes_first = to_stop_.contains(one.first) || one.second->standing().want == Want::stopped;
        return one.first != id && goes_first && one.second->has_process() &&
               needs(one.second->application(), id);
    });
    return here || std::ranges::any_of(elsewhere_, [&](const auto& one) {
               return one.second.goes_first && one.second.needs.contains(id);
           });
}

void Supervisor::stop_those_that_may()
{
    std::set<ApplicationId> free;
    for (const ApplicationId id : to_stop_) {
        if (!is_needed(id)) free.insert(id);
    }
    for (const ApplicationId id : free) {
        to_stop_.erase(id);
        pairs_.order(*applications_.at(id), Want::stopped);
    }
}

Result<void> Supervisor::learn(const Json& parameters)
{
    std::map<ApplicationId, Elsewhere> now;
    const Json applications = parameters.value("applications", Json::object());
    for (const auto& [key, json] : applications.items()) {
        ApplicationId id = 0;
        if (std::from_chars(key.data(), key.data() + key.size(), id).ec != std::errc{})
            return fail(ErrorKind::usage, fmt::format("\"{}\" is no application's number", key));
        Elsewhere& other = now[id];
        const auto before = elsewhere_.find(id);
        if (json.at("started").get<bool>())
            other.started = before != elsewhere_.end() && before->second.started ? before->second.started
                                                                                 : site::boot_now();
        json.at("goes_first").get_to(other.goes_first);
        json.at("needs").get_to(other.needs);
        other.partner = json.value("partner", ApplicationId{0});
    }
    elsewhere_ = std::move(now);
    follow_up();
    return {};
}

void Supervisor::forget_those_that_may()
{
    std::erase_if(to_forget_, [&](ApplicationId id) {
        const auto found = applications_.find(id);
        if (found == applications_.end()) return true;
        if (found->second->has_process() || to_stop_.contains(id)) return false;
        found->second->detach();
        pairs_.forget(id);
        applications_.erase(found);
        moved_at_.erase(id);
        folder_.forget(id);
        if (groups_) groups_->remove(host::application_group(id));
        return true;
    });
}

/// Descriptions of a thousand applications, and an answer about them, leave twice as much memory in pieces as
/// the applications need; the kernel gets it back when the question is over.
void Supervisor::give_memory_back()
{
    if (std::exchange(gives_back_, true)) return;
    loop_.at(site::boot_now() + gives_back_after, [this] {
        gives_back_ = false;
        malloc_trim(0);
    });
}

void Supervisor::stop_all(std::function<void()> stopped)
{
    stopped_ = std::move(stopped);
    std::set<ApplicationId> all;
    for (const auto& [id, supervised] : applications_) all.insert(id);
    want(all, Want::stopped, false);
}

void Supervisor::keep_for_renewal()
{
    pairs_.keep_for_renewal();
    for (const auto& [id, supervised] : applications_) supervised->keep_for_renewal();
    output_->flush();
}

void Supervisor::detach()
{
    for (const auto& [id, supervised] : applications_) supervised->detach();
}

/// In the loop's thread, for somebody who waits in another.
Result<Json> Supervisor::in_loop(const std::function<Result<Json>()>& what)
{
    std::promise<Result<Json>> done;
    loop_.post([&] {
        try {
            done.set_value(what());
        } catch (const Json::exception& problem) {
            done.set_value(fail(ErrorKind::usage, problem.what()));
        }
    });
    return done.get_future().get();
}

std::vector<site::Method> Supervisor::methods()
{
    using site::Call;
    using site::Reply;
    using site::Right;
    const auto method = [this](std::function<Result<Json>(const Json&)> answer) {
        return [this, answer = std::move(answer)](const Call& call) -> Result<Reply> {
            Json answered = TRY(in_loop([&] { return answer(call.parameters); }));
            return Reply{std::move(answered)};
        };
    };
    const auto hello = [this](const Json&) -> Result<Json> {
        return Json{{"version", BELAY_VERSION}, {"pid", getpid()}, {"applications", applications_.size()}};
    };
    const auto watch = [this](const Call&) -> Result<Reply> {
        Json revision = TRY(in_loop([this]() -> Result<Json> { return Json{{"revision", revision_}}; }));
        return Reply{.parameters = std::move(revision), .topic = applications_topic};
    };
    const auto describe_them = [this](const Json& parameters) -> Result<Json> {
        give_memory_back();
        TRY(describe(parameters));
        return Json::object();
    };
    const auto learn_it = [this](const Json& parameters) -> Result<Json> {
        TRY(learn(parameters));
        return Json::object();
    };
    const auto pair_key = [this](const Json&) { return pairs_.address(); };
    // Names are looked up before the loop is asked, which must not wait for that.
    const auto pairs = [this](const Call& call) -> Result<Reply> {
        const Json resolved = Pairs::resolved(call.parameters);
        Json answer = TRY(in_loop([&]() -> Result<Json> {
            TRY(pairs_.set(resolved));
            return Json::object();
        }));
        return Reply{std::move(answer)};
    };
    const auto hand_over = [this](const Json& parameters) -> Result<Json> {
        TRY(pairs_.hand_over(TRY(application_in(parameters))));
        return Json::object();
    };
    const auto take_over = [this](const Json& parameters) -> Result<Json> {
        TRY(pairs_.take_over(TRY(application_in(parameters))));
        return Json::object();
    };
    const auto standing = [this](const Json& parameters) -> Result<Json> {
        const auto after = parameters.value("after", uint64_t{0});
        const auto only = parameters.value("only", ApplicationId{0});
        if (after == 0 && only == 0) give_memory_back();
        return standings(after, parameters.value("use", false), only);
    };
    const auto renew = [this](const Json&) -> Result<Json> {
        loop_.post(options_.renew);
        return Json::object();
    };
    return {{"Hello", Right::view, method(hello)},
            {"Describe", Right::administer, method(describe_them)},
            {"Order", Right::operate, method([this](const Json& parameters) { return order(parameters); })},
            {"Elsewhere", Right::administer, method(learn_it)},
            {"PairKey", Right::view, method(pair_key)},
            {"Pairs", Right::administer, pairs},
            {"HandOver", Right::operate, method(hand_over)},
            {"TakeOver", Right::operate, method(take_over)},
            {"Standings", Right::view, method(standing)},
            {"Watch", Right::view, watch},
            {"Renew", Right::administer, method(renew)}};
}

}  // namespace belay::supervisor
