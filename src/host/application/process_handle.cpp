#include "host/application/process_handle.h"

#include "host/files.h"
#include "host/load/proc_text.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr Bytes most_stat_bytes{4 << 10};

std::optional<ProcessEnd> wait_for(int process, int how)
{
    siginfo_t info{};
    if (waitid(P_PIDFD, static_cast<id_t>(process), &info, how) != 0 || info.si_pid == 0) return std::nullopt;
    return ProcessEnd{.by_signal = info.si_code != CLD_EXITED, .number = info.si_status};
}

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

std::optional<ProcessEnd> end_of(int process)
{
    return wait_for(process, WEXITED | WNOHANG | WNOWAIT);
}

std::optional<ProcessEnd> reap(int process)
{
    return wait_for(process, WEXITED | WNOHANG);
}

bool is_its_program(pid_t pid)
{
    const auto program_of = [](const std::string& process) {
        std::error_code problem;
        std::string path = std::filesystem::read_symlink("/proc/" + process + "/exe", problem);
        constexpr std::string_view renewed = " (deleted)";
        if (path.ends_with(renewed)) path.resize(path.size() - renewed.size());
        return path;
    };
    return program_of(std::to_string(pid)) != program_of("self");
}

Result<void> send_signal(int process, int number)
{
    if (syscall(SYS_pidfd_send_signal, process, number, nullptr, 0) != 0)
        return std::unexpected(system_error("send a signal", errno));
    return {};
}

std::map<std::string, std::vector<pid_t>> printing_into(const std::string& folder)
{
    std::map<std::string, std::vector<pid_t>> found;
    std::error_code problem;
    const std::filesystem::path whole = std::filesystem::canonical(folder, problem);
    if (problem) return found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", problem)) {
        pid_t pid = 0;
        const std::string name = entry.path().filename();
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        const std::filesystem::path output = std::filesystem::read_symlink(entry.path() / "fd/1", problem);
        if (!problem && output.parent_path() == whole) found[output.filename()].push_back(pid);
    }
    return found;
}

}  // namespace belay::host
