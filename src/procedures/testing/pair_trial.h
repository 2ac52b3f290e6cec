#pragma once
// For tests: one upgrade of a pair with one accident in it, from the plan to its end, and what was broken on
// the way. The pair is made up, and so is its time.

#include "base/testing/must.h"
#include "host/faulty.h"
#include "host/simulated.h"
#include "operation/engine.h"
#include "procedures/testing/faulty_store.h"
#include "procedures/upgrade.h"
#include "store/memory.h"
#include "upgrade/image_actions.h"
#include "upgrade/on_host.h"

#include <algorithm>
#include <array>

namespace belay::procedures {

enum class PairWish { commit, abort_when_added, abort_when_activated, let_the_timer_run_out };

/// What there is besides the accident.
struct PairShape {
    bool on_two_hosts = true;
    bool is_cold = false;
    PairWish wish = PairWish::commit;
    enum class NewVersion {
        good,
        never_starts_first,
        never_starts_second,
        dies_as_primary,
        dies_soon_as_primary,  ///< it serves for a while
    };
    NewVersion next = NewVersion::good;
};

/// A call of the store, a contact with the host, or with the runner; or the process of a member dies at the
/// n-th look at the pair.
struct PairAccident {
    store::StoreFault store = {};
    std::optional<host::Fault> contact = {}, runner = {};
    size_t active_dies_at = 0, standby_dies_at = 0;
    bool is_power_cut = false;  ///< when the process dies, those of the members do as well
};

struct PairVerdict {
    std::vector<std::string> broken;  ///< the promises that were not kept
    operation::State ended = operation::State::planned;
    std::string reason;
    size_t calls = 0, contacts = 0, looks = 0;  ///< that the run had
};

/// The two, server-1 and server-2, and whoever runs them. The second one serves at first.
class MadeUpPair final : public upgrade::Runner {
  public:
    MadeUpPair(host::SimulatedHost& machine, const PairShape& shape) : machine_(machine), shape_(shape)
    {
        members_[0].has_process = !shape.is_cold;
    }

    static constexpr const char* old_version = "1.0";
    static constexpr const char* new_version = "2.0";
    std::string images_of(size_t member) const
    {
        return shape_.on_two_hosts && member == 1 ? "/images-2" : "/images";
    }

    Result<upgrade::Standing> look(const std::string& member) override
    {
        return meet<upgrade::Standing>([&]() -> Result<upgrade::Standing> { return standing(at(member)); });
    }
    Result<void> take_over(const std::string&) override
    {
        return fail(ErrorKind::refused, "these serve when the other one lets them");
    }
    Result<void> let_other_serve(const std::string& member) override
    {
        return meet<void>([&]() -> Result<void> {
            const size_t one = at(member);
            if (active_ != one) return {};
            if (!could_serve(1 - one)) return fail(ErrorKind::refused, "the other one is not ready");
            hands_at_ = now() + handing;
            return {};
        });
    }
    Result<void> restart(const std::string& member) override
    {
        // Nobody can see who dies just now, so that is left for the next look.
        for (size_t* const dies : {&accident_.active_dies_at, &accident_.standby_dies_at})
            if (*dies == looks_ + 1) ++*dies;
        return meet<void>([&]() -> Result<void> {
            const size_t one = at(member);
            if (active_ == one && members_[one].is_up()) return fail(ErrorKind::refused, "it serves");
            if (members_[one].is_up() && !could_serve(1 - one))
                broken.push_back(member + " was started anew while the other one was not ready");
            if (members_[one].is_up() && stood_down(one) && *stood_down(one) < shows_itself)
                broken.push_back(member + " was started anew when the other one had just begun to serve");
            gave_up_[one] = false;
            if (!shape_.is_cold || active_ == one) begin(one);
            return {};
        });
    }

    bool is_dead() const { return is_dead_; }
    void revive() { is_dead_ = false; }
    /// They come back one after the other, by themselves.
    void lose_power()
    {
        for (const size_t member : {0, 1}) {
            if (!members_[member].has_process) continue;
            members_[member] = {.version = "", .up_at = now() + boot * (member + 1), .has_process = false};
        }
    }
    void hurt(const PairAccident& accident) { accident_ = accident; }
    size_t looks() const { return looks_; }
    std::string version(size_t member) const { return members_[member].version; }
    /// One serves, and the other could.
    bool is_whole()
    {
        go_on();
        return members_[active_].is_up() && could_serve(1 - active_);
    }
    bool serves(size_t member) const { return active_ == member; }

