#include "supervision_loop.h"

#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unordered_map>

namespace belay::bench {
namespace {

constexpr int order_descriptor = 3;

Result<pid_t> spawn_component(const std::string& component, const std::string& argument)
{
    std::array<char*, 3> argv = {const_cast<char*>(component.c_str()), const_cast<char*>(argument.c_str()),
                                 nullptr};
    pid_t pid = -1;
    const int problem = posix_spawn(&pid, component.c_str(), nullptr, nullptr, argv.data(), environ);
    if (problem != 0) return std::unexpected(system_error(fmt::format("run {}", component), problem));
    return pid;
}

}  // namespace

Result<void> serve_as_loop(const std::string& component, const std::vector<std::string>& arguments)
{
    char byte = 0;
    if (read(order_descriptor, &byte, 1) != 1) return {};
    std::unordered_map<pid_t, size_t> components;
    for (size_t i = 0; i < arguments.size(); ++i) {
        const pid_t pid = TRY(spawn_component(component, arguments[i]));
        components[pid] = i;
    }
    if (write(order_descriptor, &byte, 1) != 1)
        return std::unexpected(system_error("say that all are started", errno));
    while (true) {
        siginfo_t info{};
        if (waitid(P_ALL, 0, &info, WEXITED) != 0)
            return std::unexpected(system_error("wait for a component", errno));
        const auto ended = components.extract(info.si_pid);
        if (!ended) continue;
        const pid_t pid = TRY(spawn_component(component, arguments[ended.mapped()]));
        components[pid] = ended.mapped();
    }
}

}  // namespace belay::bench
