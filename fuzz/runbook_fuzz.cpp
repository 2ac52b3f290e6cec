// Whatever a runbook's file may say: each problem has a place in it, and what has no error becomes a plan
// that the engine can carry and the journal can hold.

#include "base/invariant.h"
#include "base/json.h"
#include "host/simulated.h"
#include "operation/runbook/make_plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::operation;

/// The values that a person who follows the examples would set.
runbook::Values values_of(const runbook::Runbook& runbook)
{
    runbook::Values values;
    for (const runbook::Variable& variable : runbook.variables) {
        if (!variable.fallback) values[variable.name] = variable.example;
    }
    return values;
}

void plan(const runbook::Runbook& book)
{
    host::SimulatedHost machine;
    const auto plan = runbook::make_plan(machine, book, values_of(book));
    if (!plan) return;
    INVARIANT(validate(*plan));
    Catalogue catalogue;
    runbook::fill(catalogue);
    for (const Step& step : plan->steps) {
        INVARIANT(!step.commands.empty());
        INVARIANT(!step.undo_commands.empty() || !step.one_way.empty() || step.action == "runbook.wait");
        const Action* action = *catalogue.action(step.action);
        // Nothing is installed there, so each of them fails; none may do worse.
        static_cast<void>(action->inspect(machine, step.arguments).has_value());
        static_cast<void>(action->revert(machine, step.arguments, Json{{"was", nullptr}}).has_value());
    }
    const auto again = from_json_text<Plan>(json_text(Json(*plan)));
    INVARIANT(again && Json(*again) == Json(*plan));
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const runbook::Linted linted = runbook::read_runbook(text);
    INVARIANT(linted.runbook.has_value() != runbook::any_error(linted.problems));
    const size_t lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
    for (const runbook::Problem& problem : linted.problems) {
        INVARIANT(problem.place.line >= 1 && problem.place.line <= lines && problem.place.column >= 1);
        INVARIANT(!problem.what.empty());
    }
    if (linted.runbook) plan(*linted.runbook);
    return 0;
}
