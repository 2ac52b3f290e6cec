#include "supervision_processes.h"

#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace belay::bench {
namespace {

/// The numbers that name entries of a folder below /proc.
std::vector<pid_t> numbers_in(const std::string& folder)
{
    std::vector<pid_t> numbers;
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(folder, problem)) {
        const std::string name = entry.path().filename();
        pid_t number = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc{})
            numbers.push_back(number);
    }
    return numbers;
}

/// The number after a word in a file of /proc; 0: it is not there.
uint64_t number_after(const std::string& path, std::string_view wanted)
{
    std::ifstream file(path);
    for (std::string word; file >> word;) {
        uint64_t number = 0;
        if (word == wanted && file >> number) return number;
    }
    return 0;
}

}  // namespace

/// Source: proc(5), /proc/PID/stat: the name is in brackets, then the state, then the parent.
pid_t process_parent(pid_t process)
{
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string line;
    std::getline(file, line);
    const size_t end = line.rfind(") ");
    if (end == std::string::npos) return 0;
    pid_t parent = 0;
    const char* const at = line.data() + end + 4;
    std::from_chars(at, line.data() + line.size(), parent);
    return parent;
}

std::set<pid_t> family_of(pid_t ancestor)
{
    std::multimap<pid_t, pid_t> children;
    for (const pid_t process : numbers_in("/proc")) children.emplace(process_parent(process), process);
    std::set<pid_t> family;
    std::vector<pid_t> next = {ancestor};
    while (!next.empty()) {
        const pid_t process = next.back();
        next.pop_back();
        family.insert(process);
        const auto [first, last] = children.equal_range(process);
        for (auto child = first; child != last; ++child) next.push_back(child->second);
    }
    return family;
}

uint64_t memory_kib(const std::set<pid_t>& processes)
{
    uint64_t total = 0;
    for (const pid_t process : processes)
        total += number_after(fmt::format("/proc/{}/smaps_rollup", process), "Pss:");
    return total;
}

Activity activity_of(const std::set<pid_t>& processes)
{
    Activity activity;
    for (const pid_t process : processes) {
        const std::string tasks = fmt::format("/proc/{}/task", process);
        for (const pid_t task : numbers_in(tasks)) {
            const std::string folder = fmt::format("{}/{}", tasks, task);
            int64_t nanoseconds = 0;
            if (std::ifstream(folder + "/schedstat") >> nanoseconds)
                activity.processor += Nanoseconds(nanoseconds);
            activity.wake_ups += number_after(folder + "/status", "voluntary_ctxt_switches:") +
                                 number_after(folder + "/status", "nonvoluntary_ctxt_switches:");
        }
    }
    return activity;
}

}  // namespace belay::bench
