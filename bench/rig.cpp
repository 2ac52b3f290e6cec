#include "rig.h"

#include "host/real.h"
#include "store/memory.h"
#include "store/sqlite.h"

namespace belay::bench {
namespace {

using operation::Inspection;
using operation::Json;

const operation::Asker asker{.user = "bench", .origin = "belay-bench"};

/// Reaches its goal with apply(), and forgets it once it was seen: the next step finds nothing done.
class Nothing : public operation::Action {
  public:
    Result<Inspection> inspect(host::Host&, const Json&) const override
    {
        return Inspection{.found = std::exchange(done_, false) ? Inspection::Found::done
                                                               : Inspection::Found::absent};
    }
    Result<void> apply(host::Host&, const Json&) const override
    {
        done_ = true;
        return {};
    }
    Result<std::string> remains(host::Host&, const Json&, const Json&) const override { return ""; }
    Result<void> revert(host::Host&, const Json&, const Json&) const override { return {}; }

  private:
    mutable bool done_ = false;
};

/// The same, with a real command.
class True final : public Nothing {
  public:
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, {.argv = {"true"}, .effect = host::Effect::changes}));
        return Nothing::apply(host, arguments);
    }
};

}  // namespace

Rig::Rig() : host_(host::real_host())
{
    catalogue_.add("bench.nothing", std::make_unique<Nothing>());
    catalogue_.add("bench.true", std::make_unique<True>());
}

Result<void> Rig::start(std::unique_ptr<store::Store> store, const std::string& folder)
{
    store_ = std::move(store);
    engine_ = TRY(operation::Engine::open(*store_, *host_, catalogue_, {.state_folder = folder}));
    return {};
}

Result<std::unique_ptr<Rig>> Rig::open(const std::string& folder)
{
    std::unique_ptr<Rig> rig(new Rig);
    TRY(rig->start(TRY(store::open_sqlite(folder + "/belay.db")), folder));
    return rig;
}

Result<std::unique_ptr<Rig>> Rig::in_memory()
{
    std::unique_ptr<Rig> rig(new Rig);
    TRY(rig->start(std::make_unique<store::MemoryStore>(store::this_boot()), ""));
    return rig;
}

operation::Plan Rig::plan_of(size_t steps, const std::string& action)
{
    operation::Plan plan{.procedure = "bench.steps", .title = fmt::format("{} steps of {}", steps, action)};
    for (size_t i = 0; i < steps; ++i) {
        plan.steps.push_back({.name = fmt::format("step-{}", i),
                              .title = fmt::format("Step {} of {}", i, steps),
                              .phase = operation::Phase::activate,
                              .action = action,
                              .arguments = {{"array", "2f9c8e0a:41d3b5a7:9e6c1f20:7b8d4e35"}, {"number", i}},
                              .commands = {"true"}});
    }
    return plan;
}

Result<operation::Id> Rig::add(const operation::Plan& plan)
{
    operation::Id id = TRY(engine_->keep(plan, asker)).id;
    TRY(request(id, operation::Verb::add));
    TRY(step_until(id, operation::State::added));
    return id;
}

Result<void> Rig::request(const operation::Id& id, operation::Verb verb)
{
    TRY(engine_->request(id, verb, asker));
    return {};
}

Result<void> Rig::step_until(const operation::Id& id, operation::State state)
{
    while (TRY(engine_->step(id)).when == operation::Next::When::now) {
    }
    const operation::State found = TRY(engine_->show(id)).operation.state;
    if (found == state) return {};
    return fail(ErrorKind::failed, fmt::format("operation {} is {}, and was to be {}", id,
                                               operation::name_of(found), operation::name_of(state)));
}

Result<void> Rig::step_once(const operation::Id& id)
{
    if (TRY(engine_->step(id)).when == operation::Next::When::now) return {};
    return fail(ErrorKind::failed, fmt::format("operation {} came to rest too early", id));
}

}  // namespace belay::bench
