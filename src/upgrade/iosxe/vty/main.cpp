#include "base/json.h"
#include "upgrade/iosxe/vty/vty.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/prctl.h>
#include <unistd.h>

namespace {

using namespace belay;
namespace vty = belay::upgrade::iosxe::vty;

constexpr size_t most_request = 1 << 20;

/// Ends with whoever started it: nobody types on a device whom no one follows.
bool bind_to_parent()
{
    const pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent) return false;
    // Neither a core of it nor another process of the same user shows its secrets.
    prctl(PR_SET_DUMPABLE, 0);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    return true;
}

Result<vty::Request> read_standard_input()
{
    std::string text;
    text.reserve(most_request + 1);  // it never moves, so no copy of a secret stays behind
    std::array<char, 4096> room{};
    ssize_t count = 0;
    while (text.size() <= most_request && (count = read(STDIN_FILENO, room.data(), room.size())) > 0)
        text.append(room.data(), std::min(static_cast<size_t>(count), most_request + 1 - text.size()));
    explicit_bzero(room.data(), room.size());
    const bool is_too_long = text.size() > most_request;
    if (is_too_long) wipe(text);
    if (is_too_long) return fail(ErrorKind::usage, "the request is longer than 1 MiB");
    return vty::read_request(text);
}

void tell(const Json& answer)
{
    const std::string line = json_text(answer) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

int run()
{
    if (!bind_to_parent()) return 1;
    const Result<vty::Request> request = read_standard_input();
    if (!request) {
        tell({{"refused", request.error().what}, {"kind", name_of(request.error().kind)}});
        std::fputs("belay-vty: wants a request of belayd's on its standard input; see belay-vty(8)\n",
                   stderr);
        return 2;
    }
    return vty::carry_out(*request, tell) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv)
{
    const bool asks =
        argc > 1 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "--version") == 0);
    if (asks) {
        std::puts(std::strcmp(argv[1], "--version") == 0
                      ? "belay-vty " BELAY_VERSION
                      : "belay-vty: types lines on a device over SSH, for belayd. See belay-vty(8).");
        return 0;
    }
    return run();
}
