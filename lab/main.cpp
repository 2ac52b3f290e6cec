// belay-lab: throw-away hosts by hand.

#include "host.h"
#include "shell.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::lab;

constexpr const char* examples = R"(
Examples:
  lab/run --disks 3x256M                      a shell in a host with the disks ubda, ubdb and ubdc
  lab/run --disks 2x1G --keep /tmp/mirror     the same disks again the next time
  lab/run --hosts 2                           two hosts on one network: 10.77.0.1 and 10.77.0.2 (root)
  lab/run --disks 1x64M --exec 'mkfs.ext4 -q /dev/ubda && blkid'

Exit code: of the shell or command; 125 when the lab itself fails.)";

constexpr int lab_failed = 125;

struct Ask {
    std::string disks;
    std::string memory = "512M";
    std::string keep;
    std::string command;
    std::vector<std::string> modules = {"raid1", "dm-mod", "loop"};
    std::vector<std::string> shares;
    int hosts = 1;
};

/// "3x256M": three disks named a, b, c.
Result<std::vector<Disk>> parse_disks(std::string_view text)
{
    if (text.empty()) return std::vector<Disk>{};
    const size_t times = text.find('x');
    const std::string number(text.substr(0, times));
    size_t count = 0;
    std::from_chars(number.c_str(), number.c_str() + number.size(), count);
    if (times == std::string_view::npos || count < 1 || count > 8)
        return fail(ErrorKind::usage, fmt::format("\"{}\" are no disks; wanted as 3x256M, at most 8", text));
    const Bytes size = TRY(parse_bytes(text.substr(times + 1)));
    std::vector<Disk> disks;
    for (size_t i = 0; i < count; ++i) disks.push_back({std::string(1, static_cast<char>('a' + i)), size});
    return disks;
}

int complain(const Error& error)
{
    fmt::print(stderr, "belay-lab: {}\n", error.what);
    if (!error.output.empty()) fmt::print(stderr, "{}\n", error.output);
    if (!error.next.empty()) fmt::print(stderr, "try: {}\n", error.next);
    return lab_failed;
}

/// Runs the command in the first host and shows its output as it comes.
Result<int> execute(Host& host, const std::string& command)
{
    // Standard output and standard error of a command come apart; a person wants them in their order.
    Process process = TRY(host.start({"bash", "-c", "exec 2>&1; " + command}));
    TRY(process.close_input());
    for (;;) {
        const Result<std::string> said = process.read(std::chrono::hours(1));
        if (!said && said.error().kind == ErrorKind::timeout) continue;
        if (TRY(said).empty()) break;
        std::fwrite(said->data(), 1, said->size(), stdout);
        std::fflush(stdout);
    }
    return TRY(process.wait(std::chrono::seconds(1))).exit_code;
}

Result<std::vector<Seat>> boot_all(const Folder& folder, const Ask& ask)
{
    Options options;
    options.disks = TRY(parse_disks(ask.disks));
    options.memory = TRY(parse_bytes(ask.memory));
    options.modules = ask.modules;
    options.shares = ask.shares;
    if (ask.hosts > 1) options.network = TRY(Network::make());
    std::vector<Seat> seats;
    for (int number = 1; number <= ask.hosts; ++number) {
        options.name = fmt::format("host{}", number);
        if (ask.hosts > 1) options.address = fmt::format("10.77.0.{}/24", number);
        Seat seat;
        seat.boot = [&folder, options] { return Host::boot(folder, options); };
        seat.host = TRY(seat.boot());
        seats.push_back(std::move(seat));
    }
    return seats;
}

Result<int> work(const Ask& ask)
{
    Result<Folder> folder = ask.keep.empty() ? Folder::make() : Folder::open(ask.keep);
    if (!folder) return std::unexpected(folder.error());
    std::vector<Seat> seats = TRY(boot_all(*folder, ask));
    const int exit_code =
        ask.command.empty() ? TRY(give_terminal(seats)) : TRY(execute(*seats.front().host, ask.command));
    // In order, for the sake of what is kept; thrown away, it need not be.
    if (!ask.keep.empty())
        for (const Seat& seat : seats) TRY(seat.host->power_off());
    return exit_code;
}

}  // namespace

int main(int argc, char** argv)
{
    CLI::App app("Throw-away hosts with a real kernel and virtual disks.", "lab/run");
    app.footer(examples);
    Ask ask;
    app.add_option("--disks", ask.disks, "how many disks, and their size, as 3x256M");
    app.add_option("--memory", ask.memory, "of each host")->capture_default_str();
    app.add_option("--hosts", ask.hosts, "more than one: on one network (needs root)")
        ->check(CLI::Range(1, 9));
    app.add_option("--keep", ask.keep, "folder for the disk images, which then stay");
    app.add_option("--modules", ask.modules, "kernel modules to load")->delimiter(',')->capture_default_str();
    app.add_option("--share", ask.shares, "folder of this machine that the hosts may write into");
    app.add_option("--exec", ask.command, "run this shell command in the first host in place of a shell");
    CLI11_PARSE(app, argc, argv);
    const Result<int> done = work(ask);
    return done ? *done : complain(done.error());
}
