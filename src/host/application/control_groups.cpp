#include "host/application/control_groups.h"

#include "host/application/process_handle.h"
#include "host/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr Bytes most_group_bytes{1 << 20};
constexpr uint64_t period_microseconds = 100'000;
constexpr std::array wanted_controllers = {"memory", "cpu", "pids"};

std::vector<std::string> words_of(std::string_view text)
{
    std::istringstream stream{std::string(text)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

/// Where the hierarchy is mounted; empty: nowhere. Source: proc(5), mountinfo.
std::string mount_of_groups()
{
    const Result<std::string> mounts = files::read("/proc/self/mountinfo", most_group_bytes);
    if (!mounts) return {};
    std::istringstream lines(*mounts);
    for (std::string line; std::getline(lines, line);) {
        const size_t border = line.find(" - cgroup2 ");
        if (border == std::string::npos) continue;
        const std::vector<std::string> words = words_of(std::string_view(line).substr(0, border));
        if (words.size() > 4) return words.at(4);
    }
    return {};
}

/// As "/system.slice/belay.service"; empty: it says none.
std::string group_in(const std::string& file)
{
    const Result<std::string> groups = files::read(file, most_group_bytes);
    if (!groups) return {};
    std::istringstream lines(*groups);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("0::")) return line.substr(3);
    }
    return {};
}

