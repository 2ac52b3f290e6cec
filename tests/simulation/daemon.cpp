#include "daemon.h"

namespace belay::simulation {

using operation::Id;
using operation::Next;

Daemon::Daemon(host::SimulatedHost& machine, store::MemoryStore& disk, Witness& witness, Defect defect)
    : machine_(machine),
      disk_(disk),
      defect_(defect),
      host_(machine, witness, process_),
      store_(disk, witness, process_)
{
    fill(catalogue_, at_work_,
         defect == Defect::remains_asks_for_goal ? Remains::asks_for_goal : Remains::asks_for_ours);
}

Result<void> Daemon::start()
{
    host::Host* host = &host_;
    store::Store* store = &store_;
    mistaken_.reset();
    at_work_ = {};
    switch (defect_) {
        case Defect::drops_intents:
            mistaken_ = std::make_unique<ForgetfulStore>(store_, is_intent);
            break;
        case Defect::drops_restores:
            mistaken_ = std::make_unique<ForgetfulStore>(store_, is_restoring);
            break;
        case Defect::forgets_locks:
            mistaken_ = std::make_unique<ForgetfulStore>(store_, is_lock);
            break;
        case Defect::acknowledges_too_early:
            mistaken_ = std::make_unique<HastyStore>(store_, disk_.snapshot());
            break;
        case Defect::boot_clock_jumps:
            host = &jumpy_.emplace(host_);
            break;
        case Defect::none:
        case Defect::remains_asks_for_goal:
            break;
    }
    if (mistaken_) store = mistaken_.get();
    due_.clear();
    engine_ = TRY(operation::Engine::open(*store, *host, catalogue_, {}));
    for (const Id& id : TRY(engine_->unfinished())) is_due(id);
    return {};
}

Milliseconds Daemon::boot_clock() const
{
    Milliseconds boot{0};
    machine_.look([&](const Machine& machine) {
        boot = defect_ == Defect::boot_clock_jumps ? machine.wall : machine.boot;
    });
    return boot;
}

std::vector<Id> Daemon::due_now() const
{
    const Milliseconds now = boot_clock();
    std::vector<Id> ids;
    for (const auto& [id, at] : due_) {
        if (at <= now) ids.push_back(id);
    }
    return ids;
}

std::optional<Milliseconds> Daemon::next_due() const
{
    std::optional<Milliseconds> next;
    for (const auto& [id, at] : due_) next = next ? std::min(*next, at) : at;
    if (!next) return std::nullopt;
    return std::max(*next - boot_clock(), Milliseconds{0});
}

Result<void> Daemon::step(const Id& id)
{
    const Result<Next> next = engine_->step(id);
    due_.erase(id);
    if (!next) {
        due_[id] = boot_clock() + std::chrono::seconds(1);
        return std::unexpected(next.error());
    }
    if (next->when == Next::When::now) is_due(id);
    if (next->when == Next::When::at) due_[id] = next->boot;
    return {};
}

}  // namespace belay::simulation
