#pragma once
// For tests: one run of the sample with one accident in it, from the plan to its end, led by a person who
// looks before they answer.

#include "host/faulty.h"
#include "operation/engine.h"
#include "operation/runbook/make_plan.h"
#include "operation/runbook/sample.h"
#include "store/memory.h"

#include <optional>

namespace belay::operation::runbook {

enum class Wish { commit, abort_when_added, abort_when_activated };

class Trial {
  public:
    Trial(Wish wish, std::optional<host::Fault> fault) : wish_(wish), fault_(fault)
    {
        give_programs(machine);
        before = machine.machine();
        fill(catalogue_);
        faulty_.emplace(machine, fault);
        for (const char* program : {"more", "less"}) count_runs_of(program);
    }

    /// The state in which it ended; a trial that does not end fails.
    State run()
    {
        for (int turn = 0; turn < 500 && !over_; ++turn) {
            take_turn();
            const bool died = fault_ && fault_->kind == host::Fault::Kind::dead && contacts() >= fault_->at;
            if (died && !restarted_) restart();
        }
        return over_ ? operation.state : State::planned;
    }

    size_t contacts() const { return past_contacts_ + faulty_->contacts(); }
    std::string log() const { return past_log_ + "---\n" + faulty_->log(); }

    host::SimulatedHost machine;
    host::Machine before;
    Operation operation;
    std::map<std::string, int> runs;  ///< of the programs that must not run twice
    std::string held = {};            ///< why, each time
    int times_held = 0, refusals = 0;

  private:
    void count_runs_of(const std::string& program)
    {
        const int by = program == "more" ? 1 : -1;
        machine.install(
            program,
            [this, program, by](host::Machine& m, const host::Command& command) -> Result<host::Outcome> {
                ++runs[program];
                const std::string& path = command.argv.at(1);
                const int count = std::stoi(m.text(path).value_or("0"));
                // An undo may run twice: what dies before the journal has it undoes it again.
                const bool was_undone = by < 0 && count == std::stoi(before.text(path).value_or("0"));
                if (!was_undone) m.put_file(path, fmt::format("{}", count + by));
                return host::Outcome{};
            });
    }

    void restart()
    {
        restarted_ = true;
        engine_.reset();
        past_contacts_ += faulty_->contacts();
        past_log_ += faulty_->log();
        faulty_.emplace(machine);
        store_.revive("1");
    }

    void take_turn()
    {
        if (!engine_) {
            auto opened = Engine::open(store_, *faulty_, catalogue_, {});
            if (opened) engine_ = std::move(*opened);
            return;
        }
        if (id_.empty()) return plan();
        const Result<View> view = engine_->show(id_);
        if (!view) return;
        operation = view->operation;
        go_on();
    }

    void plan()
    {
        const Linted linted = read_runbook(sample);
        const auto made = make_plan(*faulty_, *linted.runbook, {{"service", "nginx"}});
        const auto kept =
            made ? engine_->keep(*made, {"anna", "a trial", ""}) : std::unexpected(made.error());
        if (kept)
            id_ = kept->id;
        else
            ++refusals;
    }

    void ask(Verb verb)
    {
        if (!engine_->request(id_, verb, {"anna", "a trial", ""})) ++refusals;
    }

    void step()
    {
        const Result<Next> next = engine_->step(id_);
        if (!next || next->when != Next::When::at) return;
        const Milliseconds boot = machine.machine().boot;
        if (next->boot > boot) machine.advance(next->boot - boot);
    }

    void go_on()
    {
        switch (operation.state) {
            case State::planned:
                return ask(Verb::add);
            case State::added:
                return ask(wish_ == Wish::abort_when_added ? Verb::abort : Verb::activate);
            case State::activated:
                return ask(wish_ == Wish::commit ? Verb::commit : Verb::abort);
            case State::adding:
            case State::activating:
            case State::committing:
            case State::aborting:
                return step();
            case State::held:
                return look_and_lead_on();
            case State::committed:
            case State::aborted:
                over_ = true;
        }
    }

    /// Where nobody knows whether the counter was raised the person looks, and raises it by hand if not.
    void look_and_lead_on()
    {
        ++times_held;
        held += operation.reason + '\n';
        if (operation.reason.contains("nobody knows") && runs["more"] == 0)
            machine.change([](host::Machine& m) { m.put_file("/srv/count", "6"); });
        // Where the answer of the undoing itself was lost, it is looked at as well.
        if (operation.reason.contains("could not be undone") && runs["less"] == 1)
            machine.change([](host::Machine& m) { m.put_file("/srv/count", "6"); });
        ask(operation.held_in == State::committing ? Verb::commit : Verb::abort);
    }

    const Wish wish_;
    const std::optional<host::Fault> fault_;
    store::MemoryStore store_{{.boot = "1", .now = [] { return Milliseconds{0}; }}};
    Catalogue catalogue_;
    std::optional<host::FaultyHost> faulty_;
    std::unique_ptr<Engine> engine_;
    Id id_;
    std::string past_log_;
    size_t past_contacts_ = 0;
    bool restarted_ = false, over_ = false;
};

}  // namespace belay::operation::runbook