bool make_folder(const std::string& path)
{
    return mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

bool write_to(const std::string& path, std::string_view text)
{
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::optional<uint64_t> number_in(const std::string& path, std::string_view before = {})
{
    const Result<std::string> text = files::read(path, most_group_bytes);
    if (!text) return std::nullopt;
    size_t at = 0;
    if (!before.empty()) {
        at = text->find(before);
        if (at == std::string::npos) return std::nullopt;
        at += before.size();
    }
    uint64_t number = 0;
    const char* const begin = text->data() + at;
    if (std::from_chars(begin, text->data() + text->size(), number).ec != std::errc{}) return std::nullopt;
    return number;
}

}  // namespace

bool ControlGroup::write(const char* file, std::string_view text) const
{
    return write_to(fmt::format("{}/{}", path_, file), text);
}

std::vector<std::string> ControlGroup::limit(const Limits& limits)
{
    const bool wants = limits.memory || limits.processor || limits.processes;
    if (!std::exchange(may_have_limits_, wants) && !wants) return {};
    std::vector<std::string> not_in_force;
    const auto set = [&](const char* name, const char* file, const std::optional<uint64_t>& wanted,
                         const std::string& text) {
        if (!write(file, wanted ? text : "max") && wanted) not_in_force.emplace_back(name);
    };
    set("memory", "memory.max", limits.memory, std::to_string(limits.memory.value_or(0)));
    set("processes", "pids.max", limits.processes, std::to_string(limits.processes.value_or(0)));
    set("processor", "cpu.max", limits.processor,
        fmt::format("{} {}", limits.processor.value_or(0) * period_microseconds / 100, period_microseconds));
    return not_in_force;
}

Result<bool> ControlGroup::is_empty() const
{
    const Descriptor file(openat(folder_.number(), "cgroup.procs", O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error(fmt::format("look into the group {}", path_), errno));
    char byte = 0;
    const ssize_t count = read(file.number(), &byte, 1);
    if (count < 0) return std::unexpected(system_error(fmt::format("look into the group {}", path_), errno));
    return count == 0;
}

void ControlGroup::kill() const
{
    if (write("cgroup.kill", "1")) return;
    // Kernels before 5.14. What forks faster than it is killed here is met again by the next call.
    const Result<std::string> members = files::read(path_ + "/cgroup.procs", most_group_bytes);
    if (!members) return;
    for (const std::string& word : words_of(*members)) {
        pid_t pid = 0;
        if (std::from_chars(word.data(), word.data() + word.size(), pid).ec == std::errc{} && pid > 1)
            ::kill(pid, SIGKILL);
    }
}

std::optional<ControlGroup::Use> ControlGroup::use() const
{
    const auto memory = number_in(path_ + "/memory.current");
    const auto processes = number_in(path_ + "/pids.current");
    const auto processor = number_in(path_ + "/cpu.stat", "usage_usec ");
    const bool is_counted = memory && processes && processor;
    if (is_counted)
        return Use{.memory = *memory, .processes = *processes, .processor_microseconds = *processor};
    const Result<std::string> members = files::read(path_ + "/cgroup.procs", most_group_bytes);
    if (!members) return std::nullopt;
    ProcessUse sum;
    uint64_t there = 0;
    for (const std::string& word : words_of(*members)) {
        pid_t pid = 0;
        if (std::from_chars(word.data(), word.data() + word.size(), pid).ec != std::errc{}) continue;
        const auto one = use_of(pid);
        if (!one) continue;
        ++there;
        sum.memory += one->memory;
        sum.processor_microseconds += one->processor_microseconds;
    }
    if (there == 0) return std::nullopt;
    return Use{.memory = memory.value_or(sum.memory),
               .processes = processes.value_or(there),
               .processor_microseconds = processor.value_or(sum.processor_microseconds)};
}

std::optional<ControlGroups> ControlGroups::open(const std::string& name)
{
    const std::string root = mount_of_groups();
    std::string own = group_in("/proc/self/cgroup");
    if (root.empty() || own.empty()) return std::nullopt;
    // One that begins anew in the group that it made is in the one below.
    const std::string leaf = fmt::format("/{}/supervisor", name);
    if (own.ends_with(leaf)) own.resize(own.size() - leaf.size());
    if (own == "/") own.clear();
    const std::string base = fmt::format("{}{}/{}", root, own, name);
    if (!make_folder(base) || !make_folder(base + "/supervisor")) return std::nullopt;
    if (!write_to(base + "/supervisor/cgroup.procs", "0")) return std::nullopt;
    std::vector<std::string> controllers;
    for (const char* controller : wanted_controllers) {
        // From the mount down to ours, each level hands it on.
        for (size_t end = root.size(); end != std::string::npos; end = base.find('/', end + 1)) {
            write_to(base.substr(0, end) + "/cgroup.subtree_control", fmt::format("+{}", controller));
        }
        if (write_to(base + "/cgroup.subtree_control", fmt::format("+{}", controller)))
            controllers.emplace_back(controller);
    }
    return ControlGroups(base, std::move(controllers));
}

Result<ControlGroup> ControlGroups::group(const std::string& name) const
{
    const std::string path = fmt::format("{}/{}", base_, name);
    const bool is_new = mkdir(path.c_str(), 0755) == 0;
    if (!is_new && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("make the group {}", path), errno));
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return std::unexpected(system_error(fmt::format("open the group {}", path), errno));
    return ControlGroup(path, std::move(folder), is_new);
}

void ControlGroups::remove(const std::string& name) const
{
    rmdir(fmt::format("{}/{}", base_, name).c_str());
}

std::string application_group(int64_t application)
{
    return fmt::format("application-{}", application);
}

std::string group_of_process(pid_t pid)
{
    return group_in(fmt::format("/proc/{}/cgroup", pid));
}

std::optional<int64_t> application_in(std::string_view group, std::string_view base)
{
    constexpr std::string_view border = "/application-";
    if (base.empty() || !group.starts_with(base)) return std::nullopt;
    group.remove_prefix(base.size());
    if (!group.starts_with(border)) return std::nullopt;
    group.remove_prefix(border.size());
    // It may have groups of its own below.
    const std::string number(group.substr(0, group.find('/')));
    int64_t application = 0;
    const char* const end = number.data() + number.size();
    const auto read = std::from_chars(number.data(), end, application);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return application;
}

}  // namespace belay::host
