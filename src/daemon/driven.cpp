#include "daemon/driven.h"

#include <algorithm>
#include <chrono>

namespace belay::daemon {
namespace {

using upgrade::driver::DriverProgram;
using upgrade::driver::Look;
using upgrade::driver::Role;
using upgrade::driver::Verb;

constexpr auto between_looks_at_driven = std::chrono::seconds(5);

/// The version in a path of the library: FOLDER/NAME/VERSION/...; empty: it is elsewhere.
std::string version_in(std::string_view path, const std::string& images)
{
    if (!path.starts_with(images + "/")) return "";
    path.remove_prefix(images.size() + 1);
    const size_t name = path.find('/');
    if (name == std::string_view::npos) return "";
    path.remove_prefix(name + 1);
    return std::string(path.substr(0, path.find('/')));
}

}  // namespace

Driven::Driven(host::Host& host, std::string images, std::function<void()> moved)
    : host_(host), images_(std::move(images)), moved_(std::move(moved))
{
}

/// Their threads are waited for without the mutex, which they take.
Driven::~Driven()
{
    std::map<std::string, std::shared_ptr<Work>> works;
    {
        const std::lock_guard lock(mutex_);
        works.swap(works_);
    }
    works.clear();
    watcher_.request_stop();
    wake_.notify_all();
}

void Driven::configured(const std::vector<framework::supervision::Driven>& all,
                        const framework::supervision::Images& images)
{
    const std::lock_guard lock(mutex_);
    std::map<std::string, Known> known;
    for (const framework::supervision::Driven& one : all) {
        Known& entry = known[one.name];
        if (const auto before = known_.find(one.name); before != known_.end()) entry = before->second;
        entry.described = one;
        entry.ask = {.argv = one.driver};
        const auto image = images.find(one.image);
        if (image == images.end()) continue;
        entry.ask.image_folder = image->second.folder;
        entry.ask.image_version = image->second.version;
    }
    known_ = std::move(known);
    is_due_ = true;
    wake_.notify_all();
    if (!known_.empty() && !watcher_.joinable())
        watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

bool Driven::has(const std::string& name) const
{
    const std::lock_guard lock(mutex_);
    return known_.contains(name);
}

Result<Driven::Known> Driven::find(const std::string& member) const
{
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(member);
    if (found != known_.end()) return found->second;
    return fail(ErrorKind::not_found, fmt::format("there is no application \"{}\" on this host", member),
                "belay app list");
}

void Driven::watch(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        look_at_all();
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, between_looks_at_driven, [this] { return is_due_; });
        is_due_ = false;
    }
}

void Driven::look_at_all()
{
    std::map<std::string, Known> all;
    {
        const std::lock_guard lock(mutex_);
        all = known_;
    }
    bool has_moved = false;
    for (auto& [name, known] : all) {
        const Result<Look> looked = DriverProgram(host_, known.ask).look();
        const auto now = host_.now();
        const std::lock_guard lock(mutex_);
        const auto found = known_.find(name);
        if (found == known_.end()) continue;
        const bool is_same = looked.has_value() == found->second.looked.has_value() &&
                             (looked ? *looked == *found->second.looked
                                     : looked.error().what == found->second.looked.error().what);
        if (is_same) continue;
        has_moved = true;
        found->second.looked = looked;
        if (now) found->second.since = now->wall;
    }
    if (has_moved) moved_();
}

Driven::Doing Driven::doing(const std::string& member) const
{
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(member);
    if (found == works_.end()) return {};
    const Work& work = *found->second;
    return {.verb = work.verb, .is_working = !work.has_ended, .problem = work.problem};
}

upgrade::Standing Driven::standing_of(const Doing& doing, const Look& look) const
{
    using upgrade::Part;
    const auto& [verb, is_working, problem] = doing;
    upgrade::Standing standing;
    standing.part = look.role == Role::active ? Part::active : Part::standby;
    standing.is_handing = is_working && (verb == Verb::stand_by || verb == Verb::take_over);
    standing.is_prepared = !is_working && verb == Verb::take_over && !problem && look.role == Role::standby;
    // One that is taking over is ready to all the while: it may take longer than a gate has patience.
    const bool is_kept = is_working && verb != Verb::take_over;
    standing.is_ready = !is_kept && (look.role == Role::active || (look.role == Role::standby && look.hot));
    standing.is_coming = !standing.is_ready && (is_working || look.role == Role::standby);
    // One that is hot has it from the other one.
    standing.other_is_ready = look.role != Role::none && look.hot;
    standing.has_process = look.role != Role::none;
    standing.version = version_in(look.runs_from, images_);
    standing.program = look.runs_from;
    standing.says = problem ? problem->what : look.says;
    standing.takes_over = std::ranges::find(look.offers, Verb::take_over) != look.offers.end();
    standing.starts_by_itself = look.starts_by_itself;
    return standing;
}

Result<upgrade::Standing> Driven::look(const std::string& member)
{
    const Known known = TRY(find(member));
    // Before it is looked at: what ends meanwhile may not be seen yet.
    const Doing now = doing(member);
    const Look looked = TRY(DriverProgram(host_, known.ask).look());
    upgrade::Standing standing = standing_of(now, looked);
    standing.driver = known.ask.argv;
    return standing;
}

Result<void> Driven::begin(const std::string& member, Verb verb)
{
    const Known known = TRY(find(member));
    std::shared_ptr<Work> ended;  // its thread is over, and is waited for without the mutex
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Work>& work = works_[member];
    if (work && !work->has_ended) return {};
    ended = std::exchange(work, std::make_shared<Work>());
    work->verb = verb;
    work->thread = std::jthread([this, member, verb, ask = known.ask] {
        DriverProgram program(host_, ask);
        const Result<void> done = upgrade::driver::perform(program, verb);
        const std::lock_guard lock_at_end(mutex_);
        is_due_ = true;
        wake_.notify_all();
        const auto found = works_.find(member);
        if (found == works_.end()) return;
        found->second->has_ended = true;
        if (!done) found->second->problem = done.error();
    });
    return {};
}

Result<void> Driven::let_other_serve(const std::string& member)
{
    return begin(member, Verb::stand_by);
}

Result<void> Driven::take_over(const std::string& member)
{
    return begin(member, Verb::take_over);
}

Result<void> Driven::restart(const std::string& member)
{
    return begin(member, Verb::restart);
}

Json Driven::lines(const std::string& host) const
{
    const std::lock_guard lock(mutex_);
    Json all = Json::array();
    for (const auto& [name, known] : known_) {
        Json line = {{"id", known.described.id},
                     {"name", name},
                     {"host", host},
                     {"wanted", "running"},
                     {"command", known.described.driver},
                     {"needs", Json::array()},
                     {"since_ms", known.since.count() == 0 ? Json() : Json(known.since.count())},
                     {"driver", true},
                     {"image", nullptr}};
        if (!known.looked) {
            line["phase"] = "unknown";
            line["reason"] = known.looked.error().what;
            all.push_back(std::move(line));
            continue;
        }
        const Look& look = *known.looked;
        const bool serves = look.role == Role::active;
        line["phase"] = look.role == Role::none ? "stopped" : "started";
        line["reason"] = look.says;
        line["role"] = serves ? "primary" : look.role == Role::standby ? "backup" : "none";
        line["pair"] = {{"held", serves}, {"serves", serves}, {"other_ready", serves && look.hot}};
        line["image"] = {{"name", known.described.image},
                         {"version", version_in(look.runs_from, images_)},
                         {"program", look.runs_from}};
        all.push_back(std::move(line));
    }
    return all;
}

}  // namespace belay::daemon
