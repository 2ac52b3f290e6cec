#include "upgrade/iosxe/console.h"

namespace belay::upgrade::iosxe {

Console::~Console()
{
    std::map<std::string, std::shared_ptr<Job>> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs = jobs_;
    }
    for (const auto& [device, job] : jobs) job->thread.request_stop();
    for (const auto& [device, job] : jobs)
        if (job->thread.joinable()) job->thread.join();
}

Result<DeviceLook> Console::look(const std::string& device)
{
    const std::unique_ptr<Terminal> terminal = TRY(options_.terminal(device, ""));
    return look_by(device, *terminal);
}

Result<DeviceLook> Console::look_by(const std::string& device, Terminal& terminal)
{
    std::set<std::string> lines;
    for (const Line& line : look_lines()) lines.insert(line.text);
    SpokenFor spoken(terminal, std::move(lines));
    uint64_t before = 0;
    {
        const std::lock_guard lock(mutex_);
        before = turns_[device];
    }
    Result<DeviceLook> look = iosxe::look(spoken);
    const std::lock_guard lock(mutex_);
    if (look && turns_[device] == before)
        seen_.insert_or_assign(device, Seen{.at = options_.now(), .look = *look});
    else
        seen_.erase(device);
    return look;
}

Result<DeviceLook> Console::recent_look(const std::string& device)
{
    {
        const std::lock_guard lock(mutex_);
        const auto found = seen_.find(device);
        if (found != seen_.end() && options_.now() - found->second.at < options_.fresh)
            return found->second.look;
    }
    return look(device);
}

std::optional<Console::Way> Console::way_of(const std::string& device) const
{
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(device);
    return found == jobs_.end() ? std::nullopt : std::optional(found->second->way);
}

bool Console::is_at(const std::string& device, std::string_view name) const
{
    const std::optional<Way> way = way_of(device);
    return way && !way->has_ended && way->name == name;
}

std::optional<Error> Console::take_problem(const std::string& device, std::string_view name)
{
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(device);
    if (found == jobs_.end() || !found->second->way.has_ended || found->second->way.name != name)
        return std::nullopt;
    return std::exchange(found->second->way.problem, std::nullopt);
}

void Console::turn(const std::string& device)
{
    ++turns_[device];
    seen_.erase(device);
}

void Console::change(const std::string& device, const std::function<void(Way&)>& how)
{
    const std::lock_guard lock(mutex_);
    if (const auto found = jobs_.find(device); found != jobs_.end()) how(found->second->way);
}

Result<void> Console::begin(const std::string& device, std::string name, const std::string& transcript,
                            std::set<std::string> lines, Deed deed)
{
    for (const Line& line : look_lines()) lines.insert(line.text);
    std::unique_ptr<Terminal> terminal = TRY(options_.terminal(device, transcript));
    std::shared_ptr<Job> before;  // its thread is over, and is waited for without the mutex
    const auto begun = std::make_shared<Job>();
    // Not an owner: a thread cannot wait for itself.
    auto work = [this, device, job = begun.get(), lines = std::move(lines), deed = std::move(deed),
                 own = std::shared_ptr<Terminal>(std::move(terminal))](const std::stop_token& stop) {
        SpokenFor spoken(*own, lines);
        Work at_work(*this, device, spoken, stop);
        const Result<void> done = deed(at_work);
        const std::lock_guard lock(mutex_);
        turn(device);
        job->way.has_ended = true;
        job->way.ended_at = options_.now();
        if (!done) job->way.problem = done.error();
    };
    {
        const std::lock_guard lock(mutex_);
        const auto found = jobs_.find(device);
        if (found != jobs_.end() && !found->second->way.has_ended)
            return fail(ErrorKind::busy,
                        fmt::format("\"{}\" is on its way on {}", found->second->way.name, device));
        if (found != jobs_.end()) before = found->second;
        turn(device);
        begun->way.name = std::move(name);
        jobs_.insert_or_assign(device, begun);
        if (!options_.at_once) {
            begun->thread = std::jthread(std::move(work));
            return {};
        }
    }
    work(std::stop_token());
    return {};
}

void Console::end(const std::string& device)
{
    std::shared_ptr<Job> job;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = jobs_.find(device); found != jobs_.end()) job = found->second;
    }
    if (!job) return;
    job->thread.request_stop();
    const std::lock_guard only_one(job->joining);
    if (job->thread.joinable()) job->thread.join();
}

bool Console::is_unsettled(const std::string& device) const
{
    const Clock::time_point now = options_.now();
    if (now - began_ < options_.settles) return true;
    const std::optional<Way> way = way_of(device);
    return way && way->has_ended && way->is_lost && now - way->ended_at < options_.settles;
}

bool Console::holds_long(const std::string& device, const std::string& what, bool holds)
{
    const std::lock_guard lock(mutex_);
    const auto key = std::pair(device, what);
    if (!holds) {
        since_.erase(key);
        return false;
    }
    const Clock::time_point since = since_.try_emplace(key, options_.now()).first->second;
    return options_.now() - since >= options_.settles;
}

void Console::note(const std::string& device, const std::string& what, std::string sentence)
{
    const std::lock_guard lock(mutex_);
    notes_[{device, what}] = std::move(sentence);
}

std::string Console::noted(const std::string& device, const std::string& what) const
{
    const std::lock_guard lock(mutex_);
    const auto found = notes_.find({device, what});
    return found == notes_.end() ? std::string() : found->second;
}

Result<Answer> Console::Work::type(const Line& line)
{
    std::vector<Answer> answers = TRY(type(std::vector{line}));
    return std::move(answers.back());
}

Result<std::vector<Answer>> Console::Work::type(const std::vector<Line>& lines)
{
    const auto said = [this](const std::string& text) {
        if (!text.empty()) say(text);
        return !stop_.stop_requested();
    };
    Result<std::vector<Answer>> answers = terminal_.type(lines, said);
    const bool is_lost = answers ? answers->back().lost : is_loss(answers.error());
    console_.change(device_, [&](Way& way) { way.is_lost = is_lost; });
    return answers;
}

Result<void> Console::Work::carry(const std::string& file, const std::string& to)
{
    return terminal_.carry(file, to, [this](uint64_t done, uint64_t total) {
        console_.change(device_, [&](Way& way) {
            way.done = done;
            way.total = total;
        });
        return !stop_.stop_requested();
    });
}

Result<DeviceLook> Console::Work::look()
{
    return console_.look_by(device_, terminal_);
}

Result<void> Console::Work::pause()
{
    if (console_.options_.at_once) {
        console_.options_.rest(console_.options_.pace);
        return {};
    }
    std::unique_lock lock(console_.mutex_);
    // Nobody wakes it but the end of the daemon.
    console_.ended_.wait_for(lock, stop_, console_.options_.pace, [] { return false; });
    if (stop_.stop_requested()) return fail(ErrorKind::unavailable, "it was ended");
    return {};
}

void Console::Work::say(std::string text)
{
    console_.change(device_, [&](Way& way) {
        way.says = std::move(text);
        ++way.said;
    });
}

bool Console::Work::is_loss(const Error& error)
{
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout ||
           error.kind == ErrorKind::lost || error.kind == ErrorKind::failed ||
           error.kind == ErrorKind::corrupt;
}

}  // namespace belay::upgrade::iosxe
