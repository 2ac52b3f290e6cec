#include "upgrade/driver/service.h"

#include "upgrade/starts_with_host.h"

#include <algorithm>
#include <charconv>

namespace belay::upgrade::driver {
namespace {

constexpr Milliseconds tool_answers_for = std::chrono::seconds(5);
constexpr Milliseconds until_process_ends = std::chrono::seconds(90);
constexpr Milliseconds until_process_runs = std::chrono::seconds(60);
constexpr Milliseconds systemd_restarts_for = std::chrono::minutes(3);

std::optional<pid_t> number_in(std::string_view text)
{
    pid_t pid = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (problem != std::errc() || pid <= 0) return std::nullopt;
    return pid;
}

/// What prints the version of the programs that our drivers know.
std::optional<std::string> version_option(std::string_view program)
{
    const std::string_view name = program.substr(program.rfind('/') + 1);
    if (name == "keepalived") return "--version";
    if (name == "haproxy" || name == "nginx") return "-v";
    return std::nullopt;
}

Result<std::optional<Process>> process_of(host::Host& host, pid_t pid)
{
    const std::string exe = fmt::format("/proc/{}/exe", pid);
    const host::Outcome link = TRY(host.run({.argv = {"readlink", exe}, .limit = tool_answers_for}));
    if (link.exit_code != 0) return std::optional<Process>();
    Process process{.pid = pid, .program = link.out.substr(0, link.out.find('\n')), .version = {}};
    if (const size_t deleted = process.program.find(" (deleted)"); deleted != std::string::npos)
        process.program.resize(deleted);
    // That of the process itself, which a newer file of its name has not changed.
    if (const auto option = version_option(process.program)) {
        const host::Outcome said = TRY(host.run({.argv = {"env", exe, *option}, .limit = tool_answers_for}));
        process.version = version_in(said.out + said.err);
    }
    return std::optional(process);
}

}  // namespace

std::string with_version(const std::string& word, const std::string& image_folder)
{
    if (image_folder.empty()) return word;
    const std::string versions = image_folder.substr(0, image_folder.rfind('/') + 1);
    const size_t path = word.starts_with('/') ? 0 : word.find("=/") + 1;
    if (word.compare(path, versions.size(), versions) != 0) return word;
    const size_t end = std::min(word.find('/', path + versions.size()), word.size());
    return word.substr(0, path) + image_folder + word.substr(end);
}

std::string version_in(std::string_view said)
{
    for (size_t at = 0; at < said.size() && said[at] != '\n'; ++at) {
        const bool begins = std::isdigit(static_cast<unsigned char>(said[at])) != 0 && at > 0 &&
                            (said[at - 1] == ' ' || said[at - 1] == 'v' || said[at - 1] == '/');
        if (!begins) continue;
        const size_t end = std::min(said.find_first_of(" \n\r\t", at), said.size());
        return std::string(said.substr(at, std::min<size_t>(end - at, 128)));
    }
    return {};
}

host::Command signal_to(pid_t pid, std::string_view signal)
{
    return {.argv = {"kill", fmt::format("-{}", signal), std::to_string(pid)},
            .effect = host::Effect::changes,
            .limit = tool_answers_for};
}

Result<std::optional<Process>> process_in(host::Host& host, const std::string& pid_file)
{
    const Result<std::string> text = host.read(pid_file);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<Process>();
    if (!text) return std::unexpected(text.error());
    const std::optional<pid_t> pid = number_in(*text);
    if (!pid) return std::optional<Process>();
    return process_of(host, *pid);
}

Result<bool> starts_by_itself(host::Host& host, const std::string& unit)
{
    const Result<std::string> state = boot_state_of(host, unit);
    return state.has_value() && is_started_at_boot(*state);
}

Result<std::optional<Process>> Service::look()
{
    if (ask_.unit.empty()) return process_in(ground_.host, ask_.pid_file);
    const host::Outcome said = TRY(host::run_checked(
        ground_.host, {.argv = {"systemctl", "show", "--property=MainPID", "--value", ask_.unit},
                       .limit = tool_answers_for}));
    const std::optional<pid_t> pid = number_in(said.out);
    if (!pid) return std::optional<Process>();
    return process_of(ground_.host, *pid);
}

Result<bool> Service::starts_by_itself()
{
    if (ask_.starts_at_boot || ask_.unit.empty()) return ask_.starts_at_boot;
    return driver::starts_by_itself(ground_.host, ask_.unit);
}

Result<std::vector<std::string>> Service::called_by(const Process& process)
{
    const std::string words = TRY(ground_.host.read(fmt::format("/proc/{}/cmdline", process.pid)));
    std::vector<std::string> argv = {"env", with_version(process.program, ground_.image_folder)};
    // "nginx: master process nginx -c ...": a title in its place.
    if (words.substr(0, words.find('\0')).find(": ") != std::string::npos)
        return fail(ErrorKind::refused, fmt::format("{} does not show how it was started", process.program),
                    "name its unit of systemd, --unit");
    bool is_first = true;
    for (size_t at = 0; at < words.size();) {
        const size_t end = std::min(words.find('\0', at), words.size());
        if (!is_first) argv.push_back(with_version(words.substr(at, end - at), ground_.image_folder));
        is_first = false;
        at = end + 1;
    }
    return argv;
}

Result<std::vector<std::string>> Service::restart_commands()
{
    if (!ask_.unit.empty()) return std::vector<std::string>{"systemctl restart " + ask_.unit};
    const std::optional<Process> process = TRY(look());
    if (!process) return fail(ErrorKind::not_found, fmt::format("no process of {} runs", ask_.pid_file));
    const std::vector<std::string> words = TRY(called_by(*process));
    std::vector<std::string> lines = {signal_to(process->pid, "TERM").to_text()};
    lines.push_back(host::Command{.argv = words}.to_text());
    return lines;
}

Result<void> Service::restart()
{
    if (!ask_.unit.empty()) {
        TRY(host::run_checked(ground_.host, {.argv = {"systemctl", "restart", ask_.unit},
                                             .effect = host::Effect::changes,
                                             .limit = systemd_restarts_for}));
        return {};
    }
    const std::optional<Process> process = TRY(look());
    if (!process)
        return fail(ErrorKind::refused,
                    fmt::format("no process of {} runs: how it is started is not known", ask_.pid_file));
    const std::vector<std::string> words = TRY(called_by(*process));
    TRY(host::run_checked(ground_.host, signal_to(process->pid, "TERM")));
    const bool ended = TRY(comes_true(ground_, until_process_ends, [&]() -> Result<bool> {
        const std::optional<Process> now = TRY(process_of(ground_.host, process->pid));
        return !now.has_value();
    }));
    if (!ended)
        return fail(ErrorKind::timeout, fmt::format("{} was told to end, and does not", process->program));
    TRY(host::run_checked(ground_.host, {.argv = words, .effect = host::Effect::changes}));
    const bool runs = TRY(comes_true(ground_, until_process_runs, [&]() -> Result<bool> {
        const std::optional<Process> now = TRY(look());
        return now.has_value() && now->pid != process->pid;
    }));
    if (!runs)
        return fail(ErrorKind::failed, fmt::format("{} was started, and does not run", process->program),
                    host::Command{.argv = words}.to_text());
    return {};
}

}  // namespace belay::upgrade::driver
