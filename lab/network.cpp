#include "network.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace belay::lab {

namespace {

/// Runs `ip` with these arguments in the network namespace of the calling thread.
Result<void> run_ip(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), "ip");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    if (const int error = ::posix_spawnp(&child, "ip", nullptr, nullptr, argv.data(), environ); error != 0)
        return std::unexpected(system_error("run ip", error));
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0)
        return fail(ErrorKind::failed,
                    fmt::format("ip {} failed", fmt::join(arguments.begin() + 1, arguments.end(), " ")));
    return {};
}

/// A namespace belongs to a thread, so that whatever enters another one does it in a thread of its own.
template <typename Work>
auto in_own_thread(const Work& work)
{
    decltype(work()) result = {};
    std::thread([&] { result = work(); }).join();
    return result;
}

Result<void> make_bridge(int& fd)
{
    if (::unshare(CLONE_NEWNET) != 0)
        return std::unexpected(system_error("make a network namespace (root is needed)", errno));
    fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(system_error("open the network namespace", errno));
    TRY(run_ip({"link", "add", "bridge0", "type", "bridge"}));
    return run_ip({"link", "set", "bridge0", "up"});
}

}  // namespace

Result<std::shared_ptr<Network>> Network::make()
{
    int fd = -1;
    const Result<void> made = in_own_thread([&] { return make_bridge(fd); });
    auto network = std::shared_ptr<Network>(new Network(fd));
    if (!made) return std::unexpected(made.error());
    return network;
}

Network::~Network()
{
    if (namespace_ >= 0) ::close(namespace_);
}

Result<std::string> Network::add_tap()
{
    std::string tap = fmt::format("tap{}", taps_++);
    TRY(in_own_thread([&]() -> Result<void> {
        if (::setns(namespace_, CLONE_NEWNET) != 0)
            return std::unexpected(system_error("enter the network namespace", errno));
        TRY(run_ip({"tuntap", "add", "dev", tap, "mode", "tap"}));
        return run_ip({"link", "set", tap, "master", "bridge0", "up"});
    }));
    return tap;
}

Result<void> Network::add_address(const std::string& address)
{
    return in_own_thread([&]() -> Result<void> {
        if (::setns(namespace_, CLONE_NEWNET) != 0)
            return std::unexpected(system_error("enter the network namespace", errno));
        TRY(run_ip({"link", "set", "lo", "up"}));
        return run_ip({"address", "add", address, "dev", "bridge0"});
    });
}

}  // namespace belay::lab
