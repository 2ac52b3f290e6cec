#include "host/application/process_handle.h"

#include "host/files.h"
#include "host/load/proc_text.h"

#include <cerrno>
#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr Bytes most_stat_bytes{4 << 10};

}  // namespace

Result<uint64_t> start_of(pid_t pid)
{
    const std::string text = TRY(files::read(fmt::format("/proc/{}/stat", pid), most_stat_bytes));
    return TRY(load::parse_process(text)).started;
}

std::optional<ProcessUse> use_of(pid_t pid)
{
    const auto text = files::read(fmt::format("/proc/{}/stat", pid), most_stat_bytes);
    if (!text) return std::nullopt;
    const auto counts = load::parse_process(*text);
    if (!counts) return std::nullopt;
    constexpr uint64_t microseconds = 1'000'000;
    return ProcessUse{.memory = counts->pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)),
                      .processor_microseconds =
                          counts->ticks * (microseconds / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)))};
}

Result<Descriptor> open_process(const ProcessName& name)
{
    Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, name.pid, 0)));
    const Result<uint64_t> started = start_of(name.pid);
    if (!process || !started || *started != name.started)
        return fail(ErrorKind::not_found, fmt::format("process {} is gone", name.pid));
    return process;
}

std::optional<ProcessEnd> reap(int process)
{
    siginfo_t info{};
    const int waited = waitid(P_PIDFD, static_cast<id_t>(process), &info, WEXITED | WNOHANG);
    if (waited != 0 || info.si_pid == 0) return std::nullopt;
    return ProcessEnd{.by_signal = info.si_code != CLD_EXITED, .number = info.si_status};
}

Result<void> send_signal(int process, int number)
{
    if (syscall(SYS_pidfd_send_signal, process, number, nullptr, 0) != 0)
        return std::unexpected(system_error("send a signal", errno));
    return {};
}

}  // namespace belay::host
