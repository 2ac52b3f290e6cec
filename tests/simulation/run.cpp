#include "run.h"

#include "daemon.h"

#include <algorithm>
#include <ranges>

namespace belay::simulation {
namespace {

using namespace std::chrono_literals;
using operation::TimerChange;
using operation::Verb;

constexpr std::string_view dead_end = "6: no state is a dead end";
constexpr int most_steps_to_rest = 20'000;
const std::vector<Verb> verbs = {Verb::add,   Verb::activate, Verb::commit,
                                 Verb::abort, Verb::clear,    Verb::timer};
const operation::Asker person{"root", "the simulation"};

/// How much goes wrong in a run, and of what sort.
struct Weather {
    bool only_crashes = false;  ///< people are sensible, plans are sound, and only the power fails
    double crash_in_contact = 0, crash_in_commit = 0;
    double refuse = 0, lost = 0, slow = 0;
};

Weather weather_of(Dice& dice)
{
    const std::vector<double> often = {0, 0.005, 0.015, 0.05};
    Weather weather;
    weather.only_crashes = dice.chance(0.3);
    weather.crash_in_contact = dice.one_of(often);
    weather.crash_in_commit = dice.one_of(often) * 2;
    if (weather.only_crashes) return weather;
    weather.refuse = dice.one_of(often);
    weather.lost = dice.one_of(often) / 2;
    weather.slow = dice.one_of(often) / 2;
    return weather;
}

/// How far somebody wants an operation to go, and whether back from there.
struct Wish {
    State as_far_as = State::committed;
    bool then_back = false;
    uint64_t refused_at =
        0;  ///< how much had happened when it was refused: no use in asking again before more
    bool refused = false;
};

/// Nothing but a person will move it: it has ended, it waits, or its gates are watched without a timer.
bool only_soaks(const Known& operation)
{
    switch (operation.state) {
        case State::activated:
            return operation.timer->stopped && !operation.one_shot;
        case State::added:
            return !operation.one_shot;
        case State::planned:
        case State::held:
        case State::committed:
        case State::aborted:
            return true;
        default:
            return false;
    }
}

class Run final : Witness {
  public:
    explicit Run(const Options& options)
        : options_(options),
          dice_(options.seed),
          weather_(weather_of(dice_)),
          machine_(first_machine()),
          disk_({.boot = "disk", .now = [] { return Milliseconds{0}; }}),
          oracle_(machine_),
          daemon_(machine_, disk_, *this, options.defect)
    {
        furnish(machine_, charged_);
    }

    Report play();

  private:
    Fate contact(host::Call call, host::Effect effect, std::string_view what) override;
    Fate commit(const store::Transaction& transaction) override;
    void changes(std::string_view what) override
    {
        tell("    {}", what);
        oracle_.changes(daemon_.at_work(), what, charged_);
    }
    void durable(const store::Transaction& transaction) override;

    template <typename... Values>
    void tell(fmt::format_string<Values...> text, const Values&... values)
    {
        if (!options_.explain) return;
        story_.push_back(fmt::format("{:>10.3f} s  ", static_cast<double>(oracle_.now.count()) / 1000) +
                         fmt::vformat(text, fmt::make_format_args(values...)));
    }
    bool over() const { return oracle_.violation().has_value(); }
    const Known& known(const Id& id) const { return oracle_.known(id); }

    // One thing that the daemon does for somebody; it may die in it.
    template <typename Act>
    auto serve(const Id& id, Asking asking, Act act) -> decltype(act());
    void start();
    void step(const Id& id);
    void plan();
    bool ask(const Id& id, Verb verb);
    bool change_timer(const Id& id, TimerChange::What what);
    void clock_was_set();
    void clean();

    // What happens to the machine.
    void advance(Milliseconds span);
    void jump();
    void power_cut();
    void crash(std::string_view where);
    void mend_what_was_cleared();

    void event();
    void event_while_down();
    void ask_anything();
    bool act_on_wish(const Id& id);
    void come_to_rest();
    void check_wishes();
    void finish();
    void check_ways_on(const Id& id);
    std::vector<Id> ids() const;
    std::string place(std::string_view what) const;

