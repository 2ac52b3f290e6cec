// An array is stopped, and assembled again.

#include "base/json.h"
#include "storage/md_assembly.h"
#include "storage/md_traces.h"

namespace belay::storage::md {
namespace {

using StopJson = operation::Json;
using operation::Inspection;

/// Everything that the action is told.
struct Stopped {
    std::string uuid, node;
    std::vector<std::string> members;

    explicit Stopped(const StopJson& arguments)
        : uuid(arguments.at("array")),
          node(arguments.at("node")),
          members(arguments.at("members").get<std::vector<std::string>>())
    {
    }
};

host::Command assemble_command(const Stopped& stopped)
{
    std::vector<std::string> argv = {"mdadm", "--assemble", stopped.node, "--run", "--uuid=" + stopped.uuid};
    argv.insert(argv.end(), stopped.members.begin(), stopped.members.end());
    return {.argv = std::move(argv), .effect = host::Effect::changes, .limit = std::chrono::minutes(2)};
}

/// {array, node, members}
class StopArray final : public operation::Action {
  public:
    Result<Inspection> inspect(host::Host& host, const StopJson& arguments) const override
    {
        const Traces traces = TRY(traces_in(host, arguments));
        if (traces.holders.empty()) return Inspection{Inspection::Found::done, "it does not run"};
        if (!traces.array) return Inspection{Inspection::Found::partial, "it holds members"};
        return Inspection{Inspection::Found::absent, description_of(*traces.array)};
    }

    Result<void> apply(host::Host& host, const StopJson& arguments) const override
    {
        const Traces traces = TRY(traces_in(host, arguments));
        return stop_traces(host, Stopped(arguments).uuid, traces);
    }

    Result<std::string> remains(host::Host& host, const StopJson& arguments, const StopJson&) const override
    {
        const Traces traces = TRY(traces_in(host, arguments));
        if (!traces.array) return std::string("the array stopped");
        const bool whole = TRY(runs_with(host, *traces.array, Stopped(arguments).members));
        return std::string(whole ? "" : "the array without all of its members");
    }

    Result<void> revert(host::Host& host, const StopJson& arguments, const StopJson&) const override
    {
        const Stopped stopped(arguments);
        const Traces traces = TRY(traces_in(host, arguments));
        if (traces.array) return await_udev(host);
        // What udev has put together of it holds the members: nobody uses that yet.
        TRY(stop_traces(host, stopped.uuid, traces));
        TRY(run_checked(host, assemble_command(stopped)));
        return await_udev(host);
    }

  private:
    static Result<Traces> traces_in(host::Host& host, const StopJson& arguments)
    {
        const Stopped stopped(arguments);
        return traces_of(host, stopped.uuid, stopped.members);
    }
};

Result<operation::Finding> ask_is_stopped(host::Host& host, const StopJson& arguments)
{
    const Stopped stopped(arguments);
    const Traces traces = TRY(traces_of(host, stopped.uuid, stopped.members));
    const bool runs = !traces.holders.empty();
    return operation::Finding{
        runs ? operation::Verdict::fail : operation::Verdict::pass,
        runs ? fmt::format("it runs as /dev/{}", *traces.holders.begin()) : "it does not run",
        "an array that does not run", "mdadm --stop " + lasting_path(stopped.uuid)};
}

StopJson stop_arguments(const Stopping& stopping)
{
    StopJson members = StopJson::array();
    for (const Device& member : stopping.members) members.push_back(member.path);
    return {{"array", stopping.array.uuid}, {"node", stopping.node}, {"members", std::move(members)}};
}

}  // namespace

operation::Act stop(const Stopping& stopping)
{
    operation::Act act{"md.stop", stop_arguments(stopping), {}};
    act.commands = {stop_command(lasting_path(stopping.array.uuid)).to_text()};
    act.undo_commands = {assemble_command(Stopped(act.arguments)).to_text()};
    return act;
}

operation::Question is_stopped(const Stopping& stopping)
{
    return {"md.is_stopped", stop_arguments(stopping)};
}

void fill_stop(operation::Catalogue& catalogue)
{
    catalogue.add("md.stop", std::make_unique<StopArray>());
    catalogue.add_condition("md.is_stopped", ask_is_stopped);
}

}  // namespace belay::storage::md
