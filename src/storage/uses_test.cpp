#include "storage/uses.h"

#include "base/testing/must.h"
#include "host/simulated.h"

#include <doctest/doctest.h>

namespace belay::storage {
namespace {

using host::Command;
using host::Machine;
using host::Outcome;
using Openers = std::vector<std::string>;

void open(Machine& machine, const std::string& process, const std::string& name, const std::string& device)
{
    machine.put_file("/proc/" + process + "/comm", name + "\n");
    machine.put_link("/proc/" + process + "/fd/3", device);
}

/// A machine with two disks, on which `later` happens during the first second that somebody waits.
struct Processes {
    host::SimulatedHost host;
    int seconds = 0;

    explicit Processes(const std::function<void(Machine&)>& later = {})
    {
        host.change([](Machine& machine) {
            machine.put_device("/dev/sda", Bytes{1 << 20});
            machine.put_device("/dev/sdb", Bytes{1 << 20});
            machine.put_folder("/proc");
        });
        host.install("sleep", [this, later](Machine& machine, const Command& command) -> Result<Outcome> {
            CHECK(command.argv == std::vector<std::string>{"sleep", "1"});
            if (++seconds == 1 && later) later(machine);
            return Outcome{};
        });
    }
    Openers of_a() { return must(openers_of(host, {"sda"})); }
};

TEST_CASE("openers: whoever keeps a disk open is named, and has had the time to go")
{
    Processes processes;
    processes.host.change([](Machine& machine) {
        open(machine, "71", "dd", "/dev/sda");
        open(machine, "72", "cat", "/dev/sdb");
    });
    CHECK(processes.of_a() == Openers{"dd (process 71) has /dev/sda open"});
    CHECK(processes.seconds == 2);
}

TEST_CASE("openers: who is gone a second later does not use it")
{
    Processes processes([](Machine& machine) { machine.erase("/proc/71"); });
    processes.host.change([](Machine& machine) { open(machine, "71", "blkid", "/dev/sda"); });
    CHECK(processes.of_a().empty());
    CHECK(processes.seconds == 1);
}

TEST_CASE("openers: nobody waits for udev, nor for a look at the disk's health")
{
    Processes processes;
    processes.host.change([](Machine& machine) {
        open(machine, "71", "systemd-udevd", "/dev/sda");
        open(machine, "72", "(udev-worker)", "/dev/sda");
        open(machine, "73", "smartctl", "/dev/sda");
    });
    CHECK(processes.of_a().empty());
    CHECK(processes.seconds == 0);
}

}  // namespace
}  // namespace belay::storage
