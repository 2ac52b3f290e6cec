#include "supervisor/supervised.h"

#include "base/invariant.h"
#include "host/program.h"
#include "supervisor/asking.h"
#include "supervisor/fence.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::supervision::Begun;
using framework::supervision::Ended;
using framework::supervision::Gate;
using framework::supervision::HeldSocket;
using framework::supervision::Orders;
using framework::supervision::Phase;
using framework::supervision::Question;
using framework::supervision::Role;
using framework::supervision::Topic;
using framework::supervision::Want;
using framework::supervision::Word;

constexpr Milliseconds between_looks_at_gates = std::chrono::milliseconds(500);
constexpr Milliseconds between_looks_at_strays = std::chrono::milliseconds(2);
constexpr Milliseconds between_looks_for_end = std::chrono::milliseconds(1);
constexpr int most_looks_for_end = 500;
constexpr size_t first_passed = 3;
constexpr size_t most_read = 64 << 10;
constexpr int most_reads_in_a_row = 16;
constexpr int most_refused = 65'536;

/// It is kept for long, so without the room that it grew in.
std::string text_of(const Application& application)
{
    std::string text = json_text(Json(application));
    text.shrink_to_fit();
    return text;
}

host::ListenAt place_of(const HeldSocket& socket)
{
    return {.address = socket.address, .port = socket.port, .datagrams = socket.datagrams};
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

// --- its processes ---

/// A new one where the one before was ended by force: since Linux 6.14 a process that clone3() makes in such
/// a group is killed at once (it compares the count of kills of its group with that of its parent's).
Result<void> Supervised::open_group()
{
    if (!ground_.groups || (group_ && !group_is_spent_)) return {};
    group_.reset();
    if (group_is_spent_) ground_.groups->remove(group_name());
    group_ = TRY(ground_.groups->group(group_name()));
    group_is_spent_ = false;
    limit();
    return {};
}

int Supervised::held_at(const HeldSocket& place) const
{
    for (size_t i = 0; i < held_.size() && i < held_as_.size(); ++i) {
        if (place_of(held_as_[i]) == place_of(place)) return held_[i].number();
    }
    return -1;
}

void Supervised::refuse_those_who_wait() const
{
    for (size_t i = 0; i < held_.size() && i < held_as_.size(); ++i) {
        if (held_as_[i].datagrams) continue;
        pollfd waits{.fd = held_[i].number(), .events = POLLIN, .revents = 0};
        for (int count = 0; count < most_refused && poll(&waits, 1, 0) == 1; ++count) {
            const host::Descriptor caller(accept4(held_[i].number(), nullptr, nullptr, SOCK_CLOEXEC));
            // At once, and not in good order: it is to try again.
            const linger at_once{.l_onoff = 1, .l_linger = 0};
            setsockopt(caller.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
    }
}

/// Two of a pair on one host may have one socket together: calls wait there for whichever serves.
Result<host::Descriptor> Supervised::held_socket(const Application& application,
                                                 const HeldSocket& socket) const
{
    const int shared = application.pair ? ground_.held_by(application.pair->other, socket) : -1;
    if (shared < 0) return host::listen_on(place_of(socket));
    host::Descriptor ours(fcntl(shared, F_DUPFD_CLOEXEC, 0));
    if (!ours) return std::unexpected(system_error("share a socket", errno));
    return ours;
}

Result<void> Supervised::open_sockets(const Application& application)
{
    if (held_as_ != application.sockets) {
        held_.clear();
        held_as_.clear();
        for (const HeldSocket& socket : application.sockets) {
            host::Descriptor listener = TRY(held_socket(application, socket));
            held_.push_back(std::move(listener));
        }
        held_as_ = application.sockets;
    }
    // Each time: who had it before may have set it otherwise.
    for (size_t i = 0; i < held_.size(); ++i)
        TRY(host::set_nonblocking(held_[i].number(), held_as_[i].nonblocking));
    return {};
}

Result<void> Supervised::open_output()
{
    if (pipe_) return {};
    pipe_ = TRY(host::open_output_pipe(ground_.folder.output_of(application().id)));
    watch(on_output_, pipe_->read_end.number(), [this] { read_output(); });
    return {};
}

/// Made anew for each process: nobody reads what was for the one before.
Result<void> Supervised::open_orders(const Application& application)
{
    orders_.reset();
    if (application.orders.kind != Orders::Kind::pipe) return {};
    const std::string path = ground_.folder.orders_of(application.id);
    unlink(path.c_str());
    orders_ = TRY(host::open_output_pipe(path));
    return {};
}

Result<void> Supervised::open_notify(const Application& application)
{
    forget(on_notify_);
    notify_.reset();
    if (!application.notifies()) return {};
    notify_ = TRY(host::NotifySocket::open(ground_.folder.notify_of(application.id),
                                           account_ ? account_->user : geteuid()));
    watch(on_notify_, notify_->descriptor(), [this] { read_notices(); });
    return {};
}

Result<host::Launch> Supervised::launch_of(const Application& application)
{
    host::Launch launch;
    launch.program = TRY(host::program_path(application.command.front()));
    launch.argv = application.command;
    launch.folder = application.working_directory;
    launch.output = pipe_->write_end.number();
    launch.account = account_;
    launch.open_files = application.limits.open_files;
    launch.no_new_privileges = application.sandbox.no_new_privileges;
    launch.private_tmp = application.sandbox.private_tmp;
    launch.read_only = application.sandbox.read_only;
    if (application.sandbox.capabilities)
        launch.capabilities = TRY(host::capability_mask(*application.sandbox.capabilities));
    for (const auto& [name, value] : application.environment)
        launch.environment.push_back(fmt::format("{}={}", name, value));
    for (const host::Descriptor& socket : held_) launch.passed.push_back(socket.number());
    for (const HeldSocket& socket : held_as_) launch.passed_names.push_back(socket.name);
    if (orders_) {
        launch.environment.push_back(fmt::format("BELAY_ORDERS_FD={}", first_passed + launch.passed.size()));
        launch.passed.push_back(orders_->write_end.number());
    }
    if (notify_) {
        launch.environment.push_back("NOTIFY_SOCKET=" + ground_.folder.notify_of(application.id));
        // Not for its use: with it the next supervisor gets back what waits in there when we die.
        launch.passed.push_back(notify_->descriptor());
    }
    if (application.pair) {
        const std::string page = Fence::page_of(ground_.folder.path(), application.id);
        TRY(host::LeasePage::open(page));
        lease_ = TRY(host::LeasePage::readable(page));
        launch.environment.push_back(fmt::format("BELAY_LEASE_FD={}", first_passed + launch.passed.size()));
        launch.passed.push_back(lease_.number());
    }
    if (application.heartbeat)
        launch.environment.push_back(fmt::format("WATCHDOG_USEC={}", application.heartbeat->count() * 1000));
    if (standing().role != Role::none)
        launch.environment.push_back(fmt::format("BELAY_ROLE={}", name_of(standing().role)));
    if (group_) launch.control_group = group_->folder();
    return launch;
}

Result<Begun> Supervised::start(const Application& application)
{
    account_.reset();
    if (!application.user.empty()) account_ = TRY(host::account_named(application.user));
    TRY(open_group());
    TRY(open_output());
    TRY(host::give_to(*pipe_, account_ ? account_->user : geteuid()));
    TRY(open_notify(application));
    TRY(open_sockets(application));
    TRY(open_orders(application));
    watch_renewals();
    host::Launch launch = TRY(launch_of(application));
    Result<std::shared_ptr<host::Launching>> launching = host::begin_launch(std::move(launch));
    lease_.close();
    launching_ = TRY(std::move(launching));
    host::Launched& launched = launching_->process();
    process_name_ = {.pid = launched.pid, .started = launched.started};
    TRY(watch_process(std::move(launched.process)));
    ground_.begun(application.id);
    return Begun::on_its_way;
}

bool Supervised::conclude_launch(Milliseconds patience)
{
    if (!launching_ && !was_left_on_its_way_) return true;
    if (launching_ ? !launching_->has_arrived(patience) : !host::is_its_program(process_name_.pid))
        return false;
    was_left_on_its_way_ = false;
    const auto launching = std::exchange(launching_, nullptr);
    const Result<void> launched = launching ? launching->finish() : Result<void>();
    after([&] { launched ? life_.launched(site::boot_now()) : life_.not_launched(launched.error()); });
    return true;
}

Result<void> Supervised::watch_process(host::Descriptor process)
{
    process_ = std::move(process);
    on_process_.id =
        TRY(ground_.loop.watch(process_.number(), EPOLLIN, [this](uint32_t) { process_ended(); }));
    on_process_.is_set = true;
    return {};
}

void Supervised::watch(Watched& watched, int descriptor, std::function<void()> ready)
{
    forget(watched);
    const auto id =
        ground_.loop.watch(descriptor, EPOLLIN, [ready = std::move(ready)](uint32_t) { ready(); });
    if (!id) return ground_.said(id.error().what);
    watched = {.id = *id, .is_set = true};
}

void Supervised::forget(Watched& watched)
{
    if (watched.is_set) ground_.loop.forget(watched.id);
    watched = {};
}

void Supervised::process_ended()
{
    forget(on_process_);
    static_cast<void>(conclude_launch(Milliseconds{0}));  // one that has ended has arrived
    if (const auto end = host::end_of(process_.number())) {
        // The supervisor after this one is told, should this one die before it has written down what follows.
        RunFolder::add_end(ground_.folder.path(), process_name_, *end);
        host::reap(process_.number());
        if (end->by_signal) return ended({.code = {}, .signal = end->number});
        return ended({.code = end->number, .signal = {}});
    }
    look_whether_seen(most_looks_for_end);
}

/// It was started by a supervisor before this one: who reaps it writes down how it ended.
void Supervised::look_whether_seen(int tries)
{
    const auto seen = ground_.folder.end_of(process_name_);
    if (seen || tries == 0) return ended(seen.value_or(Ended{}));
    ground_.loop.at(site::boot_now() + between_looks_for_end, [this, tries, alive = std::weak_ptr(there_)] {
        if (!alive.expired() && !detached_) look_whether_seen(tries - 1);
    });
}

void Supervised::ended(const Ended& ended)
{
    process_.close();
    forget_renewals();
    // Somebody else may have used cgroup.kill: the guard, the fence, a person.
    if (!ended.code) group_is_spent_ = true;
    read_output();
    ground_.output.finish(application().id, application().name, ground_.wall());
    // What it said last counts: it may have said that it is ready, and ended.
    read_notices();
    after([&] {
        if (application().pair && ground_.has_lost_lease(application().id)) life_.replace(site::boot_now());
        life_.exited(ended, site::boot_now());
    });
}

void Supervised::signal(int number)
{
    if (process_) static_cast<void>(host::send_signal(process_.number(), number).has_value());
}

void Supervised::kill()
{
    if (group_) group_->kill();
    group_is_spent_ = true;
    // Its process group as well: without a control group that is all that we know to belong to it.
    if (process_name_.pid > 1) ::kill(-process_name_.pid, SIGKILL);
    signal(SIGKILL);
}

bool Supervised::is_empty() const
{
    if (group_) return group_->is_empty().value_or(true);
    return ::kill(-process_name_.pid, 0) != 0;
}

bool Supervised::clear()
{
    if (is_empty()) {
        process_name_ = {};
        return true;
    }
    kill();
    look_whether_cleared();
    return false;
}

void Supervised::look_whether_cleared()
{
    clearing_ = ground_.loop.at(site::boot_now() + between_looks_at_strays, [this] {
        clearing_.reset();
        if (!is_empty()) {
            kill();
            return look_whether_cleared();
        }
        process_name_ = {};
        after([&] { life_.cleared(site::boot_now()); });
    });
}

void Supervised::run_stop_command(const Application& application)
{
    const auto run = [&ground = ground_, command = application.stop_command, account = account_,
                      limit = application.shutdown_timeout, name = application.name] {
        const Result<void> done = run_command(command, account, limit);
        return [&ground, done, name] {
            if (!done) ground.said(fmt::format("stop command of {}: {}", name, done.error().what));
        };
    };
    if (const auto begun = ground_.workers.run(run); !begun) ground_.said(begun.error().what);
}

void Supervised::tell(const Application& application, Word word)
{
    const Orders& orders = application.orders;
    switch (orders.kind) {
        case Orders::Kind::none:
            return;
        case Orders::Kind::pipe: {
            const std::string line = fmt::format("{}\n", name_of(word));
            if (!orders_ || write(orders_->read_end.number(), line.data(), line.size()) < 0)
                ground_.said(fmt::format("{} does not read its orders", application.name));
            return ground_.told(application.id, word);
        }
        case Orders::Kind::signals: {
            const std::array signals = {orders.primary, orders.backup, orders.drain, orders.serve};
            const int number = signals.at(static_cast<size_t>(word));
            if (number != 0) signal(number);
            return ground_.told(application.id, word);
        }
        case Orders::Kind::command: {
            std::vector<std::string> command = orders.command;
            command.emplace_back(name_of(word));
            const auto run = [&ground = ground_, command, account = account_,
                              limit = application.start_timeout, name = application.name, id = application.id,
                              word] {
                const Result<void> done = run_command(command, account, limit);
                return [&ground, done, name, id, word] {
                    if (!done) return ground.said(fmt::format("order to {}: {}", name, done.error().what));
                    ground.told(id, word);
                };
            };
            if (const auto begun = ground_.workers.run(run); !begun) ground_.said(begun.error().what);
            return;
        }
    }
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

/// Whether what a record says is open is so for us: whoever renewed itself is we, or our guard. Another one
/// may have come first, from elsewhere.
static bool is_kept_for_us(const Record& record)
{
    if (!record.kept_open_by) return false;
    for (const pid_t pid : {getpid(), getppid()}) {
        const auto started = host::start_of(pid);
        if (started && *record.kept_open_by == host::ProcessName{pid, *started}) return true;
    }
    return false;
}

/// One that was kept open, or that its process has, holds what was said meanwhile.
void Supervised::adopt_notify(const Record& record, const Application& running, int process)
{
    const std::string path = ground_.folder.notify_of(running.id);
    if (record.notify && is_kept_for_us(record)) {
        notify_ = host::NotifySocket::of(host::Descriptor(*record.notify), path);
    } else if (running.notifies() && process >= 0) {
        const bool has_orders = running.orders.kind == Orders::Kind::pipe;
        const size_t number = first_passed + running.sockets.size() + (has_orders ? 1 : 0);
        if (auto socket = host::descriptor_of(process, static_cast<int>(number)))
            notify_ = host::NotifySocket::of(std::move(*socket), path);
    }
    if (notify_) return watch(on_notify_, notify_->descriptor(), [this] { read_notices(); });
    if (const Result<void> opened = open_notify(running); !opened) ground_.said(opened.error().what);
}

/// A supervisor that dies between a start and its record leaves a process that nobody knows. How that stands
/// nobody can tell, so it is ended.
void Supervised::end_unknown(const std::vector<pid_t>& printing)
{
    std::optional<host::ControlGroup> group;
    if (ground_.groups) {
        if (auto opened = ground_.groups->group(group_name())) group = std::move(*opened);
    }
    const auto is_over = [&] {
        if (group) return group->is_empty().value_or(true);
        return std::ranges::all_of(printing, [](pid_t pid) { return ::kill(pid, 0) != 0; });
    };
    if (!is_over()) {
        ground_.said(fmt::format("ends what was started of {} and not written down", application().name));
        if (group) group->kill();
        for (const pid_t pid : printing) ::kill(pid, SIGKILL);
        for (int look = 0; look < most_looks_for_end && !is_over(); ++look)
            std::this_thread::sleep_for(between_looks_for_end);
    }
    if (group) ground_.groups->remove(group_name());
}

void Supervised::adopt(const Record& record, const std::vector<pid_t>& printing)
{
    Result<host::Descriptor> process = record.process ? host::open_process(*record.process)
                                                      : fail(ErrorKind::not_found, "it had no process");
    if (!process) end_unknown(printing);
    const auto running = std::make_shared<const Application>(record.running.value_or(record.described));
    const size_t kept_open = is_kept_for_us(record) ? record.sockets.size() : 0;
    for (size_t i = 0; i < kept_open && i < running->sockets.size(); ++i) {
        host::Descriptor kept(record.sockets[i]);
        if (!host::is_bound_to(kept.number(), place_of(running->sockets[i]))) break;
        fcntl(kept.number(), F_SETFD, FD_CLOEXEC);
        held_.push_back(std::move(kept));
    }
    if (!record.process) {
        if (held_.size() == running->sockets.size()) held_as_ = running->sockets;
        after([&] { life_.adopt(nullptr, record.phase, record.want, record.past, site::boot_now()); });
        return;
    }
    process_name_ = *record.process;
    if (ground_.groups) {
        if (auto group = ground_.groups->group(group_name())) group_ = std::move(*group);
        group_is_spent_ = true;
    }
    limit();
    if (!running->user.empty()) {
        if (auto account = host::account_named(running->user)) account_ = std::move(*account);
    }
    if (const Result<void> opened = open_output(); !opened) ground_.said(opened.error().what);
    if (running->orders.kind == Orders::Kind::pipe) {
        if (auto orders = host::open_output_pipe(ground_.folder.orders_of(application().id)))
            orders_ = std::move(*orders);
    }
    adopt_notify(record, *running, process ? process->number() : -1);
    if (process && held_.empty()) {
        for (size_t i = 0; i < running->sockets.size(); ++i) {
            auto socket = host::socket_of(process->number(), static_cast<int>(first_passed + i),
                                          place_of(running->sockets[i]));
            if (!socket) break;
            held_.push_back(std::move(*socket));
        }
    }
    if (held_.size() == running->sockets.size())
        held_as_ = running->sockets;
    else
        held_.clear();
    watch_renewals();
    for (const auto& renewal : renewals_) {
        const auto before = record.files.find(renewal->path);
        if (before != record.files.end()) renewal->version = before->second;
    }
    was_left_on_its_way_ = process && !host::is_its_program(process_name_.pid);
    after([&] {
        life_.adopt(running, record.phase, record.want, record.past, site::boot_now(),
                    was_left_on_its_way_ ? Begun::on_its_way : Begun::runs);
    });
    if (was_left_on_its_way_) ground_.begun(application().id);
    if (!process) return look_whether_seen(1);
    if (const Result<void> watched = watch_process(std::move(*process)); !watched)
        ground_.said(watched.error().what);
    look_whether_renewed();
}

void Supervised::keep_for_renewal()
{
    static_cast<void>(conclude_launch(Milliseconds{0}));
    Record with_open_files = record();
    const auto stays_open = [](int number) {
        fcntl(number, F_SETFD, 0);
        return number;
    };
    for (const host::Descriptor& socket : held_)
        with_open_files.sockets.push_back(stays_open(socket.number()));
    if (notify_) with_open_files.notify = stays_open(notify_->descriptor());
    if (const auto started = host::start_of(getpid()))
        with_open_files.kept_open_by = host::ProcessName{.pid = getpid(), .started = *started};
    keep(with_open_files);
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
