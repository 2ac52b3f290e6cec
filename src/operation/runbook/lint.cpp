#include "operation/runbook/lint.h"

#include "operation/gates.h"

#include <algorithm>
#include <set>

namespace belay::operation::runbook {
namespace {

constexpr std::string_view secrets[] = {"password", "passwd", "passphrase", "secret", "token", "api-key"};
constexpr std::string_view shells[] = {"sh", "bash", "dash", "zsh", "ksh"};

/// What may stand in a text beside the runbook's own variables.
struct Scope {
    bool member = false;
    bool remembered = false;
    std::string_view remembered_why =
        "is known only in \"undo\", \"undo-input\" and \"left\": take it out here";
};

class Lint {
  public:
    Lint(const Runbook& runbook, std::vector<Problem>& problems) : runbook_(runbook), problems_(problems) {}

    void run()
    {
        look_at(runbook_.summary, {});
        for (const CheckEntry& check : runbook_.checks) {
            look_at(check.title, {});
            look_at(check.mend, {});
            look_at(check.probe, {});
        }
        for (const StepEntry& step : runbook_.steps) look_at(step);
        for (const GateEntry& gate : runbook_.gates) look_at(gate);
        for (const auto* texts :
             {&runbook_.locks, &runbook_.left_by_abort, &runbook_.afterwards, &runbook_.fingerprint_files}) {
            for (const Text& text : *texts) look_at(text, {});
        }
        for (const Words& command : runbook_.fingerprint_commands) look_at(command, {});
        check_order();
        check_names();
        check_whole();
    }

  private:
    void error(Place place, std::string what) { problems_.push_back({place, true, std::move(what)}); }
    void warning(Place place, std::string what) { problems_.push_back({place, false, std::move(what)}); }

    bool is_known(const std::string& name) const
    {
        return std::ranges::find(runbook_.variables, name, &Variable::name) != runbook_.variables.end();
    }

    /// The names of the variables in it, after all that is wrong with them was said.
    std::vector<std::string> look_at(const Text& text, const Scope& scope)
    {
        const auto names = variables_in(text.text);
        if (!names) {
            error(text.place, names.error().what);
            return {};
        }
        for (const std::string& name : *names) look_at_variable(name, text.place, scope);
        return *names;
    }

    void look_at_variable(const std::string& name, Place place, const Scope& scope)
    {
        if (name == remembered_name) {
            if (!scope.remembered) error(place, fmt::format("${{remembered}} {}", scope.remembered_why));
        } else if (name == "member") {
            if (!scope.member)
                error(place,
                      "${member} is known only in a step with \"members\": give it some, or take it out");
        } else if (is_known(name)) {
            used_.insert(name);
        } else {
            error(place, fmt::format(
                             "there is no variable \"{}\": make a [variables.{}], or write \"$${{\" where no "
                             "variable is meant",
                             name, name));
        }
    }

    void look_at(const Words& command, const Scope& scope)
    {
        for (const Text& word : command) {
            for (const std::string& name : look_at(word, scope)) look_for_secret(name, word.place);
        }
        look_at_shell(command);
    }

    void look_at(const Probe& probe, const Scope& scope)
    {
        look_at(probe.run, scope);
        if (probe.expect_text) look_at(*probe.expect_text, scope);
    }

    /// A text that no command line shows, and that the journal keeps.
    void look_at_kept(const Text& text, const Scope& scope)
    {
        for (const std::string& name : look_at(text, scope)) {
            if (is_secret(name))
                warning(text.place,
                        fmt::format("the value of ${{{}}} would stay in the journal: let the command "
                                    "read it from a file",
                                    name));
        }
    }

    static bool is_secret(const std::string& name)
    {
        return std::ranges::any_of(secrets, [&](std::string_view secret) { return name.contains(secret); });
    }

    void look_for_secret(const std::string& name, Place place)
    {
        if (is_secret(name))
            warning(place,
                    fmt::format(
                        "the value of ${{{}}} would stand on a command line, where everybody on the host can "
                        "read it, and stay in the journal: let the command read it from a file",
                        name));
    }

    /// A script is looked into where it is written here; one that is a variable as a whole is what somebody
    /// wanted to be run.
    void look_at_shell(const Words& command)
    {
        if (command.size() < 3 || std::ranges::find(shells, command[0].text) == std::end(shells)) return;
        if (!command[1].text.starts_with('-') || !command[1].text.contains('c')) return;
        const Text& script = command[2];
        const auto names = variables_in(script.text);
        if (!names) return;
        const bool whole = names->size() == 1 && script.text == "${" + names->front() + "}";
        if (whole) return;
        if (!names->empty())
            warning(script.place,
                    fmt::format("the value of ${{{}}} becomes a part of the script, quotes and all: "
                                "write $1 there and hand it over as [\"sh\", \"-c\", \"...\", \"sh\", "
                                "\"${{{}}}\"]",
                                names->front(), names->front()));
        else
            warning(script.place,
                    "a shell runs this, and nobody checks its script: where no pipe is needed, write "
                    "the command word by word");
    }

