#include "host/application/process_handle.h"

#include "host/files.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr Bytes most_stat_bytes{4 << 10};
constexpr int start_field = 22;  // proc(5), /proc/PID/stat
constexpr int first_field_after_name = 3;

}  // namespace

Result<uint64_t> start_of(pid_t pid)
{
    const std::string text = TRY(files::read(fmt::format("/proc/{}/stat", pid), most_stat_bytes));
    // The name is in brackets, and may have any character in it.
    size_t at = text.rfind(") ");
    for (int field = first_field_after_name; at != std::string::npos; ++field) {
        at = text.find_first_not_of(") ", at);
        if (field == start_field) break;
        at = text.find(' ', at);
    }
    uint64_t started = 0;
    if (at == std::string::npos ||
        std::from_chars(text.data() + at, text.data() + text.size(), started).ec != std::errc{})
        return fail(ErrorKind::corrupt, fmt::format("the kernel does not say when process {} began", pid));
    return started;
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