    std::vector<std::string> broken;

  private:
    static constexpr Milliseconds starting{400}, handing{300}, lease{1000}, a_look{20}, boot{2000},
        shows_itself{1000}, serves_for{600};

    struct Member {
        std::string version = old_version;
        std::optional<Milliseconds> up_at = {};  ///< it is on its way
        bool has_process = true;
        bool is_up() const { return has_process && !up_at; }
    };

    static size_t at(const std::string& member) { return member == "server-1" ? 0 : 1; }
    Milliseconds now() const
    {
        Milliseconds boot_clock{0};
        machine_.look([&](const host::Machine& machine) { boot_clock = machine.boot; });
        return boot_clock;
    }

    template <typename T, typename Pass>
    Result<T> meet(Pass pass)
    {
        machine_.advance(a_look);
        ++looks_;
        go_on();
        if (looks_ == accident_.active_dies_at) die(active_);
        if (looks_ == accident_.standby_dies_at) die(1 - active_);
        if (is_dead_) return fail(ErrorKind::dead, "this process is gone");
        if (!accident_.runner || looks_ != accident_.runner->at) return pass();
        using Kind = host::Fault::Kind;
        if (accident_.runner->kind == Kind::refuse)
            return fail(ErrorKind::unavailable, "the supervisor does not answer");
        is_dead_ = accident_.runner->kind == Kind::dead;
        if (is_dead_) return fail(ErrorKind::dead, "this process is gone");
        const Result<T> done = pass();
        static_cast<void>(done.has_value());
        return fail(ErrorKind::unavailable, "the supervisor's answer is lost");
    }

    /// From what packages.conf names.
    void begin(size_t member)
    {
        const upgrade::Named named = must(upgrade::named(machine_, images_of(member), "shop"));
        members_[member] = {.version = named.runs, .up_at = now() + starting};
    }
    void die(size_t member)
    {
        if (members_[member].has_process) begin(member);
    }

    bool could_serve(size_t member) const
    {
        return members_[member].is_up() ||
               (shape_.is_cold && !members_[member].has_process && !gave_up_[member]);
    }

    bool starts(size_t member) const
    {
        using Next = PairShape::NewVersion;
        if (members_[member].version == old_version) return true;
        if (shape_.next == Next::never_starts_first) return member != 0;
        if (shape_.next == Next::never_starts_second) return member != 1;
        return shape_.next != Next::dies_as_primary || active_ != member;
    }
    void give_up(size_t member)
    {
        members_[member].has_process = false;
        members_[member].up_at.reset();
        gave_up_[member] = true;
    }

    /// What has come about by itself.
    void go_on()
    {
        for (size_t one = 0; one < 2; ++one) {
            Member& member = members_[one];
            if (member.up_at && *member.up_at <= now()) {
                if (!member.has_process) begin(one);
                member.up_at.reset();
                gave_up_[one] = false;
                if (!starts(one)) give_up(one);
            }
        }
        if (hands_at_ && *hands_at_ <= now()) {
            hands_at_.reset();
            if (could_serve(1 - active_)) {
                stood_down_at_[active_] = now();
                take_over(1 - active_);
            }
        }
        const bool is_to_die = shape_.next == PairShape::NewVersion::dies_soon_as_primary &&
                               members_[active_].is_up() && members_[active_].version == new_version;
        if (!is_to_die) {
            dies_at_.reset();
        } else if (!dies_at_) {
            dies_at_ = now() + serves_for;
        } else if (*dies_at_ <= now()) {
            give_up(active_);
        }
        if (members_[active_].is_up()) {
            lost_at_.reset();
        } else if (!lost_at_) {
            lost_at_ = now();
        } else if (*lost_at_ + lease <= now() && could_serve(1 - active_)) {
            take_over(1 - active_);
        }
    }
    void take_over(size_t member)
    {
        const size_t before = active_;
        active_ = member;
        lost_at_.reset();
        hands_at_.reset();
        if (shape_.is_cold) {
            members_[before].has_process = false;
            members_[before].up_at.reset();
            begin(member);
        }
        if (!starts(member)) give_up(member);
        dies_at_.reset();
    }
    std::optional<Milliseconds> stood_down(size_t member) const
    {
        const auto at = stood_down_at_[member];
        return at && active_ != member ? std::optional(now() - *at) : std::nullopt;
    }

