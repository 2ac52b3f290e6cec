#include "failover_pairs.h"

#include "supervision_processes.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sys/wait.h>

namespace belay::bench {
namespace {

constexpr auto end_is_looked_for_every = std::chrono::milliseconds(1);

}  // namespace

void await_end(pid_t process)
{
    while (kill(process, 0) == 0) {
        if (waitpid(process, nullptr, WNOHANG) == process) return;
        usleep(std::chrono::microseconds(end_is_looked_for_every).count());
    }
}

MeasuredPair::MeasuredPair(HostNetwork network, std::string folder, Serving serving)
    : network_(std::move(network)),
      folder_(std::move(folder)),
      client_(std::make_unique<AskingClient>(network_, serving))
{
}

std::string MeasuredPair::folder_of(int host) const
{
    return fmt::format("{}/host-{}", folder_, host);
}

std::vector<std::string> MeasuredPair::server_words(int host) const
{
    return {programs_ + "/belay-stand-in",
            "--name",
            fmt::format("server-{}", host),
            "--port",
            std::to_string(served_port),
            "--act-every",
            std::to_string(act_every_),
            "--trace",
            trace()};
}

size_t MeasuredPair::begun_to_serve() const
{
    std::ifstream file(trace());
    size_t count = 0;
    for (std::string line; std::getline(file, line);) count += line.ends_with(" role primary") ? 1 : 0;
    return count;
}

std::vector<pid_t> MeasuredPair::processes(int host)
{
    std::vector<pid_t> all = {server(host)};
    for (const pid_t process : keepers(host)) all.push_back(process);
    return all;
}

void MeasuredPair::cut_power(int host, const std::vector<pid_t>& all) const
{
    for (const pid_t process : all) kill(process, SIGSTOP);
    network_.pull_cable(host);
}

Result<void> MeasuredPair::power_on(int host, const std::vector<pid_t>& all)
{
    for (const pid_t process : all) kill(process, SIGKILL);
    for (const pid_t process : all) await_end(process);
    forget(host);
    TRY(network_.boot(host));
    return mend(host);
}

}  // namespace belay::bench
