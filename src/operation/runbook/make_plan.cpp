#include "operation/runbook/make_plan.h"

#include "base/json.h"
#include "host/encoding.h"
#include "operation/gates.h"
#include "operation/runbook/commands.h"
#include "operation/runbook/pattern.h"

#include <algorithm>
#include <set>

namespace belay::operation::runbook {
namespace {

constexpr size_t longest_value = 4096;

/// Every variable with its value. All that is wrong is said at once.
Result<Values> values_of(const Runbook& runbook, const Values& given)
{
    Values values;
    std::vector<std::string> wrong;
    for (const auto& [name, value] : given) {
        if (std::ranges::find(runbook.variables, name, &Variable::name) == runbook.variables.end())
            wrong.push_back(fmt::format("it has no variable {}", name));
    }
    for (const Variable& variable : runbook.variables) {
        const auto found = given.find(variable.name);
        if (found == given.end() && !variable.fallback) {
            const std::string example = variable.example.empty() ? "VALUE" : variable.example;
            wrong.push_back(fmt::format("it wants {} ({}), as --set {}={}", variable.name,
                                        variable.meaning.text, variable.name, example));
            continue;
        }
        const std::string& value = found == given.end() ? variable.fallback->text : found->second;
        if (value.size() > longest_value || value.contains('\0'))
            wrong.push_back(
                fmt::format("the value of {} is longer than 4 KiB or has a zero byte", variable.name));
        else if (variable.pattern && !TRY(matches_whole(variable.pattern->text, value)))
            wrong.push_back(fmt::format("{}=\"{}\" is not as its pattern {} says", variable.name, value,
                                        variable.pattern->text));
        values[variable.name] = value;
    }
    if (wrong.empty()) return values;
    return fail(ErrorKind::usage,
                fmt::format("the runbook {} cannot be planned: {}", runbook.name, fmt::join(wrong, "; ")),
                "belay runbook lint FILE shows its variables");
}

/// Makes the parts of one plan.
class Maker {
  public:
    Maker(host::Host& host, const Runbook& runbook, Values values)
        : host_(host), runbook_(runbook), values_(std::move(values))
    {
    }

    Result<Plan> make()
    {
        plan_.procedure = "runbook." + runbook_.name;
        plan_.title = TRY(filled_text(runbook_.summary.text, values_));
        plan_.asked = {{"runbook", runbook_.name}, {"variables", values_}};
        if (runbook_.timer) plan_.timer = *runbook_.timer;
        for (size_t i = 0; i < runbook_.checks.size(); ++i) TRY(add_check(i));
        for (const StepEntry& step : runbook_.steps) TRY(add_steps(step));
        for (size_t i = 0; i < runbook_.gates.size(); ++i) TRY(add_gate(i));
        plan_.left_by_abort = TRY(all_filled(runbook_.left_by_abort));
        plan_.topology = TRY(all_filled(runbook_.afterwards));
        TRY(add_fingerprint());
        TRY(add_locks());
        add_programs();
        TRY(validate(plan_));
        return std::move(plan_);
    }

  private:
    Result<std::vector<std::string>> all_filled(const std::vector<Text>& texts)
    {
        std::vector<std::string> all;
        for (const Text& text : texts) all.push_back(TRY(filled_text(text.text, values_)));
        return all;
    }

    /// A command as it is run; its program is noted, to be looked for before anything begins.
    Result<std::vector<std::string>> command(const Words& words)
    {
        std::vector<std::string> argv = TRY(all_filled(words));
        TRY(note_program(argv.front()));
        return argv;
    }

    Result<void> note_program(const std::string& program)
    {
        if (program.empty() || program.contains('/'))
            return fail(ErrorKind::usage,
                        fmt::format("\"{}\" is no program: a bare name is wanted", program));
        programs_.insert(program);
        return {};
    }

    /// A command that may have what was remembered in its words.
    Result<Json> command_back(const Words& words)
    {
        Json argv = Json::array();
        for (const Text& word : words) argv.push_back(TRY(filled(word.text, values_)));
        if (!argv.front().is_string())
            return fail(ErrorKind::usage, "a program's name cannot be what was remembered");
        TRY(note_program(argv.front().get<std::string>()));
        return argv;
    }

    Result<Json> probe(const Probe& probe)
    {
        Json arguments = Json::object();
        arguments["run"] = TRY(command_back(probe.run));
        if (probe.expect_exit != 0) arguments["expect_exit"] = probe.expect_exit;
        if (probe.expect_output) arguments["expect_output"] = probe.expect_output->text;
        if (probe.expect_text) arguments["expect_text"] = TRY(filled(probe.expect_text->text, values_));
        return arguments;
    }

    Result<void> add_check(size_t index)
    {
        const CheckEntry& entry = runbook_.checks[index];
        Check check;
        check.code = fmt::format("runbook.check-{}", index + 1);
        check.title = TRY(filled_text(entry.title.text, values_));
        check.question.condition = "runbook.holds";
        check.question.arguments = TRY(probe(entry.probe));
        check.question.arguments["mend"] = TRY(filled_text(entry.mend.text, values_));
        check.again = entry.again;
        plan_.checks.push_back(std::move(check));
        return {};
    }

    Result<void> add_gate(size_t index)
    {
        const GateEntry& entry = runbook_.gates[index];
        Gate gate;
        if (entry.address) {
            gate = TRY(parse_gate(TRY(filled_text(entry.address->text, values_)), entry.grace));
        } else {
            const auto every =
                std::clamp<Milliseconds>(entry.grace / 3, std::chrono::seconds(1), std::chrono::seconds(10));
            gate.question.condition = "runbook.holds";
            gate.question.arguments = TRY(probe(*entry.probe));
            gate.every = every;
            gate.grace = entry.grace;
        }
        if (entry.every) gate.every = *entry.every;
        gate.name = fmt::format("gate-{}", index + 1);
        gate.title = TRY(filled_text(entry.title.text, values_));
        plan_.gates.push_back(std::move(gate));
        return {};
    }