    upgrade::Standing standing(size_t one) const
    {
        const Member& member = members_[one];
        const bool waits = shape_.is_cold && active_ != one && could_serve(one);
        return {.part = active_ == one ? upgrade::Part::active : upgrade::Part::standby,
                .is_ready = member.is_up() || waits,
                .is_coming = member.up_at.has_value(),
                .is_handing = active_ == one && hands_at_.has_value(),
                .other_is_ready = could_serve(1 - one),
                .stood_down = stood_down(one),
                .is_cold = shape_.is_cold,
                .has_process = member.has_process,
                .version = member.has_process ? member.version : "",
                .program = images_of(one) + "/shop/" + member.version + "/bin/server",
                .says = member.is_up() ? "started"
                        : member.up_at ? "starting"
                                       : "no process"};
    }

    host::SimulatedHost& machine_;
    const PairShape shape_;
    PairAccident accident_;
    std::array<Member, 2> members_{};
    std::array<bool, 2> gave_up_{};
    size_t active_ = 1, looks_ = 0;
    std::optional<Milliseconds> hands_at_, lost_at_, dies_at_;
    std::array<std::optional<Milliseconds>, 2> stood_down_at_{};
    bool is_dead_ = false;
};

class PairTrial {
  public:
    PairTrial(const PairShape& shape, PairAccident accident)
        : shape_(shape),
          accident_(accident),
          memory_({.boot = "1", .now = [] { return Milliseconds{0}; }}),
          pair_(machine_, shape),
          carrier_({.images = "/nowhere/images",
                    .keys = "/nowhere/keys",
                    .here = [](const std::string&) -> Result<std::string> {
                        return fail(ErrorKind::not_found, "there is no file");
                    },
                    .fetch = [](const std::string&, uint64_t, const auto&, const auto&) -> Result<void> {
                        return fail(ErrorKind::not_found, "there is no file");
                    }})
    {
        for (const size_t member : {0, 1}) furnish(pair_.images_of(member));
        pair_.hurt(accident_);
        open(accident_.store, accident_.contact);
    }

    PairVerdict run()
    {
        for (int turn = 0; turn < 1000 && !over_ && broken_.empty(); ++turn) {
            take_turn();
            if (has_died()) restart();
        }
        if (!over_ && broken_.empty()) violated("it does not come to an end: " + operation_.reason);
        if (broken_.empty()) check_end();
        std::ranges::copy(pair_.broken, std::back_inserter(broken_));
        return {broken_,
                operation_.state,
                operation_.reason,
                calls_ + store_->calls(),
                contacts_ + host_->contacts(),
                pair_.looks()};
    }

  private:
    using State = operation::State;
    using Verb = operation::Verb;

    void violated(std::string what) { broken_.push_back(std::move(what)); }

    void furnish(const std::string& images)
    {
        machine_.change([&](host::Machine& machine) {
            for (const char* version : {MadeUpPair::old_version, MadeUpPair::new_version}) {
                upgrade::image::Manifest manifest = manifest_of(version);
                machine.put_file(fmt::format("{}/shop/{}/.image/manifest.toml", images, version),
                                 upgrade::image::manifest_text(manifest));
            }
        });
        must(upgrade::name(machine_, images, "shop",
                           {.runs = MadeUpPair::old_version, .committed = MadeUpPair::old_version}));
    }
    static upgrade::image::Manifest manifest_of(const char* version)
    {
        upgrade::image::Manifest manifest;
        manifest.name = "shop";
        manifest.version = must(upgrade::image::parse_version(version));
        manifest.entry = {{"server", "bin/server"}};
        manifest.files = manifest.body = std::string(64, 'a');
        return manifest;
    }

