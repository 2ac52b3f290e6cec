// One application: what it is asked and asks, and what is kept of it. Its processes: supervised_process.cpp.

#include "supervisor/supervised.h"

#include "supervisor/asking.h"

#include <array>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::supervision::Gate;
using framework::supervision::Phase;
using framework::supervision::Question;
using framework::supervision::Role;
using framework::supervision::Topic;
using framework::supervision::Want;

constexpr Milliseconds between_looks_at_gates = std::chrono::milliseconds(500);
constexpr size_t most_read = 64 << 10;
constexpr int most_reads_in_a_row = 16;

/// It is kept for long, so without the room that it grew in.
std::string text_of(const Application& application)
{
    std::string text = json_text(Json(application));
    text.shrink_to_fit();
    return text;
}

}  // namespace

Supervised::Supervised(const Ground& ground, Application application)
    : ground_(ground),
      life_(std::make_shared<const Application>(std::move(application)), *this),
      described_(text_of(life_.application()))
{
}

Supervised::~Supervised()
{
    detach();
}

void Supervised::after(const std::function<void()>& what)
{
    what();
    arm();
}

void Supervised::order(Want want)
{
    after([&] { life_.order(want, site::boot_now()); });
}

void Supervised::restart()
{
    after([&] { life_.restart(site::boot_now()); });
}

void Supervised::play(Role role)
{
    after([&] { life_.play(role); });
}

void Supervised::drain()
{
    after([&] { life_.drain(); });
}

void Supervised::serve()
{
    after([&] { life_.serve(); });
}

void Supervised::replace()
{
    after([&] { life_.replace(site::boot_now()); });
}

void Supervised::end_now(std::string reason)
{
    after([&] { life_.end_now(std::move(reason), site::boot_now()); });
}

void Supervised::describe(Application application)
{
    described_ = text_of(application);
    const bool has_other_gates = this->application().gates != application.gates;
    after([&] {
        life_.describe(std::make_shared<const Application>(std::move(application)), site::boot_now());
    });
    limit();
    if (has_process() && has_other_gates) watch_renewals();
    keep(record());
}

bool Supervised::awaits_restart() const
{
    return life_.running() && application().differs_for_next_start(*life_.running());
}

std::optional<host::ControlGroup::Use> Supervised::use() const
{
    if (auto of_group = group_ ? group_->use() : std::nullopt) return of_group;
    const auto of_first = has_process() ? host::use_of(pid()) : std::nullopt;
    if (!of_first) return std::nullopt;
    return host::ControlGroup::Use{.memory = of_first->memory,
                                   .processes = 1,
                                   .processor_microseconds = of_first->processor_microseconds};
}

// --- what it says ---

void Supervised::read_output()
{
    if (!pipe_) return;
    std::array<char, most_read> room;  // NOLINT: it is filled by read()
    const Milliseconds wall = ground_.wall();
    // The others want their turn as well.
    for (int turn = 0; turn < most_reads_in_a_row; ++turn) {
        const ssize_t count = read(pipe_->read_end.number(), room.data(), room.size());
        if (count <= 0) return;
        ground_.output.take(application().id, application().name,
                            std::string_view(room.data(), static_cast<size_t>(count)), wall);
    }
}

void Supervised::read_notices()
{
    if (!notify_) return;
    // What is said waits in the socket until what follows from it is written down. Of a process that has
    // begun meanwhile nothing is there yet.
    const host::ProcessName said_by = process_name_;
    while (const auto text = notify_->look()) {
        after([&] { life_.notified(*text, site::boot_now()); });
        if (!notify_ || process_name_ != said_by) return;
        notify_->drop();
    }
}

// --- what it is asked ---

void Supervised::ask(Topic topic, const Question& question, Milliseconds at)
{
    ask_no_more();
    const uint64_t number = asked_;
    const auto answered = [this, topic, number, alive = std::weak_ptr(there_)](const Result<void>& answer) {
        if (alive.expired() || detached_ || number != asked_) return;
        after([&] { life_.answered(topic, answer, site::boot_now()); });
    };
    question_ = ground_.loop.at(at, [this, question, answered] {
        question_.reset();
        const auto begun = ground_.workers.run([question, account = account_, answered] {
            const Result<void> answer = supervisor::ask(question, account);
            return [answered, answer] { answered(answer); };
        });
        if (!begun) answered(std::unexpected(begun.error()));
    });
}

void Supervised::ask_no_more()
{
    ++asked_;
    if (question_) ground_.loop.cancel(*std::exchange(question_, std::nullopt));
}

void Supervised::await(const std::vector<Gate>& gates)
{
    ++awaited_;
    if (gate_look_) ground_.loop.cancel(*std::exchange(gate_look_, std::nullopt));
    gates_ = gates;
    if (gates_.empty()) return;
    gate_look_ = ground_.loop.at(site::boot_now(), [this] {
        gate_look_.reset();
        look_at_gates();
    });
}