    const Options options_;
    Dice dice_;
    const Weather weather_;
    host::SimulatedHost machine_;
    store::MemoryStore disk_;
    std::map<std::string, int> charged_;
    Oracle oracle_;
    Daemon daemon_;
    std::map<Id, Wish> wishes_;
    std::set<Id> mended_;
    std::vector<std::string> story_;
    Statistics statistics_;
    Id served_;          ///< whom the daemon works for
    bool calm_ = false;  ///< nothing goes wrong any more
    bool disk_full_ = false;
    bool untold_jump_ = false;     ///< the wall clock was set, and the journal does not know
    bool unwritten_boot_ = false;  ///< the machine was restarted, and the journal does not know
    int plans_ = 0;
    int most_plans_ = 3;
};

// ---- the seams

std::string Run::place(std::string_view what) const
{
    const auto found = oracle_.operations().find(served_);
    if (found != oracle_.operations().end()) return fmt::format("{}: {}", name_of(found->second.state), what);
    return fmt::format("{}: {}", served_.empty() ? "between operations" : served_, what);
}

Fate Run::contact(host::Call, host::Effect effect, std::string_view what)
{
    ++statistics_.contacts;
    if (calm_) return Fate::pass;
    const bool changes = effect == host::Effect::changes;
    // A restore is rare, and what must survive a crash most of all.
    const double harder = oracle_.is_restoring(served_) ? 8 : 1;
    if (dice_.chance(weather_.crash_in_contact * harder)) {
        const bool after = changes && dice_.chance(0.5);
        const std::string where = place(!changes ? "at a look"
                                        : after  ? "after a change"
                                                 : "before a change");
        crash(where);
        tell("    crash, {}: {}", where, what);
        return after ? Fate::dead_after : Fate::dead_before;
    }
    if (dice_.chance(weather_.refuse)) {
        ++statistics_.faults[changes ? "refused change" : "refused look"];
        tell("    refused: {}", what);
        return Fate::refuse;
    }
    if (dice_.chance(weather_.lost)) {
        ++statistics_.faults["lost answer"];
        tell("    the answer is lost: {}", what);
        return Fate::lost;
    }
    if (dice_.chance(weather_.slow)) {
        ++statistics_.faults["slow"];
        advance(dice_.between(1s, 30s));
        tell("    slow: {}", what);
    }
    return Fate::pass;
}

Fate Run::commit(const store::Transaction&)
{
    ++statistics_.commits;
    if (calm_) return Fate::pass;
    if (disk_full_) {
        ++statistics_.faults["store full"];
        tell("    the store is full");
        return Fate::refuse;
    }
    if (!dice_.chance(weather_.crash_in_commit)) return Fate::pass;
    const bool after = dice_.chance(0.5);
    const std::string where = place(after ? "after a commit" : "before a commit");
    crash(where);
    tell("    crash, {}", where);
    return after ? Fate::dead_after : Fate::dead_before;
}

void Run::durable(const store::Transaction& transaction)
{
    if (options_.explain) {
        for (const store::Write& write : transaction.then) {
            if (write.key.find("/record/") != std::string::npos)
                tell("    journal {}: {}", write.key, *write.value);
            if (write.key.starts_with("lock/")) tell("    {} {}", write.value ? "take" : "free", write.key);
        }
    }
    oracle_.durable(transaction);
}

void Run::crash(std::string_view where)
{
    ++statistics_.crashes[std::string(where)];
    if (oracle_.is_restoring(served_))
        ++statistics_.crashes["restoring" + std::string(where.substr(where.find(':')))];
}

// ---- the daemon

template <typename Act>
auto Run::serve(const Id& id, Asking asking, Act act) -> decltype(act())
{
    oracle_.begun = oracle_.now;
    oracle_.asking = std::move(asking);
    served_ = id;
    auto answer = act();
    oracle_.asking = {};
    served_.clear();
    if (daemon_.has_died()) {
        daemon_.stop();
        daemon_.forget_death();
        if (answer) oracle_.violated("4: a dead process answers nothing", "an answer came after the death");
    }
    mend_what_was_cleared();
    oracle_.look_around(disk_);
    return answer;
}

void Run::start()
{
    tell("the daemon starts");
    const Result<void> started = serve("starting", {}, [&] { return daemon_.start(); });
    if (started) {
        // A full disk keeps nobody from starting, but the timers are not written down for this boot.
        untold_jump_ = disk_full_ && (untold_jump_ || unwritten_boot_);
        unwritten_boot_ = disk_full_ && unwritten_boot_;
        return;
    }
    tell("  it does not: {}", started.error().what);
    daemon_.stop();
    if (calm_) oracle_.violated(std::string(same_end), started.error().what);
}

void Run::step(const Id& id)
{
    tell("step {}", id);
    const Result<void> stepped = serve(id, {}, [&] { return daemon_.step(id); });
    if (stepped) return;
    tell("  {}", stepped.error().what);
    if (calm_) oracle_.violated(std::string(same_end), stepped.error().what);
}

void Run::plan()
{
    const operation::Plan plan =
        make_plan(dice_, ++plans_, weather_.only_crashes ? Trouble::none : Trouble::some);
    operation::OneShot one_shot{.wanted = dice_.chance(0.25)};
    if (one_shot.wanted && dice_.chance(0.7)) one_shot.soak = dice_.between(1s, 40s);
    tell("plan {} with {} steps on {}{}", plans_, plan.steps.size(), fmt::join(plan.locks, ", "),
         one_shot.wanted ? ", in one shot" : "");
    const auto kept = serve("", {}, [&] { return daemon_.engine().keep(plan, person, one_shot); });
    if (!kept) tell("  refused: {}", kept.error().what);
}

bool Run::ask(const Id& id, Verb verb)
{
    tell("somebody asks {} to {}", id, name_of(verb));
    const State before = known(id).state;
    const auto answer =
        serve(id, {.id = id, .verb = verb}, [&] { return daemon_.engine().request(id, verb, person); });
    ++statistics_.asked[fmt::format("{} while {}: {}", name_of(verb), name_of(before),
                                    answer ? "accepted" : "refused")];
    if (!answer) {
        tell("  refused: {}", answer.error().what);
        return false;
    }
    oracle_.answered(id, verb);
    daemon_.is_due(id);
    return true;
}

bool Run::change_timer(const Id& id, TimerChange::What what)
{
    TimerChange change{.what = what};
    if (change.what == TimerChange::What::extend) change.by = dice_.between(1s, 5min);
    tell("somebody changes the timer of {}: {}", id, static_cast<int>(change.what));
    const auto answer = serve(id, {.id = id, .timer = change},
                              [&] { return daemon_.engine().change_timer(id, change, person); });
    if (answer) daemon_.is_due(id);
    if (!answer) tell("  refused: {}", answer.error().what);
    ++statistics_.asked[fmt::format("timer: {}", answer ? "accepted" : "refused")];
    return answer.has_value();
}

void Run::clock_was_set()
{
    const auto told = serve("", {}, [&] { return daemon_.engine().clock_was_set(); });
    if (!told) return;
    untold_jump_ = unwritten_boot_ = false;
    for (const Id& id : ids()) {
        if (!has_ended(known(id).state)) daemon_.is_due(id);
    }
}

void Run::clean()
{
    tell("somebody cleans up");
    const auto cleaned = serve("", {}, [&] { return daemon_.engine().clean(dice_.chance(0.5), person); });
    if (!cleaned) tell("  {}", cleaned.error().what);
}

// ---- the machine

void Run::advance(Milliseconds span)
{
    oracle_.now += span;
    machine_.advance(span);
}

void Run::jump()
{
    const std::vector<Milliseconds> spans = {1min, 1h, 24h * 365};
    const Milliseconds by = dice_.one_of(spans) * (dice_.chance(0.5) ? 1 : -1);
    ++statistics_.faults[by > 0ms ? "wall clock set forward" : "wall clock set back"];
    tell("the wall clock jumps by {} s", by.count() / 1000);
    machine_.shift_wall_clock(by);
    untold_jump_ = true;
    if (unwritten_boot_) oracle_.clock_lost();
}

void Run::power_cut()
{
    ++statistics_.faults["power cut"];
    daemon_.stop();
    const Milliseconds off = dice_.between(1s, dice_.chance(0.2) ? Milliseconds(1h) : Milliseconds(20s));
    Milliseconds wrong{0};
    if (!weather_.only_crashes && dice_.chance(0.1)) {
        wrong = dice_.chance(0.5) ? -24h * 365 : Milliseconds(2h);
        ++statistics_.faults["power cut with an empty battery"];
    }
    tell("the power fails for {} s, and the clock is wrong by {} s", off.count() / 1000,
         wrong.count() / 1000);
    oracle_.now += off;
    machine_.power_cut(off, wrong);
    untold_jump_ = untold_jump_ || wrong != 0ms;
    if (untold_jump_) oracle_.clock_lost();
    unwritten_boot_ = true;
}

/// What a cleared operation left is mended by hand, so that it does not blur what comes after it.
void Run::mend_what_was_cleared()
{
    for (const auto& [id, operation] : oracle_.operations()) {
        if (!operation.cleared || !mended_.insert(id).second) continue;
        machine_.change([&](Machine& machine) {
            const Machine fresh = first_machine();
            for (const std::string& lock : operation.plan.locks) {
                const std::string resource = lock.substr(4);
                machine.erase(resource_path(resource));
                machine.erase(volatile_path(resource));
                const std::string below = resource_path(resource) + "/";
                for (const auto& [path, node] : fresh.nodes) {
                    if (path.starts_with(below)) machine.put(path, node);
                }
            }
        });
    }
}

// ---- what happens

std::vector<Id> Run::ids() const
{
    std::vector<Id> ids;
    for (const auto& [id, operation] : oracle_.operations()) ids.push_back(id);
    return ids;
}

void Run::event_while_down()
{
    const uint64_t what = dice_.below(10);
    if (what < 6) return start();
    if (what < 7) return advance(dice_.between(1s, 60s));
    if (what < 8 && !weather_.only_crashes) return jump();
    if (what < 9) return power_cut();
}

void Run::ask_anything()
{
    std::vector<Id> all = ids();
    if (dice_.chance(0.9)) std::erase_if(all, [&](const Id& id) { return has_ended(known(id).state); });
    if (all.empty()) {
        if (plans_ < most_plans_) plan();
        return;
    }
    const Id& id = dice_.one_of(all);
    if (weather_.only_crashes) {
        act_on_wish(id);
        return;
    }
    if (dice_.chance(0.15)) {
        change_timer(id, static_cast<TimerChange::What>(dice_.below(3)));
        return;
    }
    if (dice_.chance(0.3)) {
        ask(id, dice_.one_of(verbs));
        return;
    }
    switch (known(id).state) {
        case State::planned:
            ask(id, dice_.chance(0.95) ? Verb::add : Verb::abort);
            break;
        case State::added:
            ask(id, dice_.chance(0.9) ? Verb::activate : Verb::abort);
            break;
        case State::activated:
            ask(id, dice_.chance(0.5) ? Verb::commit : Verb::abort);
            break;
        case State::held:
            ask(id, dice_.one_of(verbs));
            break;
        default:
            if (dice_.chance(0.2)) ask(id, Verb::abort);
            break;
    }
}

void Run::event()
{
    ++statistics_.events;
    if (!daemon_.is_up()) return event_while_down();
    if (untold_jump_ && dice_.chance(0.7)) return clock_was_set();
    if (disk_full_ && dice_.chance(0.15)) {
        disk_full_ = false;
        return tell("the disk has room again");
    }
    const uint64_t what = dice_.below(1000);
    const bool everything = !weather_.only_crashes;
    if (what < 600) {
        const std::vector<Id> due = daemon_.due_now();
        if (!due.empty()) return step(dice_.one_of(due));
        if (const auto next = daemon_.next_due(); next && dice_.chance(0.5)) return advance(*next);
        return ask_anything();
    }
    if (what < 660) return advance(dice_.between(1s, dice_.chance(0.3) ? 5min : 20s));
    if (what < 840) return ask_anything();
    if (what < 930) {
        if (plans_ < most_plans_) plan();
        return;
    }
    if (what < 945) return power_cut();
    if (what < 955) {
        crash(place("between two events"));
        tell("the daemon is killed");
        return daemon_.stop();
    }
    if (what < 963 && !ids().empty()) return check_ways_on(dice_.one_of(ids()));
    if (!everything) return;
    if (what < 971) return jump();
    if (what < 976) {
        disk_full_ = true;
        return tell("the disk is full");
    }
    if (what < 980) return clean();
    const std::string gate = fmt::format("/env/gate/{}", dice_.below(resources));
    const bool breaks = dice_.chance(0.5);
    if (breaks) ++statistics_.faults["gate broken"];
    tell("{} is {}", gate, breaks ? "bad" : "good");
    machine_.change([&](Machine& machine) { machine.put_file(gate, breaks ? "bad" : "good"); });
}

/// Whether somebody asked for something and was heard.
bool Run::act_on_wish(const Id& id)
{
    const Known& operation = known(id);
    const auto [found, fresh] = wishes_.try_emplace(id);
    Wish& wish = found->second;
    if (fresh) {
        const std::vector<State> stages = {State::planned, State::added, State::activated, State::committed,
                                           State::committed};
        wish.as_far_as = operation.one_shot ? State::committed : dice_.one_of(stages);
        wish.then_back = wish.as_far_as != State::committed && dice_.chance(0.6);
    }
    if (wish.refused && wish.refused_at == statistics_.commits) return false;
    std::optional<Verb> verb;
    const bool there = operation.state == wish.as_far_as;
    if (there && wish.then_back) verb = Verb::abort;
    if (!there && operation.state == State::planned) verb = Verb::add;
    if (!there && operation.state == State::added && !operation.one_shot) verb = Verb::activate;
    if (!there && operation.state == State::activated && !operation.one_shot) verb = Verb::commit;
    const bool stays = there && !wish.then_back && operation.state == State::activated;
    const bool stops_timer = stays && !operation.timer->stopped && !weather_.only_crashes;
    if (!verb && !stops_timer) return false;
    const bool heard = verb ? ask(id, *verb) : change_timer(id, TimerChange::What::stop);
    wish.refused = !heard && daemon_.is_up();
    wish.refused_at = statistics_.commits;
    return heard;
}

/// Serves what is due, lets time pass, and lets people have their wishes, until nothing is left to do.
void Run::come_to_rest()
{
    for (int steps = 0; steps < most_steps_to_rest && !over(); ++steps) {
        const std::vector<Id> due = daemon_.due_now();
        if (!due.empty()) {
            step(due.front());
            continue;
        }
        const std::vector<Id> all = ids();
        if (std::ranges::any_of(all, [&](const Id& id) { return act_on_wish(id); })) continue;
        const auto next = daemon_.next_due();
        if (!next || std::ranges::all_of(all, [&](const Id& id) { return only_soaks(known(id)); }))
            return oracle_.at_rest();
        advance(*next);
    }
    if (!over()) oracle_.violated(std::string(same_end), "nothing comes to rest");
}

/// Where only crashes went wrong, everybody got what he wanted, but for what the plan itself explains.
void Run::check_wishes()
{
    for (const auto& [id, wish] : wishes_) {
        const Known& operation = known(id);
        const State wanted = wish.then_back ? State::aborted : wish.as_far_as;
        if (operation.state == wanted) continue;
        if (operation.state == State::planned && wish.refused) continue;  // another one holds a lock
        if (operation.timer_ran_out) continue;
        const bool cut_short =
            std::ranges::any_of(std::views::iota(size_t{0}, operation.steps.size()), [&](size_t i) {
                return operation.plan.steps[i].action == "charge" && operation.steps[i].intended &&
                       !operation.steps[i].done;
            });
        if (cut_short) continue;
        oracle_.violated(std::string(same_end), fmt::format("operation {} was to be {}, and is {}", id,
                                                            name_of(wanted), name_of(operation.state)));
    }
}

/// From everywhere there is a way to an end, and every way that is shown can be gone.
void Run::finish()
{
    wishes_.clear();
    for (const Id& id : ids()) wishes_[id] = {.as_far_as = known(id).state};
    for (int round = 0; round < 6 && !over(); ++round) {
        for (const Id& id : ids()) {
            if (over() || has_ended(known(id).state)) continue;
            const auto shown = daemon_.engine().show(id);
            std::vector<Verb> ways;
            if (shown) {
                for (const operation::WayOn& way : shown->operation.ways_on()) ways.push_back(way.verb);
            }
            if (ways.empty()) {
                oracle_.violated(std::string(dead_end), fmt::format("operation {}", id));
                return;
            }
            Verb verb = dice_.one_of(ways);
            if (round >= 3) verb = ways.back();
            if (verb == Verb::timer) continue;
            const bool may_be_refused = verb == Verb::add || verb == Verb::activate;
            if (!ask(id, verb) && !may_be_refused)
                oracle_.violated(std::string(dead_end),
                                 fmt::format("operation {} is {}, and refuses to {}", id,
                                             name_of(known(id).state), name_of(verb)));
            come_to_rest();
        }
    }
    for (const Id& id : ids()) {
        if (!has_ended(known(id).state))
            oracle_.violated(std::string(dead_end),
                             fmt::format("operation {} is still {}", id, name_of(known(id).state)));
    }
}

/// The same on a copy of the world, in the middle of everything.
void Run::check_ways_on(const Id& id)
{
    class Bystander final : public Witness {
        Fate contact(host::Call, host::Effect, std::string_view) override { return Fate::pass; }
        Fate commit(const store::Transaction&) override { return Fate::pass; }
        void changes(std::string_view) override {}
        void durable(const store::Transaction&) override {}
    } bystander;
    if (options_.defect != Defect::none || has_ended(known(id).state)) return;
    host::SimulatedHost machine(machine_.machine());
    std::map<std::string, int> charged = charged_;
    furnish(machine, charged);
    store::MemoryStore disk({.boot = "copy", .now = [] { return Milliseconds{0}; }}, disk_.snapshot());
    Daemon daemon(machine, disk, bystander, Defect::none);
    if (!daemon.start()) return oracle_.violated(std::string(dead_end), "a copy does not start");
    const auto view = daemon.engine().show(id);
    const std::vector<operation::WayOn> ways = view->operation.ways_on();
    if (ways.empty()) return oracle_.violated(std::string(dead_end), fmt::format("operation {}", id));
    const Verb verb = dice_.one_of(ways).verb;
    if (verb == Verb::timer) return;  // it goes on by itself
    const auto answer = daemon.engine().request(id, verb, person);
    const bool may_be_refused = verb == Verb::add || verb == Verb::activate;
    const bool moved_by_itself = daemon.engine().show(id)->operation.state != view->operation.state;
    if (!answer && !may_be_refused && !moved_by_itself)
        oracle_.violated(std::string(dead_end),
                         fmt::format("operation {} is {}, and refuses to {}: {}", id,
                                     name_of(view->operation.state), name_of(verb), answer.error().what));
}

Report Run::play()
{
    most_plans_ = dice_.between(1, 6);
    const int events = dice_.between(20, 90);
    start();
    for (int i = 0; i < events && !over(); ++i) event();
    calm_ = true;
    tell("from here on nothing goes wrong");
    disk_full_ = false;
    machine_.change([](Machine& machine) {
        for (int i = 0; i < resources; ++i) machine.put_file(fmt::format("/env/gate/{}", i), "good");
    });
    if (!over() && !daemon_.is_up()) start();
    if (!over() && untold_jump_) clock_was_set();
    if (!over()) come_to_rest();
    for (const auto& [id, operation] : oracle_.operations())
        ++statistics_.end_states[std::string(name_of(operation.state))];
    if (!over() && weather_.only_crashes) check_wishes();
    if (!over()) finish();
    statistics_.runs = 1;
    statistics_.restores = oracle_.restores();
    statistics_.operations = oracle_.operations().size();
    if (over()) tell("VIOLATED: {}: {}", oracle_.violation()->promise, oracle_.violation()->what);
    return {oracle_.violation(), std::move(story_), std::move(statistics_)};
}

}  // namespace

Report run(const Options& options)
{
    return Run(options).play();
}

std::string replay_command(uint64_t seed)
{
    return fmt::format("belay-simulation --seed {} --explain", seed);
}

}  // namespace belay::simulation
