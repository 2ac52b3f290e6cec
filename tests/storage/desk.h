#pragma once
// A machine with its engine, and a person who asks for one replacement after the other.

#include "operation/engine.h"
#include "procedures/disk_replace.h"
#include "procedures/procedures.h"
#include "shapes.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::simulated {

/// A machine with its engine; asks for one replacement and expects a no.
class Desk {
  public:
    explicit Desk(const Shape& shape = {}) : machine(build(shape))
    {
        procedures::fill(catalogue_);
        auto opened = operation::Engine::open(store_, machine->host(), catalogue_, {});
        REQUIRE(opened);
        engine = *std::move(opened);
    }

    Result<operation::Operation> ask(const std::string& leaving, const std::string& joining)
    {
        const operation::Plan plan = TRY(
            procedures::disk_replace().make(machine->host(), {{"leaving", leaving}, {"joining", joining}}));
        return engine->keep(plan, {"root", "a test"});
    }

    /// `what` must be in the sentence; something must be said that leads on; nothing must have changed.
    void refuses(const std::string& what, const std::string& leaving = leaving_serial,
                 const std::string& joining = joining_serial)
    {
        const host::Machine before = machine->host().machine();
        const auto answer = ask(leaving, joining);
        REQUIRE_MESSAGE(!answer, "it was accepted; wanted: " << what);
        CHECK_MESSAGE(answer.error().what.find(what) != std::string::npos, answer.error().what);
        CHECK_MESSAGE(answer.error().what.find('\n') == std::string::npos, answer.error().what);
        CHECK_MESSAGE(!answer.error().next.empty(), answer.error().what);
        CHECK(machine->host().machine().nodes == before.nodes);
        CHECK(store_.list("open/", "", 10)->empty());
        CHECK(store_.list("lock/", "", 10)->empty());
    }

    void run(std::vector<std::string> argv, std::string input = {})
    {
        const auto outcome = machine->host().run({.argv = std::move(argv), .input = std::move(input)});
        REQUIRE(outcome);
        REQUIRE_MESSAGE(outcome->exit_code == 0, outcome->err);
    }

    std::unique_ptr<SimulatedStorage> machine;
    std::unique_ptr<operation::Engine> engine;

  private:
    store::MemoryStore store_{{.boot = "1", .now = [] { return Milliseconds{0}; }}};
    operation::Catalogue catalogue_;
};

}  // namespace belay::simulated