    /// A new process.
    void open(store::StoreFault fault, std::optional<host::Fault> contact)
    {
        engine_.reset();
        pair_.revive();
        host_.emplace(machine_, contact);
        store_.emplace(memory_, fault, [](const store::Transaction&) {});
        catalogue_.emplace();
        upgrade::fill(*catalogue_, pair_, upgrade::StartedBy::somebody);
        upgrade::fill(*catalogue_, carrier_);
    }
    bool has_died() const
    {
        const bool by_contact = accident_.contact && accident_.contact->kind == host::Fault::Kind::dead &&
                                host_->contacts() >= accident_.contact->at;
        return pair_.is_dead() || (!restarted_ && (store_->dead() || by_contact));
    }
    void restart()
    {
        restarted_ = true;
        calls_ += store_->calls();
        contacts_ += host_->contacts();
        if (accident_.is_power_cut) pair_.lose_power();
        open({}, std::nullopt);
    }

    UpgradeGround ground(size_t member)
    {
        const auto named = [](const std::string& application) {
            return UpgradeGround::Member{.application = application, .image = "shop", .user = ""};
        };
        return {.ground = {.runner = pair_, .images = pair_.images_of(member)},
                .keys = "/nowhere/keys",
                .member = [named](const std::string& application) -> Result<UpgradeGround::Member> {
                    return named(application);
                },
                .pair = [named](const std::string&) -> Result<std::vector<UpgradeGround::Member>> {
                    return std::vector{named("server-1"), named("server-2")};
                },
                .image_arguments = [](const std::string&,
                                      const std::string&) -> Result<std::map<std::string, std::string>> {
                    return std::map<std::string, std::string>();
                }};
    }
    Result<operation::Plan> made(size_t member, const std::string& name,
                                 std::map<std::string, std::string> arguments)
    {
        arguments["version"] = MadeUpPair::new_version;
        for (const Procedure& procedure : upgrade_procedures(ground(member)))
            if (procedure.name == name) return procedure.make(*host_, arguments);
        return fail(ErrorKind::usage, "there is no such procedure");
    }
    /// Of two hosts: the steps of both, phase by phase, as a site operation has them done.
    Result<operation::Plan> make()
    {
        if (!shape_.on_two_hosts) {
            operation::Plan plan = TRY(made(0, "pair.upgrade-here", {{"pair", "servers"}}));
            return trimmed(std::move(plan));
        }
        operation::Plan plan = TRY(made(0, "member.upgrade", {{"application", "server-1"}}));
        const operation::Plan second = TRY(made(1, "member.upgrade", {{"application", "server-2"}}));
        std::ranges::copy(second.checks, std::back_inserter(plan.checks));
        std::ranges::copy(second.gates, std::back_inserter(plan.gates));
        std::ranges::copy(second.fingerprints, std::back_inserter(plan.fingerprints));
        for (operation::Step step : second.steps) {
            step.name += "-second";
            plan.steps.push_back(std::move(step));
        }
        std::ranges::stable_sort(plan.steps, {}, &operation::Step::phase);
        return trimmed(std::move(plan));
    }
    /// What looks at real files is left out.
    operation::Plan trimmed(operation::Plan plan) const
    {
        std::erase_if(plan.checks,
                      [](const operation::Check& check) { return check.code == "image.same-build"; });
        plan.timer = shape_.wish == PairWish::let_the_timer_run_out ? short_timer : long_timer;
        return plan;
    }

