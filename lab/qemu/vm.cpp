#include "qemu/vm.h"

#include "protocol.h"

#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::lab {

namespace {

constexpr const char* qemu = "/usr/bin/qemu-system-x86_64";
constexpr const char* uefi = "/usr/share/OVMF/OVMF_CODE_4M.fd";

/// Why a machine has gone, or does not answer: the last that it printed.
Error with_console(ErrorKind kind, std::string what, const std::string& console)
{
    std::ifstream file(console);
    std::ostringstream all;
    all << file.rdbuf();
    std::string tail = all.str();
    constexpr size_t tail_size = 4096;
    if (tail.size() > tail_size) tail.erase(0, tail.size() - tail_size);
    return {.kind = kind, .what = std::move(what), .next = "less " + console, .output = std::move(tail)};
}

/// The command line, without the program. `line` is a connected socket, or -1: all on the terminal.
std::vector<std::string> qemu_arguments(const VmOptions& options, int line)
{
    // Writes that QEMU has done are in the real machine's cache and outlive QEMU; a flush adds nothing.
    constexpr const char* how = "format=raw,cache=unsafe,discard=unmap";
    std::vector<std::string> arguments = {"-machine",    "q35",
                                          "-accel",      "tcg,thread=multi",
                                          "-cpu",        "max",
                                          "-smp",        "2",
                                          "-m",          fmt::format("{}M", options.memory.count >> 20),
                                          "-nodefaults", "-display",
                                          "none",        "-no-reboot"};
    const auto add = [&](std::initializer_list<std::string> more) {
        arguments.insert(arguments.end(), more);
    };
    if (options.firmware == Firmware::uefi)
        add({"-drive", fmt::format("if=pflash,unit=0,format=raw,readonly=on,file={}", uefi), "-drive",
             fmt::format("if=pflash,unit=1,format=raw,cache=unsafe,file={}", options.variables)});
    for (const VmDisk& disk : options.disks) {
        const std::string id = "disk-" + disk.serial;
        add({"-drive", fmt::format("if=none,id={},{},file={}", id, how, disk.image), "-device",
             fmt::format("virtio-blk-pci,drive={},serial={}", id, disk.serial)});
    }
    if (line >= 0)
        add({"-chardev", fmt::format("socket,id=line,fd={}", line), "-device", "virtio-serial-pci", "-device",
             "virtserialport,chardev=line,name=org.belay.lab", "-chardev",
             fmt::format("file,id=console,path={},append=on", options.console), "-serial",
             "chardev:console"});
    else
        add({"-serial", "mon:stdio"});
    if (!options.kernel.empty())
        add({"-kernel", options.kernel, "-initrd", options.initramfs, "-append", options.command_line});
    return arguments;
}

}  // namespace

Result<int> on_terminal(const VmOptions& options)
{
    std::vector<std::string> arguments = qemu_arguments(options, -1);
    std::vector<char*> argv = {const_cast<char*>(qemu)};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    if (const int error = ::posix_spawn(&child, qemu, nullptr, nullptr, argv.data(), environ); error != 0)
        return fail(ErrorKind::not_found, fmt::format("cannot start {}", qemu),
                    "apt-get install qemu-system-x86 ovmf");
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return std::unexpected(system_error("wait for QEMU", errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<std::unique_ptr<Vm>> Vm::boot(const VmOptions& options)
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return std::unexpected(system_error("make a socket pair", errno));
    std::unique_ptr<Vm> vm(new Vm);
    Result<std::unique_ptr<Machine>> machine = Machine::start({.kernel = qemu,
                                                               .arguments = qemu_arguments(options, ends[1]),
                                                               .console = options.console,
                                                               .line = ends[1],
                                                               .package = "qemu-system-x86"});
    ::close(ends[1]);
    if (!machine) {
        ::close(ends[0]);
        return std::unexpected(machine.error());
    }
    vm->machine_ = *std::move(machine);
    vm->line_ = std::make_shared<Line>(ends[0], [console = options.console] {
        return with_console(ErrorKind::lost, "the virtual machine has gone", console);
    });
    const Result<void> ready = vm->line_->await(FrameType::ready, options.limit);
    if (!ready && ready.error().kind == ErrorKind::timeout)
        return std::unexpected(with_console(
            ErrorKind::timeout,
            fmt::format("the virtual machine takes no commands within {}", to_text(options.limit)),
            options.console));
    if (!ready) return std::unexpected(ready.error());
    return vm;
}

Result<host::Outcome> Vm::run(std::vector<std::string> argv, std::string_view input, Milliseconds limit)
{
    Process process = TRY(Process::start(line_, std::move(argv)));
    TRY(process.write(input));
    TRY(process.close_input());
    return process.wait(limit);
}

Result<std::string> Vm::run_checked(std::vector<std::string> argv, std::string_view input, Milliseconds limit)
{
    const std::string command = host::Command{.argv = argv}.to_text();
    host::Outcome outcome = TRY(run(std::move(argv), input, limit));
    if (outcome.exit_code != 0)
        return fail(ErrorKind::failed, fmt::format("{} ended with exit code {}: {}{}", command,
                                                   outcome.exit_code, outcome.out, outcome.err));
    return std::move(outcome.out);
}

Result<void> Vm::power_off(Milliseconds limit)
{
    TRY(line_->send({FrameType::power_off}));
    return machine_->await_end(limit);
}

}  // namespace belay::lab
