#include "host.h"

#include "base/invariant.h"
#include "mconsole.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::lab {

namespace {

constexpr Milliseconds kernel_answers_within = std::chrono::seconds(10);

/// Why a guest has gone, by the last that its kernel printed.
Error reason_on(const std::string& console, const std::string& name)
{
    std::ifstream file(console);
    std::string what = fmt::format("the guest {} has gone", name);
    std::string tail;
    for (std::string line; std::getline(file, line);) {
        if (const size_t panic = line.find("Kernel panic - not syncing: "); panic != std::string::npos)
            what = fmt::format("the kernel of the guest {} has panicked: {}", name, line.substr(panic + 28));
        tail += line + "\n";
    }
    constexpr size_t tail_size = 4096;
    if (tail.size() > tail_size) tail.erase(0, tail.size() - tail_size);
    return {.kind = ErrorKind::lost, .what = what, .next = "less " + console, .output = tail};
}

std::string serial_of(const Disk& disk)
{
    return disk.serial.empty() ? "LAB-" + disk.name : disk.serial;
}

}  // namespace

Host::Host(const Folder& folder, Options options)
    : folder_(folder),
      options_(std::move(options)),
      console_(fmt::format("{}/{}.console", folder.path(), options_.name))
{
}

Host::~Host()
{
    power_cut();
}

Result<std::unique_ptr<Host>> Host::boot(const Folder& folder, Options options)
{
    std::unique_ptr<Host> host(new Host(folder, std::move(options)));
    TRY(host->start_kernel());
    TRY(host->prepare());
    return host;
}

Result<std::string> Host::drive(size_t slot, const Disk& disk)
{
    const std::string image = TRY(folder_.image(fmt::format("{}-{}", options_.name, disk.name), disk.size));
    drives_[slot] = disk;
    return fmt::format("ubd{}={},,{}", slot, image, serial_of(disk));
}

Result<std::vector<std::string>> Host::kernel_arguments(int line)
{
    std::vector<std::string> arguments = {
        fmt::format("mem={}", options_.memory.count),
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        fmt::format("init={}", BELAY_LAB_GUEST),
        fmt::format("umid={}", options_.name),
        fmt::format("uml_dir={}/", folder_.path()),
        "con=null",
        "con0=null,fd:1",
        fmt::format("ssl0=fd:{}", line),
        // The kernel would take a tenth of a second to find this out, and nothing in a guest depends on it.
        "lpj=20000000",
    };
    if (options_.disks.size() > drives_.size())
        return fail(ErrorKind::usage, fmt::format("a guest has room for {} disks", drives_.size()));
    for (size_t slot = 0; slot < options_.disks.size(); ++slot)
        arguments.push_back(TRY(drive(slot, options_.disks[slot])));
    if (options_.network)
        arguments.push_back(
            fmt::format("vec0:transport=tap,ifname={},depth=128,gro=1", TRY(options_.network->add_tap())));
    return arguments;
}

Result<void> Host::start_kernel()
{
    std::error_code ignored;  // the kernel says so if it cannot make its folder anew
    std::filesystem::remove_all(fmt::format("{}/{}", folder_.path(), options_.name), ignored);
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return std::unexpected(system_error("make a socket pair", errno));
    Result<std::vector<std::string>> arguments = kernel_arguments(ends[1]);
    Result<std::unique_ptr<Machine>> machine;
    if (arguments)
        machine = Machine::start({.kernel = options_.kernel,
                                  .arguments = *std::move(arguments),
                                  .console = console_,
                                  .line = ends[1],
                                  .network = options_.network ? options_.network->namespace_fd() : -1});
    else
        machine = std::unexpected(arguments.error());
    ::close(ends[1]);
    if (!machine) {
        ::close(ends[0]);
        return std::unexpected(machine.error());
    }
    machine_ = *std::move(machine);
    line_ = std::make_shared<Line>(
        ends[0], [console = console_, name = options_.name] { return reason_on(console, name); });
    return {};
}