    Result<void> add_steps(const StepEntry& entry)
    {
        if (entry.members.empty()) return add_step(entry, entry.name.text, "");
        const std::vector<std::string> members = TRY(all_filled(entry.members));
        for (size_t i = 0; i < members.size(); ++i) {
            values_["member"] = members[i];
            TRY(add_step(entry, fmt::format("{}.{}", entry.name.text, i + 1), members[i]));
        }
        values_.erase("member");
        return {};
    }

    Result<void> add_step(const StepEntry& entry, const std::string& name, const std::string& member)
    {
        Step step;
        step.name = name;
        step.phase = entry.phase;
        step.member = member;
        step.title = TRY(filled_text(entry.title.text, values_));
        step.takes = entry.takes;
        if (entry.one_way) step.one_way = TRY(filled_text(entry.one_way->text, values_));
        const bool acts = entry.run || entry.write;
        if (entry.write) TRY(fill_write(step, entry));
        if (entry.run && !entry.write) TRY(fill_run(step, entry));
        if (acts) plan_.steps.push_back(step);
        if (!entry.wait_for) return {};
        Step wait{.name = acts ? step.name + ".wait" : step.name,
                  .title = acts ? fmt::format("wait after: {}", step.title) : step.title,
                  .phase = entry.phase,
                  .member = member,
                  .action = "runbook.wait"};
        TRY(fill_wait(wait, *entry.wait_for));
        plan_.steps.push_back(std::move(wait));
        return {};
    }

    /// What a command and its way back have in common, whether a file is written before it or not.
    Result<void> fill_commands(Step& step, const StepEntry& entry)
    {
        Json& arguments = step.arguments;
        arguments["timeout_ms"] = entry.timeout.count();
        if (entry.run) arguments["run"] = TRY(command(*entry.run));
        if (entry.input) arguments["input"] = TRY(filled_text(entry.input->text, values_));
        if (entry.undo) arguments["undo"] = TRY(command_back(*entry.undo));
        if (entry.undo_input) arguments["undo_input"] = TRY(filled(entry.undo_input->text, values_));
        if (entry.remember) arguments["remember"] = TRY(command(*entry.remember));
        if (entry.check) arguments["check"] = TRY(probe(*entry.check));
        if (entry.left) arguments["left"] = TRY(probe(*entry.left));
        return {};
    }

    Result<void> fill_run(Step& step, const StepEntry& entry)
    {
        step.action = entry.check ? "runbook.run" : "runbook.run-once";
        TRY(fill_commands(step, entry));
        show_commands(step);
        return {};
    }

    Result<void> fill_write(Step& step, const StepEntry& entry)
    {
        step.action = "runbook.write";
        TRY(fill_commands(step, entry));
        const std::string path = TRY(filled_text(entry.write->path.text, values_));
        if (!path.starts_with('/'))
            return fail(ErrorKind::usage, fmt::format("\"{}\" is no path from the root on", path));
        std::string bytes;
        if (entry.write->from) {
            step.arguments["from"] = TRY(filled_text(entry.write->from->text, values_));
            bytes = TRY(host_.read(step.arguments["from"].get<std::string>()));
        } else {
            bytes = TRY(filled_text(entry.write->text->text, values_));
        }
        step.arguments["path"] = path;
        step.arguments["bytes"] = host::encode_bytes(bytes);
        if (entry.write->mode) {
            step.arguments["mode"] = entry.write->mode->text;
            for (const char* program : {"stat", "install", "chmod"}) programs_.insert(program);
        }
        written_.push_back(path);
        show_write(step);
        return {};
    }

    Result<void> fill_wait(Step& step, const WaitFor& wait)
    {
        step.arguments = TRY(probe(wait.probe));
        step.arguments["every_ms"] = wait.every.count();
        step.stalled_after = wait.timeout;
        show_wait(step);
        return {};
    }

    Result<void> add_fingerprint()
    {
        std::vector<std::string> files = TRY(all_filled(runbook_.fingerprint_files));
        files.insert(files.end(), written_.begin(), written_.end());
        Json commands = Json::array();
        for (const Words& words : runbook_.fingerprint_commands) commands.push_back(TRY(command(words)));
        if (files.empty() && commands.empty()) return {};
        plan_.fingerprints = {{"runbook.state", {{"files", files}, {"commands", std::move(commands)}}}};
        return {};
    }

    /// Those that were named, and every file that is written; one at least, so that the same runbook is not
    /// under way twice.
    Result<void> add_locks()
    {
        std::set<std::string> locks;
        for (std::string& lock : TRY(all_filled(runbook_.locks))) locks.insert(std::move(lock));
        for (const std::string& path : written_) locks.insert("file:" + path);
        if (locks.empty()) locks.insert(plan_.procedure);
        plan_.locks.assign(locks.begin(), locks.end());
        return {};
    }

    void add_programs()
    {
        if (programs_.empty()) return;
        plan_.checks.insert(plan_.checks.begin(),
                            {.code = "runbook.programs",
                             .title = "the programs of the runbook are there",
                             .question = {"runbook.programs", {{"programs", programs_}}}});
    }

    host::Host& host_;
    const Runbook& runbook_;
    Values values_;
    Plan plan_;
    std::set<std::string> programs_;
    std::vector<std::string> written_;
};

}  // namespace

Result<Plan> make_plan(host::Host& host, const Runbook& runbook, const Values& given)
{
    Values values = TRY(values_of(runbook, given));
    return Maker(host, runbook, std::move(values)).make();
}

}  // namespace belay::operation::runbook
