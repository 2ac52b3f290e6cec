#include "trial.h"

#include "site/rollout/ledger.h"
#include "site/rollout/settle.h"
#include "site/rollout/site_plan.h"

namespace belay::site {
namespace {

using operation::anna;

constexpr Milliseconds longest_story = 6h;

class Trial {
  public:
    explicit Trial(const Story& story) : story_(story)
    {
        for (size_t i = 0; i < story.hosts; ++i) {
            links_.hosts.push_back(std::make_unique<Host>(fmt::format("web{}", i + 1)));
            links_.hosts.back()->false_promises = story.false_promises;
        }
        machine_.change([](host::Machine& machine) { machine.id = "controller-1"; });
        if (story.cannot_activate)
            links_.hosts[*story.cannot_activate]->world().put_file("/break/apply/current", "99");
    }

    Ending play();

  private:
    void start();
    void keep();
    void fail_at_will();
    void person();
    void ask(Verb verb);
    std::optional<Milliseconds> serve();
    void pass(Milliseconds most);
    void advance(Milliseconds to);
    void mend();
    bool is_at_rest();
    void check(std::string_view when);
    State state();
    std::string reason();
    std::vector<std::string> left_out();
    void complain(std::string what)
    {
        if (ending_.complaint.empty()) ending_.complaint = std::move(what);
    }