/// Another application tells by itself; files and ports are looked at again and again, but only while
/// something waits for them.
void Supervised::look_at_gates()
{
    std::vector<Gate> others;
    for (const Gate& gate : gates_) {
        if (gate.kind != Gate::Kind::application)
            others.push_back(gate);
        else if (!ground_.started_since(gate.application))
            return;
    }
    if (others.empty()) return gates_seen({}, awaited_);
    const auto seen = [this, round = awaited_, alive = std::weak_ptr(there_)](const Result<void>& open) {
        if (!alive.expired() && !detached_) gates_seen(open, round);
    };
    const auto begun = ground_.workers.run([others, seen, wall = ground_.wall()] {
        const Result<void> open = look_at(others, wall);
        return [seen, open] { seen(open); };
    });
    if (!begun) seen(std::unexpected(begun.error()));
}

void Supervised::gates_seen(const Result<void>& open, uint64_t round)
{
    if (round != awaited_ || gates_.empty()) return;
    if (open) {
        gates_.clear();
        return after([&] { life_.gates_open(site::boot_now()); });
    }
    if (gate_look_) return;
    gate_look_ = ground_.loop.at(site::boot_now() + between_looks_at_gates, [this] {
        gate_look_.reset();
        look_at_gates();
    });
}

void Supervised::look_again()
{
    if (!gates_.empty() && !gate_look_) look_at_gates();
    const bool comes_back = standing().phase == Phase::failed && standing().want == Want::running &&
                            std::ranges::any_of(application().gates, [&](const Gate& gate) {
                                if (gate.kind != Gate::Kind::application) return false;
                                const auto since = ground_.started_since(gate.application);
                                return since && *since > standing().since;
                            });
    // What it needs was away, and has come back: it failed for that, as far as anybody can tell.
    if (comes_back) order(Want::running);
}

// --- files with which it was started ---

void Supervised::watch_renewals()
{
    forget_renewals();
    for (const Gate& gate : application().gates) {
        if (gate.kind != Gate::Kind::file || !gate.restart_when_renewed) continue;
        Result<host::RenewedFile> file = host::RenewedFile::open(gate.path);
        if (!file) {
            ground_.said(file.error().what);
            continue;
        }
        Renewal& renewal = *renewals_.emplace_back(
            std::make_unique<Renewal>(gate.path, host::version_of(gate.path), std::move(*file), Watched()));
        watch(renewal.watched, renewal.file.descriptor(), [this, &renewal] {
            if (renewal.file.take()) renewed(renewal.path);
        });
    }
}

void Supervised::forget_renewals()
{
    for (const auto& renewal : renewals_) forget(renewal->watched);
    renewals_.clear();
}

void Supervised::renewed(const std::string& path)
{
    const bool runs = standing().phase == Phase::starting || standing().phase == Phase::started ||
                      standing().phase == Phase::unavailable;
    if (!runs || standing().want != Want::running) return;
    ground_.said(fmt::format("{} is renewed: {} is restarted", path, application().name));
    restart();
}

/// While there was no supervisor.
void Supervised::look_whether_renewed()
{
    for (const auto& renewal : renewals_) {
        if (renewal->version != host::version_of(renewal->path)) return renewed(renewal->path);
    }
}

// --- its record and its time ---

void Supervised::limit()
{
    const auto& limits = application().limits;
    if (group_) {
        not_in_force_ = group_->limit(
            {.memory = limits.memory, .processor = limits.processor, .processes = limits.processes});
        return;
    }
    not_in_force_.clear();
    if (limits.memory) not_in_force_.emplace_back("memory");
    if (limits.processes) not_in_force_.emplace_back("processes");
    if (limits.processor) not_in_force_.emplace_back("processor");
}

void Supervised::moved()
{
    keep(record());
    ground_.moved(application().id);
}

Record Supervised::record() const
{
    Record record{.described = application(), .want = standing().want, .phase = standing().phase};
    record.past = life_.past();
    if (has_process() && process_name_.pid != 0) {
        record.process = process_name_;
        for (const auto& renewal : renewals_) record.files[renewal->path] = renewal->version;
        if (*life_.running() != application()) record.running = *life_.running();
    }
    return record;
}

void Supervised::keep(const Record& record)
{
    if (detached_) return;
    if (const Result<void> kept = ground_.folder.keep(record, described_); !kept)
        ground_.said(kept.error().what);
}

void Supervised::arm()
{
    const auto deadline = life_.next_deadline();
    if (timer_ && deadline && armed_ == *deadline) return;
    if (timer_) ground_.loop.cancel(*std::exchange(timer_, std::nullopt));
    if (!deadline || detached_) return;
    armed_ = *deadline;
    timer_ = ground_.loop.at(armed_, [this] {
        timer_.reset();
        after([&] { life_.time(site::boot_now()); });
    });
}

void Supervised::detach()
{
    if (detached_) return;
    detached_ = true;
    ask_no_more();
    await({});
    if (timer_) ground_.loop.cancel(*timer_);
    if (clearing_) ground_.loop.cancel(*clearing_);
    forget(on_process_);
    forget(on_output_);
    forget(on_notify_);
    forget_renewals();
}

}  // namespace belay::supervisor
