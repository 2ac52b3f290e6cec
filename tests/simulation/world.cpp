#include "world.h"

#include "base/invariant.h"
#include "base/json.h"

namespace belay::simulation {
namespace {

using host::Command;
using host::Outcome;

Outcome refused(std::string why)
{
    return {.exit_code = 1, .out = "", .err = std::move(why)};
}

/// What is left of a job, or nothing where `text` says that it stands still.
std::optional<int64_t> left_of_job(const std::string& text)
{
    if (text == "stalled") return std::nullopt;
    return std::stoll(text);
}

void work_on_jobs(Machine& machine, Milliseconds elapsed)
{
    std::vector<std::pair<std::string, std::string>> through;
    for (const std::string_view root : {"/res/", "/run/"}) {
        for (auto at = machine.nodes.lower_bound(root);
             at != machine.nodes.end() && at->first.starts_with(root); ++at) {
            if (at->first.compare(6, 5, "/job/") != 0) continue;
            const auto left = left_of_job(at->second.bytes);
            if (!left) continue;
            if (*left > elapsed.count())
                at->second.bytes = fmt::format("{}", *left - elapsed.count());
            else
                through.emplace_back(at->first,
                                     fmt::format("/res/{}/result/{}", at->first[5], at->first.substr(11)));
        }
    }
    for (const auto& [job, result] : through) {
        machine.erase(job);
        machine.put_file(result, "done");
    }
}

/// A result that is being taken back goes when the time is over.
void work_on_undoing(Machine& machine, Milliseconds elapsed)
{
    std::vector<std::string> through;
    for (auto at = machine.nodes.lower_bound("/res/");
         at != machine.nodes.end() && at->first.starts_with("/res/"); ++at) {
        if (at->first.compare(6, 6, "/undo/") != 0) continue;
        const int64_t left = std::stoll(at->second.bytes) - elapsed.count();
        if (left > 0)
            at->second.bytes = fmt::format("{}", left);
        else
            through.push_back(at->first);
    }
    for (const std::string& undo : through) {
        machine.erase(undo);
        machine.erase(fmt::format("/res/{}/result/{}", undo[5], undo.substr(12)));
    }
}

/// simctl VERB RESOURCE NAME [MORE]: what changes a resource otherwise than through a file.
Result<Outcome> simctl(Machine& machine, const Command& command, std::map<std::string, int>& charged)
{
    INVARIANT(command.argv.size() >= 4);
    const std::string& verb = command.argv[1];
    const std::string root = resource_path(command.argv[2]);
    const std::string& name = command.argv[3];
    const std::string more = command.argv.size() > 4 ? command.argv[4] : "";
    const auto at = [&](std::string_view folder) { return fmt::format("{}/{}/{}", root, folder, name); };
    const auto job = [&] {
        return more == "volatile" ? fmt::format("{}/job/{}", volatile_path(command.argv[2]), name)
                                  : at("job");
    };

    if (verb == "dump")
        return Outcome{.exit_code = 0, .out = json_text(slice_of(machine, command.argv[2])), .err = ""};
    if (verb == "swap") {
        const auto fresh = machine.text(at("setting") + ".new");
        if (!fresh) return refused("there is no new value");
        machine.put_file(at("setting"), *fresh);
        machine.erase(at("setting") + ".new");
    } else if (verb == "reload") {
        machine.put_file(at("live"), machine.text(at("setting")).value_or(""));
    } else if (verb == "join") {
        machine.put_file(at("member"), "joining");
    } else if (verb == "sync") {
        if (!machine.text(at("member"))) return refused("there is no such member");
        machine.put_file(at("member"), "ready");
    } else if (verb == "leave") {
        machine.erase(at("member"));
    } else if (verb == "wipe") {
        machine.put_file(at("old"), "wiped");
    } else if (verb == "charge") {
        ++charged[name];
        machine.put_file(at("charge"), "1");
    } else if (verb == "note") {
        machine.put_file(at("note"), "1");
    } else if (verb == "refund") {
        machine.erase(at("charge"));
        machine.erase(at("note"));
    } else if (verb == "log") {
        const std::string log = machine.text(root + "/log").value_or("");
        if (log.find(name) == std::string::npos) machine.put_file(root + "/log", log + name + "\n");
    } else if (verb == "start") {
        machine.put_file(job(), command.input);
    } else if (verb == "stop") {
        machine.erase(job());
    } else if (verb == "undo") {
        if (machine.text(at("result"))) machine.put_file(at("undo"), command.input);
    } else if (verb == "try") {
        const std::string counter = "/env/flaky/" + name;
        const bool again = machine.text(counter).has_value();
        machine.put_file(counter, "1");
        if (more == "always" || !again) return refused("not this time");
    } else {
        return refused("no such verb: " + verb);
    }
    return Outcome{.exit_code = 0, .out = "", .err = ""};
}

}  // namespace

std::string resource_path(std::string_view resource)
{
    return fmt::format("/res/{}", resource);
}

std::string volatile_path(std::string_view resource)
{
    return fmt::format("/run/{}", resource);
}

Machine first_machine()
{
    Machine machine;
    for (int i = 0; i < resources; ++i) {
        const std::string root = resource_path(fmt::format("{}", i));
        for (const std::string_view folder :
             {"staging", "setting", "live", "member", "old", "charge", "note", "job", "result", "undo"})
            machine.put_folder(fmt::format("{}/{}", root, folder));
        for (int k = 0; k < 3; ++k) {
            machine.put_file(fmt::format("{}/setting/s{}", root, k), "first");
            machine.put_file(fmt::format("{}/live/s{}", root, k), "first");
            machine.put_file(fmt::format("{}/old/o{}", root, k), "precious");
        }
        machine.put_file(root + "/member/m0", "ready");
        machine.put_file(root + "/staging/p0", "prepared p0");
    }
    machine.put_folder("/run");
    machine.put_folder("/saved");
    machine.put_folder("/env/flaky");
    for (int i = 0; i < resources; ++i) machine.put_file(fmt::format("/env/gate/{}", i), "good");
    return machine;
}

std::map<std::string, std::string> slice_of(const Machine& machine, std::string_view resource)
{
    std::map<std::string, std::string> slice;
    for (const std::string& root : {resource_path(resource), volatile_path(resource)}) {
        for (auto at = machine.nodes.lower_bound(root);
             at != machine.nodes.end() && at->first.starts_with(root); ++at) {
            if (at->second.kind != host::Node::Kind::folder) slice.emplace(at->first, at->second.bytes);
        }
    }
    return slice;
}

bool is_staging(std::string_view path)
{
    return path.find("/staging/") != std::string_view::npos;
}

void furnish(host::SimulatedHost& host, std::map<std::string, int>& charged)
{
    host.install("simctl", [&charged](Machine& machine, const Command& command) {
        return simctl(machine, command, charged);
    });
    host.set_passage([](Machine& machine, Milliseconds elapsed) {
        work_on_jobs(machine, elapsed);
        work_on_undoing(machine, elapsed);
    });
}

}  // namespace belay::simulation
