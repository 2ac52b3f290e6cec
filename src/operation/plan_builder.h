#pragma once
// How a procedure writes its plan, so that it reads like the wiki page that it came from.

#include "operation/act.h"
#include "operation/plan.h"

#include <algorithm>

namespace belay::operation {

class PlanBuilder {
  public:
    PlanBuilder(std::string procedure, std::string title, Json asked)
    {
        plan_.procedure = std::move(procedure);
        plan_.title = std::move(title);
        plan_.asked = std::move(asked);
    }

    /// Asked before add, and before activate unless it would no longer hold then.
    void check(std::string code, std::string title, Question question)
    {
        plan_.checks.push_back({std::move(code), std::move(title), std::move(question), true});
    }
    void check_once(std::string code, std::string title, Question question)
    {
        plan_.checks.push_back({std::move(code), std::move(title), std::move(question), false});
    }

    /// The step is there to be refined: `.one_way =
    /// ...`.
    Step& step(Phase phase, std::string name, std::string title, Act act)
    {
        return plan_.steps.emplace_back(Step{.name = std::move(name),
                                             .title = std::move(title),
                                             .phase = phase,
                                             .action = std::move(act.action),
                                             .arguments = std::move(act.arguments),
                                             .commands = std::move(act.commands),
                                             .undo_commands = std::move(act.undo_commands)});
    }
    Step& add(std::string name, std::string title, Act act)
    {
        return step(Phase::add, std::move(name), std::move(title), std::move(act));
    }
    Step& activate(std::string name, std::string title, Act act)
    {
        return step(Phase::activate, std::move(name), std::move(title), std::move(act));
    }
    Step& commit(std::string name, std::string title, Act act)
    {
        return step(Phase::commit, std::move(name), std::move(title), std::move(act));
    }

    /// The rest of the plan, to be filled in place.
    Plan& plan() { return plan_; }

    /// The steps of each phase stay in the order in which they were written, however the phases were mixed.
    /// Errors: those of validate().
    Result<Plan> build()
    {
        std::ranges::stable_sort(plan_.steps, {}, &Step::phase);
        TRY(validate(plan_));
        return std::move(plan_);
    }

  private:
    Plan plan_;
};

}  // namespace belay::operation
