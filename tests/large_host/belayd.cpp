// A belayd whose machine is the large host.

#include "daemon/command_line.h"
#include "host/recorded.h"
#include "host/recording.h"
#include "large_host/large_host.h"

#include <cstdio>
#include <cstdlib>

namespace {

std::unique_ptr<belay::host::Host> open_host(int)
{
    std::vector<belay::host::Contact> contacts = belay::large_host::contacts();
    // Its clock stands still.
    contacts.push_back({{.call = belay::host::Call::now},
                        belay::host::Moment{.wall = belay::Milliseconds(1'700'000'000'000),
                                            .boot = belay::Milliseconds(1000),
                                            .boot_id = "large"}});
    const auto recording = belay::host::format_recording(contacts);
    auto host = recording ? belay::host::recorded_host(*recording) : std::unexpected(recording.error());
    if (host) return *std::move(host);
    std::fputs(host.error().what.c_str(), stderr);
    std::exit(1);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

}  // namespace

int main(int argc, char** argv)
{
    return belay::daemon::run(argc, argv,
                              {.procedures = {},
                               .fill = belay::procedures::fill,
                               .views = belay::procedures::views(),
                               .open_host = open_host});
}