    void look_at(const StepEntry& step)
    {
        const Scope scope{.member = !step.members.empty()};
        Scope back{.member = scope.member, .remembered = step.remember.has_value()};
        back.remembered_why =
            "needs \"remember\", the command whose output is kept: add it, or take this out";
        look_at(step.title, scope);
        for (const Text& member : step.members) look_at(member, {});
        for (const auto* command : {&step.run, &step.remember}) {
            if (*command) look_at(**command, scope);
        }
        if (step.undo) look_at(*step.undo, back);
        if (step.check) look_at(*step.check, scope);
        if (step.left) look_at(*step.left, back);
        if (step.input) look_at_kept(*step.input, scope);
        if (step.undo_input) look_at_kept(*step.undo_input, back);
        if (step.one_way) look_at(*step.one_way, scope);
        if (step.wait_for) look_at(step.wait_for->probe, scope);
        if (step.write) {
            look_at(step.write->path, scope);
            for (const auto* text : {&step.write->text, &step.write->from}) {
                if (*text) look_at_kept(**text, scope);
            }
        }
        advise(step);
    }

    void advise(const StepEntry& step)
    {
        if (step.run && !step.write && !step.check && step.one_way)
            warning(step.place,
                    "this step has no \"check\": after a crash nobody can tell whether it ran, and the "
                    "operation is held; add a command that ends with 0 once it is done");
        if (step.run && !step.write && !step.check && step.undo)
            warning(step.place,
                    "this step has no \"check\": after a crash nobody can tell whether it ran, and it is "
                    "neither done again nor undone before somebody says so; add a command that ends "
                    "with 0 once it is done");
        if (step.run && step.undo && same(*step.run, *step.undo))
            warning(step.undo->front().place,
                    "going back, this runs before the steps above it are undone: where it "
                    "is to see what they put back, give it to the \"write\" step as its "
                    "\"run\"");
        const std::string_view remembered = "${remembered}";
        const auto uses = [&](const Text& text) { return text.text.contains(remembered); };
        const bool used = (step.undo && std::ranges::any_of(*step.undo, uses)) ||
                          (step.undo_input && uses(*step.undo_input)) ||
                          (step.left && (std::ranges::any_of(step.left->run, uses) ||
                                         (step.left->expect_text && uses(*step.left->expect_text))));
        if (step.remember && !used)
            warning(step.remember->front().place,
                    "what this remembers is used nowhere: write ${remembered} in "
                    "\"undo\", or take \"remember\" out");
    }

    static bool same(const Words& one, const Words& other)
    {
        return std::ranges::equal(one, other, {}, &Text::text, &Text::text);
    }

    void look_at(const GateEntry& gate)
    {
        look_at(gate.title, {});
        if (gate.probe) look_at(*gate.probe, {});
        if (!gate.address || !look_at(*gate.address, {}).empty()) return;
        const Result<Gate> sound = parse_gate(gate.address->text, gate.grace);
        if (!sound) error(gate.address->place, fmt::format("{}; {}", sound.error().what, sound.error().next));
    }

    void check_order()
    {
        Phase phase = Phase::add;
        for (const StepEntry& step : runbook_.steps) {
            if (step.phase < phase)
                error(step.place,
                      fmt::format("a step of the {} phase stands below one of the {} phase: move it up",
                                  name_of(step.phase), name_of(phase)));
            phase = std::max(phase, step.phase);
        }
    }

    void check_names()
    {
        std::set<std::string_view> names;
        size_t steps = 0;
        for (const StepEntry& step : runbook_.steps) {
            steps += std::max<size_t>(step.members.size(), 1) *
                     (step.wait_for && (step.run || step.write) ? 2 : 1);
            if (!step.name.text.empty() && !names.insert(step.name.text).second)
                error(step.name.place,
                      fmt::format("two steps are called \"{}\": give one of them another name",
                                  step.name.text));
            std::set<std::string_view> members;
            for (const Text& member : step.members) {
                if (!members.insert(member.text).second)
                    error(member.place, fmt::format("the member \"{}\" stands there twice", member.text));
            }
        }
        if (steps > most_steps)
            error({},
                  fmt::format("there are {} steps, members counted, and {} is the most: make two runbooks",
                              steps, most_steps));
    }

    void check_whole()
    {
        if (runbook_.steps.empty()) error({}, "this runbook has no step: add a [[step]]");
        for (const Variable& variable : runbook_.variables) {
            if (!used_.contains(variable.name))
                warning(variable.place,
                        fmt::format("the variable {} is used nowhere: take it out", variable.name));
        }
        const bool writes =
            std::ranges::any_of(runbook_.steps, [](const StepEntry& step) { return step.write.has_value(); });
        const bool compares =
            writes || !runbook_.fingerprint_files.empty() || !runbook_.fingerprint_commands.empty();
        const bool runs =
            std::ranges::any_of(runbook_.steps, [](const StepEntry& step) { return step.run.has_value(); });
        if (runs && !compares)
            warning({},
                    "there is nothing to compare after an abort: name files or commands in [fingerprint], so "
                    "that the way back is proven");
    }

    const Runbook& runbook_;
    std::vector<Problem>& problems_;
    std::set<std::string, std::less<>> used_;
};

}  // namespace

void lint(const Runbook& runbook, std::vector<Problem>& problems)
{
    Lint(runbook, problems).run();
}

}  // namespace belay::operation::runbook