    void take_turn()
    {
        if (!engine_) {
            auto opened = operation::Engine::open(*store_, *host_, *catalogue_, {});
            if (opened) engine_ = *std::move(opened);
            return;
        }
        if (id_.empty()) return plan();
        const auto view = engine_->show(id_);
        if (!view) return;
        operation_ = view->operation;
        go_on();
    }
    void plan()
    {
        const auto all = engine_->all();
        if (!all) return;
        if (!all->empty()) {
            id_ = all->front();
            return;
        }
        const auto plan = make();
        if (!plan) return note_refusal(plan.error());
        const auto kept = engine_->keep(*plan, {"anna", "the trial", "because"});
        if (kept)
            id_ = kept->id;
        else
            note_refusal(kept.error());
    }
    /// What has died comes back within a moment.
    void note_refusal(const Error& error)
    {
        machine_.advance(std::chrono::seconds(1));
        if (++refusals_ > 8) violated("it is refused again and again: " + error.what);
    }
    void ask(Verb verb)
    {
        const auto answer = engine_->request(id_, verb, {"anna", "the trial"});
        if (!answer) note_refusal(answer.error());
    }
    void step()
    {
        const auto next = engine_->step(id_);
        if (!next || next->when != operation::Next::When::at) return;
        const Milliseconds boot = machine_.machine().boot;
        if (next->boot > boot) machine_.advance(std::min(next->boot - boot, most_at_once));
    }
    void go_on()
    {
        switch (operation_.state) {
            case State::planned:
                return ask(Verb::add);
            case State::added:
                return ask(shape_.wish == PairWish::abort_when_added ? Verb::abort : Verb::activate);
            case State::activated:
                if (shape_.wish == PairWish::let_the_timer_run_out) return step();
                return ask(shape_.wish == PairWish::commit ? Verb::commit : Verb::abort);
            case State::adding:
            case State::activating:
            case State::committing:
            case State::aborting:
                return step();
            case State::held:
                return lead_on();
            case State::committed:
            case State::aborted:
                over_ = true;
        }
    }
    /// The command that the operation itself names.
    void lead_on()
    {
        if (++held_ > 1) return violated("held a second time: " + operation_.reason);
        for (const operation::WayOn& way : operation_.ways_on())
            if (way.verb != Verb::clear) return ask(way.verb);
        violated("held without a way on: " + operation_.reason);
    }

    // ---- what must hold at the end

    void check_end()
    {
        const bool committed = operation_.state == State::committed;
        if (committed && shape_.wish != PairWish::commit) violated("it was committed unasked");
        // What has not been started yet is not known to fail.
        const bool seems_good = shape_.next == PairShape::NewVersion::good ||
                                (shape_.is_cold && shape_.next == PairShape::NewVersion::never_starts_second);
        if (committed && !seems_good) violated("what cannot run was committed");
        if (committed && shape_.next != PairShape::NewVersion::good) return;
        // Whoever died just now is on its way back.
        for (int look = 0; look < 10 && !pair_.is_whole(); ++look)
            machine_.advance(std::chrono::milliseconds(500));
        if (!pair_.is_whole()) violated("not one serves while the other could");
        const std::string wanted = committed ? MadeUpPair::new_version : MadeUpPair::old_version;
        for (const size_t member : {0, 1}) {
            const bool has_process = !shape_.is_cold || pair_.serves(member);
            if (has_process && pair_.version(member) != wanted)
                violated(fmt::format("server-{} runs {}", member + 1, pair_.version(member)));
            const upgrade::Named named = must(upgrade::named(machine_, pair_.images_of(member), "shop"));
            if (named != upgrade::Named{.runs = wanted, .committed = wanted})
                violated(fmt::format("packages.conf of server-{} says {}, {}", member + 1, named.runs,
                                     named.committed));
        }
        if (!must(memory_.list("lock/", "", 10)).empty()) violated("a lock is left");
        if (committed) return;
        for (const std::string& difference : operation_.differences) violated("it differs: " + difference);
        if (!operation_.verified) violated("it did not prove that all is as before");
    }

    static constexpr Milliseconds most_at_once{5000}, short_timer{12'000}, long_timer{60'000};

    const PairShape shape_;
    const PairAccident accident_;
    store::MemoryStore memory_;
    host::SimulatedHost machine_;
    MadeUpPair pair_;
    upgrade::Carrier carrier_;
    std::optional<host::FaultyHost> host_;
    std::optional<store::FaultyStore> store_;
    std::optional<operation::Catalogue> catalogue_;
    std::unique_ptr<operation::Engine> engine_;
    operation::Id id_;
    operation::Operation operation_;
    std::vector<std::string> broken_;
    size_t calls_ = 0, contacts_ = 0;
    int refusals_ = 0, held_ = 0;
    bool restarted_ = false, over_ = false;
};

}  // namespace belay::procedures
