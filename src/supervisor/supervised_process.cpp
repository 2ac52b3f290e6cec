// One application's processes: how one is started and watched, how it is told things, and how it is ended.

#include "host/program.h"
#include "supervisor/asking.h"
#include "supervisor/fence.h"
#include "supervisor/held.h"
#include "supervisor/supervised.h"

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
using framework::supervision::HeldSocket;
using framework::supervision::Orders;
using framework::supervision::Role;
using framework::supervision::Word;

constexpr Milliseconds between_looks_at_strays = std::chrono::milliseconds(2);
constexpr Milliseconds between_looks_for_end = std::chrono::milliseconds(1);
constexpr int most_looks_for_end = 500;
constexpr int most_refused = 65'536;

}  // namespace

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

}  // namespace belay::supervisor