Result<void> Host::prepare()
{
    TRY(line_->await(FrameType::hello, options_.limit));
    std::vector<std::string> wanted = {"name " + options_.name};
    for (const std::string& module : options_.modules) wanted.push_back("module " + module);
    for (const std::string& share : options_.shares) wanted.push_back("share " + share);
    TRY(line_->send({FrameType::prepare, 0, join(wanted)}));
    TRY(line_->await(FrameType::ready, options_.limit));
    if (options_.network) {
        if (!options_.address.empty())
            TRY(run_checked({"ip", "address", "add", options_.address, "dev", "vec0"}));
        TRY(run_checked({"ip", "link", "set", "vec0", "up"}));
    }
    for (const std::vector<std::string>& command : options_.at_boot) TRY(run_checked(command));
    return {};
}

Result<void> Host::run_checked(std::vector<std::string> argv)
{
    const host::Outcome outcome = TRY(run(argv));
    if (outcome.exit_code == 0) return {};
    const std::string command = host::Command{.argv = argv}.to_text();
    return std::unexpected(Error{.kind = ErrorKind::failed,
                                 .what = fmt::format("{} failed in the guest {}", command, options_.name),
                                 .argv = std::move(argv),
                                 .exit_code = outcome.exit_code,
                                 .output = outcome.err});
}

Result<host::Outcome> Host::run(std::vector<std::string> argv, std::string_view input, Milliseconds limit)
{
    Process process = TRY(start(std::move(argv)));
    TRY(process.write(input));
    TRY(process.close_input());
    return process.wait(limit);
}

Result<Process> Host::start(std::vector<std::string> argv)
{
    return Process::start(line_, std::move(argv));
}

Result<Process> Host::start_on_terminal(std::vector<std::string> argv, TerminalSize size)
{
    return Process::start(line_, std::move(argv), &size);
}

void Host::power_cut()
{
    if (machine_) machine_->kill();
}

void Host::freeze()
{
    if (machine_) machine_->freeze();
}

void Host::thaw()
{
    if (machine_) machine_->thaw();
}

Result<void> Host::power_off(Milliseconds limit)
{
    TRY(line_->send({FrameType::power_off}));
    return machine_->await_end(limit);
}

Result<void> Host::tell_kernel(const std::string& request) const
{
    const std::string path = fmt::format("{}/{}/mconsole", folder_.path(), options_.name);
    Result<std::string> answer = ask_kernel(path, request, kernel_answers_within);
    if (!answer) return std::unexpected(answer.error());
    return {};
}

Result<void> Host::plug(Disk disk)
{
    if (std::ranges::find(drives_, disk.name, &Disk::name) != drives_.end())
        return fail(ErrorKind::refused,
                    fmt::format("the disk {} is in the guest {}", disk.name, options_.name));
    // Without a disk at boot the kernel holds its first drive for a file "root_fs", and never lets go.
    const auto first = drives_.begin() + (options_.disks.empty() ? 1 : 0);
    const auto room =
        std::find_if(first, drives_.end(), [](const Disk& drive) { return drive.name.empty(); });
    if (room == drives_.end())
        return fail(ErrorKind::refused, fmt::format("the guest {} has {} disks, and room for no more",
                                                    options_.name, drives_.size()));
    const std::string request = TRY(drive(static_cast<size_t>(room - drives_.begin()), disk));
    if (const Result<void> done = tell_kernel("config " + request); !done) {
        *room = {};
        return done;
    }
    return run_checked({"udevadm", "settle"});
}

Result<void> Host::unplug(std::string_view disk)
{
    const auto found = std::ranges::find(drives_, disk, &Disk::name);
    if (found == drives_.end() || disk.empty())
        return fail(ErrorKind::not_found,
                    fmt::format("there is no disk {} in the guest {}", disk, options_.name));
    Result<void> done = tell_kernel(fmt::format("remove ubd{}", found - drives_.begin()));
    if (!done && done.error().kind == ErrorKind::refused) done.error().kind = ErrorKind::busy;
    TRY(std::move(done));
    *found = {};
    return run_checked({"udevadm", "settle"});
}

std::string Host::device(std::string_view disk) const
{
    const auto found = std::ranges::find(drives_, disk, &Disk::name);
    INVARIANT(found != drives_.end());
    return "/dev/disk/by-id/ubd-" + serial_of(*found);
}

}  // namespace belay::lab
