#pragma once
// For tests: a runbook with every part that there is, and a small machine that it runs on.

#include "host/simulated.h"

#include <string>

namespace belay::operation::runbook {

/// Copies, switches and lets go, with each kind of step. Programs: those of give_programs().
inline const std::string sample = R"(
name = "sample"
summary = "Change the sample"
source = "a test"
timer = "30m"
locks = ["service:${service}"]
left-by-abort = ["the log of ${service} grows"]
afterwards = ["${service} runs with the new settings"]

[variables.service]
meaning = "the service"
example = "nginx"
pattern = "[a-z]+"

[variables.size]
meaning = "how large"
default = "10"

[[check]]
title = "${service} is there"
run = ["has", "/srv/${service}"]
mend = "install ${service}"

[[step]]
name = "copy"
title = "Copy the data"
phase = "add"
check = ["has", "/srv/copy"]
run = ["put", "/srv/copy", "data of ${service}"]
undo = ["drop", "/srv/copy"]

[[step]]
name = "settings"
title = "Write the settings"
phase = "activate"
write = { path = "/etc/settings", text = "size = ${size}\n" }
run = ["take-up"]

[[step]]
name = "limit"
title = "Set the limit"
phase = "activate"
members = ["one", "two"]
remember = ["get", "/srv/limit-${member}"]
check = { run = ["get", "/srv/limit-${member}"], expect-text = "${size}" }
run = ["put", "/srv/limit-${member}", "${size}"]
undo = ["put", "/srv/limit-${member}", "${remembered}"]

[[step]]
name = "blind"
title = "Count one more"
phase = "activate"
run = ["more", "/srv/count"]
undo = ["less", "/srv/count"]
takes = "10s"
wait-for = { run = ["has", "/srv/ready"], timeout = "30s", every = "5s" }

[[step]]
name = "let-go"
title = "Drop the old data"
phase = "commit"
check = { run = ["has", "/srv/old"], expect-exit = 1 }
run = ["drop", "/srv/old"]
one-way = "the old data is gone"

[[gate]]
title = "${service} answers"
run = ["has", "/srv/ready"]
grace = "15s"

[fingerprint]
files = ["/srv/count"]
commands = [["get", "/srv/limit-one"], ["get", "/srv/limit-two"], ["get", "/srv/taken-up"]]
)";

/// has FILE, get FILE, put FILE TEXT, drop FILE, more FILE, less FILE; take-up copies /etc/settings to
/// /srv/taken-up and makes /srv/ready.
inline void give_programs(host::SimulatedHost& host)
{
    using host::Command;
    using host::Machine;
    using host::Outcome;
    const auto give = [&](const std::string& name, host::Program program) {
        host.change([&](Machine& machine) { machine.put_file("/usr/bin/" + name, "a program"); });
        host.install(name, std::move(program));
    };
    give("has", [](Machine& machine, const Command& command) -> Result<Outcome> {
        return Outcome{machine.text(command.argv.at(1)) ? 0 : 1, "", ""};
    });
    give("get", [](Machine& machine, const Command& command) -> Result<Outcome> {
        const auto text = machine.text(command.argv.at(1));
        return text ? Outcome{0, *text + "\n", ""} : Outcome{1, "", "it is not there\n"};
    });
    give("put", [](Machine& machine, const Command& command) -> Result<Outcome> {
        machine.put_file(command.argv.at(1), command.argv.at(2));
        return Outcome{};
    });
    give("drop", [](Machine& machine, const Command& command) -> Result<Outcome> {
        if (!machine.text(command.argv.at(1))) return Outcome{1, "", "it is not there\n"};
        machine.erase(command.argv.at(1));
        return Outcome{};
    });
    for (const int by : {1, -1})
        give(by > 0 ? "more" : "less", [by](Machine& machine, const Command& command) -> Result<Outcome> {
            const int count = std::stoi(machine.text(command.argv.at(1)).value_or("0"));
            machine.put_file(command.argv.at(1), fmt::format("{}", count + by));
            return Outcome{};
        });
    give("sync", [](Machine&, const Command&) -> Result<Outcome> { return Outcome{}; });
    give("take-up", [](Machine& machine, const Command&) -> Result<Outcome> {
        const auto settings = machine.text("/etc/settings");
        if (!settings) return Outcome{1, "", "there are no settings\n"};
        machine.put_file("/srv/taken-up", *settings);
        return Outcome{};
    });
    host.change([](Machine& machine) {
        machine.put_file("/etc/settings", "size = 1\n");
        machine.put_file("/srv/taken-up", "size = 1\n");
        machine.put_file("/srv/nginx", "a service");
        machine.put_file("/srv/old", "old data");
        machine.put_file("/srv/ready", "");
        machine.put_file("/srv/limit-one", "1");
        machine.put_file("/srv/limit-two", "2");
        machine.put_file("/srv/count", "5");
    });
}

}  // namespace belay::operation::runbook
