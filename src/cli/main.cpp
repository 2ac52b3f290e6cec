#include "cli/run.h"

#include <unistd.h>

namespace {

using namespace belay;

/// The belayd beside this program, else the one on the PATH.
std::string daemon_program()
{
    std::string self(4096, '\0');
    const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
    if (length > 0) {
        self.resize(static_cast<size_t>(length));
        const std::string beside = self.substr(0, self.rfind('/') + 1) + "belayd";
        if (::access(beside.c_str(), X_OK) == 0) return beside;
    }
    return "belayd";
}

Result<std::unique_ptr<site::Client>> connect_to(const cli::Invocation& asked)
{
    site::ConnectOptions options;
    options.socket = asked.socket.empty() ? "/run/belay/belayd.sock" : asked.socket;
    options.state_folder = asked.state_folder;
    options.daemon = daemon_program();
    return site::connect(options);
}

}  // namespace

int main(int count, char** words)
{
    cli::ProcessConsole console;
    return cli::run({words + 1, words + count}, console, connect_to);
}