    const Story& story_;
    Links links_;
    host::SimulatedHost machine_;
    store::MemoryStore store_{{.boot = "1", .now = [] { return 0ms; }}};
    operation::Catalogue catalogue_;
    std::unique_ptr<Rollouts> rollouts_;
    std::unique_ptr<operation::Engine> engine_;
    Id id_;
    std::string rollout_;
    size_t writes_ = 0;
    std::optional<Milliseconds> starts_again_;
    State seen_ = State::planned;
    std::string refusal_;
    operation::Standing standing_;
    Milliseconds seen_since_{0};
    Ending ending_;
};

/// A new process of the controller.
void Trial::start()
{
    engine_.reset();
    store_.revive();
    links_.silenced = false;
    starts_again_.reset();
    rollouts_ = std::make_unique<Rollouts>(links_, store_);
    catalogue_ = {};
    add_rollout_actions(catalogue_, *rollouts_);
    auto opened = operation::Engine::open(store_, machine_, catalogue_, {});
    INVARIANT(opened);
    engine_ = std::move(*opened);
}

void Trial::keep()
{
    SitePlanAsk ask{.site = "branch-3",
                    .procedure = "toy.change",
                    .title = "Change the toys",
                    .limit = story_.limit,
                    .timer = 10min,
                    .soak = 8s,
                    .silence = 2min,
                    .grace = 30s};
    for (size_t i = 0; i < links_.hosts.size(); ++i)
        ask.members.push_back(
            {.member = {fmt::format("{}", i), links_.hosts[i]->name()}, .plan = operation::small_plan()});
    const auto plan = make_site_plan(machine_, std::move(ask));
    INVARIANT(plan);
    rollout_ = plan->locks.front().substr(plan->locks.front().find(':') + 1);
    const auto kept = engine_->keep(*plan, anna);
    INVARIANT(kept);
    id_ = kept->id;
}

void Trial::fail_at_will()
{
    using Fault = store::MemoryStore::Fault;
    store_.set_fault_hook([this](const store::Transaction&) {
        if (++writes_ != story_.crash_at) return Fault::none;
        links_.silenced = true;
        return story_.crash_after ? Fault::lost_after : Fault::lost_before;
    });
}

State Trial::state()
{
    standing_.id = id_;
    INVARIANT(operation::follow(store_, standing_));
    return standing_.state;
}

std::string Trial::reason()
{
    return engine_->show(id_).value().operation.reason;
}

std::vector<std::string> Trial::left_out()
{
    std::vector<std::string> names;
    const std::map<std::string, std::string> out = Ledger(store_, rollout_).left_out().value();
    for (const auto& [member, why] : out) names.push_back(links_.hosts.at(std::stoul(member))->name());
    return names;
}

/// Asks; when that is refused, or the controller dies, the person tries again a little later.
void Trial::ask(Verb verb)
{
    const auto answer = engine_->request(id_, verb, anna);
    if (answer) return;
    seen_since_ = links_.now;
    refusal_ = answer.error().what;
}

void Trial::person()
{
    const State now = state();
    if (now != seen_) seen_since_ = links_.now;
    seen_ = now;
    const Milliseconds waited = links_.now - seen_since_;
    if (now == State::planned && waited >= 1s) ask(Verb::add);
    if (now == State::added && waited >= 15s) ask(Verb::activate);
    if (now != State::activated || story_.person == Story::Person::leaves || waited < 25s) return;
    ask(story_.person == Story::Person::commits ? Verb::commit : Verb::abort);
}

bool Trial::is_at_rest()
{
    return engine_ && !store_.dead() && (operation::is_ended(state()) || state() == State::held);
}

/// Everybody works until all want to wait; when the first of them wants to go on.
std::optional<Milliseconds> Trial::serve()
{
    std::optional<Milliseconds> due;
    const auto not_later_than = [&](std::optional<Milliseconds> at) {
        if (at) due = due ? std::min(*due, *at) : at;
    };
    if (engine_ && !store_.dead()) person();
    while (engine_ && !store_.dead() && !is_at_rest()) {
        const auto next = engine_->step(id_);
        if (!next) {
            not_later_than(links_.now + 1s);
            break;
        }
        if (next->when == operation::Next::When::now) continue;
        if (next->when == operation::Next::When::at)
            not_later_than(links_.now + std::max(next->boot - machine_.now()->boot, 1ms));
        break;
    }
    if (store_.dead() && !starts_again_) {
        engine_.reset();
        starts_again_ = links_.now + story_.crash_for;
    }
    not_later_than(starts_again_);
    for (const auto& host : links_.hosts) {
        not_later_than(host->serve(links_.now));
        not_later_than(host->comes_back());
    }
    return due;
}

void Trial::advance(Milliseconds to)
{
    machine_.advance(to - links_.now);
    for (const auto& host : links_.hosts) host->advance(links_.now, to);
    links_.now = to;
    if (!starts_again_ || to < *starts_again_) return;
    if (story_.taken_over)
        machine_.change([](host::Machine& machine) {
            machine.id = "controller-2";
            machine.boot += 24h * 100;
            machine.boots += 7;
        });
    start();
    links_.attached_from = to + story_.attach_after;
}

/// Lets it go on until it rests, or for so long.
void Trial::pass(Milliseconds most)
{
    const Milliseconds end = links_.now + most;
    while (links_.now < end) {
        const std::optional<Milliseconds> due = serve();
        if (is_at_rest()) return;
        // A person looks in now and then.
        advance(std::min(std::max(due.value_or(end), links_.now + 1ms), std::min(end, links_.now + 10s)));
    }
}

void Trial::mend()
{
    // Nobody comes by for longer than any deadline.
    for (const Milliseconds end = links_.now + 1h; links_.now < end;)
        advance(std::min(std::max(serve().value_or(end), links_.now + 1ms), end));
    store_.set_fault_hook({});
    links_.accidents.clear();
    if (!engine_) start();
    for (const auto& host : links_.hosts) host->mend(links_.now);
    for (size_t round = 0; round < 6; ++round) {
        for (size_t i = 0; i < links_.hosts.size(); ++i) {
            const auto told = settle_parts(*rollouts_, "branch-3", fmt::format("{}", i));
            if (!told) complain(told.error().what);
        }
        // What left-out hosts still have to do, they do while nobody looks.
        for (int i = 0; i < 5; ++i) {
            serve();
            advance(links_.now + 1s);
        }
        if (state() == State::held) {
            const operation::Operation operation = engine_->show(id_).value().operation;
            for (const operation::WayOn& way : operation.ways_on()) {
                if (way.verb != Verb::commit && way.verb != Verb::abort) continue;
                static_cast<void>(engine_->request(id_, way.verb, anna).has_value());
                break;
            }
        }
        pass(1h);
    }
}

/// All went one way, or it says who did not.
void Trial::check(std::string_view when)
{
    const State now = state();
    if (now == State::held) {
        if (reason().find("web") == std::string::npos)
            complain(fmt::format("{}: held, and names no host: {}", when, reason()));
        return;
    }
    // A check says why it does not begin.
    if (now == State::planned && when == "at its end" && refusal_.find("web") != std::string::npos) return;
    if (!operation::is_ended(now)) return complain(fmt::format("{}: it never ends: {}", when, name_of(now)));
    const std::vector<std::string> out = left_out();
    if (out.size() > story_.limit) complain(fmt::format("{}: {} are left out", when, out.size()));
    for (const auto& host : links_.hosts) {
        const bool is_out = std::ranges::find(out, host->name()) != out.end();
        const std::string wanted = now == State::committed && !is_out ? "committed" : "as before";
        // Who is left out goes back when it can be reached, which this may not wait for.
        if (is_out && now == State::committed && when == "at its end") continue;
        if (host->outcome() != wanted)
            complain(fmt::format("{}: {} is {}, and the operation {}", when, host->name(), host->outcome(),
                                 name_of(now)));
    }
}

Ending Trial::play()
{
    start();
    keep();
    links_.accidents = story_.accidents;
    fail_at_will();
    pass(longest_story);
    ending_.writes = writes_;
    for (const auto& host : links_.hosts) ending_.asked.push_back(host->asked());
    if (!engine_) start();
    ending_.state = state();
    ending_.reason = reason();
    check("at its end");
    mend();
    check("when all is mended");
    if (state() == State::held) complain(fmt::format("it stays held: {}", reason()));
    for (const auto& host : links_.hosts) ending_.outcomes.push_back(host->outcome());
    ending_.left_out = left_out();
    return ending_;
}

}  // namespace

Ending play(const Story& story)
{
    return Trial(story).play();
}

}  // namespace belay::site
