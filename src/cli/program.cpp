#include "cli/program.h"

#include "cli/run.h"
#include "host/program.h"

#include <unistd.h>

namespace belay::cli {
namespace {

/// The belayd beside this program, else the one on the PATH.
std::string daemon_program()
{
    const std::string self = host::own_program();
    std::string beside = self.substr(0, self.rfind('/') + 1) + "belayd";
    return access(beside.c_str(), X_OK) == 0 ? beside : "belayd";
}

Result<std::unique_ptr<site::Client>> connect_to(const Invocation& asked)
{
    site::ConnectOptions options;
    options.socket = asked.socket.empty() ? "/run/belay/belayd.sock" : asked.socket;
    options.state_folder = asked.state_folder;
    options.daemon = daemon_program();
    options.gives_way = true;
    return site::connect(options);
}

}  // namespace

int run_program(const std::vector<std::string>& words, const Network& network)
{
    ProcessConsole console;
    return run(words, console, connect_to, network);
}

}  // namespace belay::cli
