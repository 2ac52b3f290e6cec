// One application as the supervisor before this one left it: its processes, sockets and pipes are taken over;
// and how this one leaves it to the next.

#include "supervisor/held.h"
#include "supervisor/supervised.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::supervision::Begun;
using framework::supervision::Orders;

constexpr Milliseconds between_looks_at_unknown = std::chrono::milliseconds(1);
constexpr int most_looks_at_unknown = 500;

/// Whether what a record says is open is so for us: whoever renewed itself is we, or our guard. Another one
/// may have come first, from elsewhere.
bool is_kept_for_us(const Record& record)
{
    if (!record.kept_open_by) return false;
    for (const pid_t pid : {getpid(), getppid()}) {
        const auto started = host::start_of(pid);
        if (started && *record.kept_open_by == host::ProcessName{pid, *started}) return true;
    }
    return false;
}

}  // namespace

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
        for (int look = 0; look < most_looks_at_unknown && !is_over(); ++look)
            std::this_thread::sleep_for(between_looks_at_unknown);
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

}  // namespace belay::supervisor
