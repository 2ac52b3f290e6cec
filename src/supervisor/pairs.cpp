#include "supervisor/pairs.h"

#include "host/application/link.h"

#include <utility>

namespace belay::supervisor {
namespace {

using framework::supervision::Orders;
using framework::supervision::Pairing;
using framework::supervision::Phase;
using framework::supervision::Role;
using framework::supervision::Want;
using framework::supervision::Word;

constexpr Milliseconds step_down_limit = std::chrono::seconds(2);
constexpr Milliseconds answer_limit = std::chrono::seconds(2);
constexpr std::chrono::seconds address_lifetime{3};
constexpr Milliseconds between_renewals = std::chrono::seconds(1);
constexpr Milliseconds until_it_arrives{10};

/// What is announced before that sends callers to where nobody hears them.
bool arrives(const host::VirtualAddress& address)
{
    return host::is_reachable_here(without_length(address.text()));
}

}  // namespace

const Pairing* Pairs::pairing_of(const Supervised& supervised)
{
    const auto& pair = supervised.application().pair;
    return pair ? &*pair : nullptr;
}

bool Pairs::may_drain(const Supervised& supervised)
{
    const auto& application = supervised.application();
    return application.drain_timeout.count() > 0 && application.orders.kind != Orders::Kind::none &&
           supervised.has_process() && supervised.standing().phase != Phase::starting;
}

// --- what becomes of the applications ---

bool Pairs::serves(const Supervised& supervised) const
{
    const Pairing* const pairing = pairing_of(supervised);
    return pairing != nullptr && fence_ &&
           fence_->standing(pairing->pair, supervised.application().id).is_held;
}

bool Pairs::serves_as_told(const Supervised& supervised) const
{
    const auto& standing = supervised.standing();
    return standing.phase == Phase::started && standing.role == Role::primary && serves(supervised) &&
           (standing.said == Role::primary || !answers_.contains(supervised.application().id));
}

bool Pairs::stands_by(const Supervised& supervised) const
{
    const Pairing* const pairing = pairing_of(supervised);
    return pairing != nullptr && pairing->is_cold && supervised.standing().phase == Phase::stopped &&
           want_of(supervised) == Want::running && !serves(supervised);
}

Want Pairs::want_of(const Supervised& supervised) const
{
    const auto found = wants_.find(supervised.application().id);
    return found == wants_.end() || pairing_of(supervised) == nullptr ? supervised.standing().want
                                                                      : found->second;
}

Fitness Pairs::fitness_of(const Supervised& supervised) const
{
    const Phase phase = supervised.standing().phase;
    if (want_of(supervised) != Want::running || phase == Phase::failed) return Fitness::absent;
    const bool rests = pairing_of(supervised)->is_cold && !serves(supervised);
    if (rests && !supervised.has_process()) return Fitness::ready;
    switch (phase) {
        case Phase::started:
            return rests ? Fitness::coming : Fitness::ready;
        case Phase::waiting:
        case Phase::starting:
        case Phase::unavailable:
            return Fitness::coming;
        // It was not to run until now; else it has ended by itself.
        case Phase::stopped:
            return supervised.standing().want != Want::running ? Fitness::coming : Fitness::absent;
        default:
            return Fitness::absent;
    }
}

/// Starts or stops it by what is wanted and by which it is now.
void Pairs::apply(Supervised& supervised)
{
    const bool rests = pairing_of(supervised)->is_cold &&
                       (!serves(supervised) || stepping_down_.contains(supervised.application().id));
    // It is stopped when it has handed over.
    const Giving* const giving = giving_of(supervised.application().id);
    const bool hands_over = giving != nullptr && !giving->is_finished();
    if (hands_over || finishing_.contains(supervised.application().id)) return;
    const Want wanted = want_of(supervised);
    const Want now = rests && wanted == Want::running ? Want::stopped : wanted;
    if (supervised.standing().want != now) supervised.order(now);
}

void Pairs::order(Supervised& supervised, Want want)
{
    const ApplicationId id = supervised.application().id;
    const Pairing* const pairing = pairing_of(supervised);
    if (pairing == nullptr) return supervised.order(want);
    if (supervised.standing().role == Role::none) supervised.play(Role::backup);
    const bool rests = pairing->is_cold && !serves(supervised);
    const bool is_asked_again = want == Want::running && want_of(supervised) == want && !rests;
    wants_[id] = want;
    keep();
    to_stop_.erase(id);
    if (want != Want::running) to_restart_.erase(id);
    const auto known = pairs_.find(pairing->pair);
    const bool hands_over = want != Want::running && serves(supervised) && known != pairs_.end() &&
                            known->second.terms.is_automatic;
    const bool is_on_the_way = want != Want::running && stepping_down_.contains(id);
    if (is_on_the_way || (hands_over && fence_->hand_over(pairing->pair, id))) {
        to_stop_.insert(id);
        return;
    }
    // Who asks for one that has failed wants it started anew.
    if (is_asked_again) supervised.order(want);
    apply(supervised);
    moved(supervised);
}

void Pairs::restart(Supervised& supervised)
{
    const ApplicationId id = supervised.application().id;
    const Pairing* const pairing = pairing_of(supervised);
    const bool hands_over = pairing != nullptr && !pairing->is_cold && serves(supervised) &&
                            may_drain(supervised) && fence_->hand_over(pairing->pair, id);
    if (!hands_over) return supervised.restart();
    to_stop_.erase(id);
    to_restart_.insert(id);
}

void Pairs::adopted(Supervised& supervised)
{
    const Pairing* const pairing = pairing_of(supervised);
    if (pairing == nullptr || !fence_) return;
    fence_->resume(pairing->pair, supervised.application().id);
    // One that serves is not told anything else in between.
    if (serves(supervised)) supervised.play(Role::primary);
    moved(supervised);
}

void Pairs::moved(Supervised& supervised)
{
    const Pairing* const pairing = pairing_of(supervised);
    if (pairing == nullptr) return;
    // Until somebody says that it serves.
    if (supervised.standing().role == Role::none) supervised.play(Role::backup);
    if (!fence_) return;
    const ApplicationId id = supervised.application().id;
    const host::ProcessName before = std::exchange(processes_[id], supervised.process());
    if (supervised.pid() != 0 && supervised.process() != before)
        fence_->set_process(pairing->pair, id, supervised.process(), supervised.control_group());
    fence_->set_fitness(pairing->pair, id, fitness_of(supervised));
    if (!supervised.has_process()) fence_->ended(pairing->pair, id);
    // Its lease went with its process, to the other or to nobody: its next one stands by until it has one.
    const bool is_out_of_turn = supervised.standing().role == Role::primary && !serves(supervised);
    if (!supervised.has_process() && is_out_of_turn) supervised.play(Role::backup);
    if (!supervised.has_process()) end_finishing(id);
    if (!serves(supervised) && !finishing_.contains(id)) {
        const bool stays_here = is_on_one_host(supervised) && other_is_ready(supervised);
        give_address_up(id, stays_here);
    }
    if (Giving* const giving = giving_of(id)) giving->look_now();
    // What is left of the other's connections ends with that.
    if (serves_as_told(supervised) && !pairing->overlaps) end_taking(id);
    if (!serves(supervised) && fitness_of(supervised) != Fitness::ready) end_taking(id);
    if (old_moves_.contains(id)) resume_giving(supervised);
    look_whether_stepped_down(supervised);
}

// --- the address of the one that serves ---

void Pairs::take_address(const Supervised& supervised)
{
    const Pairing& pairing = *pairing_of(supervised);
    const ApplicationId id = supervised.application().id;
    if (pairing.address.empty() || addresses_.contains(id)) return;
    Address& at = addresses_[id];
    Result<host::VirtualAddress> address = host::VirtualAddress::of(pairing.address, pairing.interface);
    Result<void> done;
    if (!address) done = std::unexpected(address.error());
    if (done) done = address->take(address_lifetime);
    if (done) done = address->announce();
    if (!done) {
        at.problem = done.error().what;
        ground_.said(fmt::format("{}: {}", supervised.application().name, at.problem));
    }
    if (!address) return;
    at.address = *address;
    const Milliseconds after = arrives(*address) ? between_renewals : until_it_arrives;
    at.renewal = ground_.loop.at(site::boot_now() + after, [this, id] { renew_address(id); });
}

/// It is announced again as well: somebody may have been away.
void Pairs::renew_address(ApplicationId id)
{
    const auto found = addresses_.find(id);
    if (found == addresses_.end()) return;
    Address& at = found->second;
    const Giving* const giving = giving_of(id);
    const bool goes = finishing_.contains(id) || (giving != nullptr && giving->is_passed_on());
    Result<void> done = at.address->take(address_lifetime);
    if (done && !goes) done = at.address->announce();
    at.problem = done ? "" : done.error().what;
    const Milliseconds after = !done || arrives(*at.address) ? between_renewals : until_it_arrives;
    at.renewal = ground_.loop.at(site::boot_now() + after, [this, id] { renew_address(id); });
}

/// `to_other_here`: which takes it as it is, or else nobody renews it.
void Pairs::give_address_up(ApplicationId id, bool to_other_here)
{
    const auto found = addresses_.find(id);
    if (found == addresses_.end()) return;
    if (found->second.renewal) ground_.loop.cancel(*found->second.renewal);
    // What is open ends with it: what nobody has acknowledged would be waited for at the next move.
    if (found->second.address && !to_other_here) found->second.address->give_up_with_connections();
    // Its end takes a while, and the other one may wait to serve.
    ground_.loop.post([gone = std::make_shared<Address>(std::move(found->second))] {});
    addresses_.erase(found);
}

// --- what the fence says ---

void Pairs::gained(ApplicationId id)
{
    Supervised* const supervised = ground_.find(id);
    if (supervised == nullptr || !serves(*supervised)) return;
    end_step_down(id);
    finishing_.erase(id);
    end_leaving(id);
    take_address(*supervised);
    if (supervised->application().orders.kind != framework::supervision::Orders::Kind::none) await_answer(id);
    supervised->play(Role::primary);
    apply(*supervised);
    ground_.moved(id);
}

/// Whoever needs the pair waits until the one that serves has been told, and where it says its roles has said
/// so; but not for ever.
void Pairs::await_answer(ApplicationId id)
{
    await_no_answer(id);
    answers_[id] = ground_.loop.at(site::boot_now() + answer_limit, [this, id] {
        answers_.erase(id);
        ground_.moved(id);
    });
}

void Pairs::look_whether_answered(ApplicationId id)
{
    const Supervised* const supervised = ground_.find(id);
    if (supervised == nullptr || supervised->standing().says_roles) return;
    await_no_answer(id);
    ground_.moved(id);
}

void Pairs::await_no_answer(ApplicationId id)
{
    const auto found = answers_.find(id);
    if (found == answers_.end()) return;
    ground_.loop.cancel(found->second);
    answers_.erase(found);
}

bool Pairs::has_lost_lease(ApplicationId id) const
{
    const Supervised* const supervised = ground_.find(id);
    const Pairing* const pairing = supervised == nullptr ? nullptr : pairing_of(*supervised);
    return pairing != nullptr && fence_ && fence_->has_ended(pairing->pair, id);
}

void Pairs::lost(ApplicationId id)
{
    end_step_down(id);
    finishing_.erase(id);
    give_address_up(id);
    Supervised* const supervised = ground_.find(id);
    if (supervised == nullptr || pairing_of(*supervised) == nullptr) return;
    ground_.said(fmt::format("{} has lost its lease: the other hosts of its pair did not answer in time",
                             supervised->application().name));
    // One that the fence did not know yet.
    if (supervised->standing().role == Role::primary && !has_lost_lease(id)) supervised->replace();
    supervised->play(Role::backup);
    to_stop_.erase(id);
    to_restart_.erase(id);
    apply(*supervised);
    ground_.moved(id);
}

void Pairs::step_down(ApplicationId id)
{
    Supervised* const supervised = ground_.find(id);
    if (supervised == nullptr || pairing_of(*supervised) == nullptr || stepping_down_.contains(id)) return;
    // Its process may have ended meanwhile, and the lease have gone with it.
    if (!fence_->standing(pairing_of(*supervised)->pair, id).is_handed_over) return;
    stepping_down_[id];
    if (may_drain(*supervised)) return give(*supervised);
    follow(id);
}

/// It is told that it stands by, and has to say that it does.
void Pairs::follow(ApplicationId id)
{
    Supervised* const supervised = ground_.find(id);
    const auto found = stepping_down_.find(id);
    if (supervised == nullptr || found == stepping_down_.end()) return;
    found->second.limit = ground_.loop.at(site::boot_now() + step_down_limit, [this, id] {
        if (stepping_down_.contains(id)) stepping_down_[id].limit.reset();
        if (Supervised* const slow = ground_.find(id))
            slow->end_now(fmt::format("did not step down within {}", to_text(step_down_limit)));
    });
    supervised->play(Role::backup);
    apply(*supervised);
    look_whether_stepped_down(*supervised);
}

void Pairs::told(ApplicationId id, Word word)
{
    if (word == Word::primary) return in_loop(id, &Pairs::look_whether_answered);
    const auto found = stepping_down_.find(id);
    if (found == stepping_down_.end() || word != Word::backup) return;
    found->second.is_told = true;
    in_loop(id, &Pairs::look_again);
}

void Pairs::look_again(ApplicationId id)
{
    Supervised* const supervised = ground_.find(id);
    if (supervised != nullptr) look_whether_stepped_down(*supervised);
}

void Pairs::look_whether_stepped_down(Supervised& supervised)
{
    const ApplicationId id = supervised.application().id;
    const auto found = stepping_down_.find(id);
    if (found == stepping_down_.end() || pairing_of(supervised) == nullptr) return;
    const auto& standing = supervised.standing();
    const bool is_done = found->second.is_told && !pairing_of(supervised)->is_cold &&
                         (!standing.says_roles || standing.said == Role::backup);
    if (supervised.has_process() && !is_done) return;
    std::unique_ptr<Giving>& giving = found->second.giving;
    if (supervised.has_process() && giving != nullptr && !giving->is_finished()) {
        giving->let_other_go();
        ways_[id] = giving->way();
        finishing_[id] = std::move(giving);
    } else {
        const bool stays_here = is_on_one_host(supervised) && other_is_ready(supervised);
        give_address_up(id, stays_here);
        if (giving != nullptr) leave(id, *giving);
    }
    end_step_down(id);
    fence_->stepped_down(pairing_of(supervised)->pair, id);
    stood_down_[id] = host::lease_clock();
    to_stop_.erase(id);
    const bool is_finished = !finishing_.contains(id);
    if (is_finished && to_restart_.erase(id) > 0 && supervised.has_process()) supervised.restart();
    apply(supervised);
    ground_.moved(id);
}

void Pairs::end_step_down(ApplicationId id)
{
    const auto found = stepping_down_.find(id);
    if (found == stepping_down_.end()) return;
    if (found->second.limit) ground_.loop.cancel(*found->second.limit);
    if (found->second.giving) ways_[id] = found->second.giving->way();
    const bool was_a_move = found->second.giving != nullptr;
    stepping_down_.erase(found);
    if (was_a_move && !left_.contains(id)) end_move(id);
}

Result<void> Pairs::hand_over(ApplicationId id)
{
    const Supervised* const supervised = ground_.find(id);
    const Pairing* const pairing = supervised == nullptr ? nullptr : pairing_of(*supervised);
    if (pairing == nullptr || !fence_) return fail(ErrorKind::refused, "it is of no pair that is known here");
    return fence_->hand_over(pairing->pair, id);
}

Result<void> Pairs::take_over(ApplicationId id)
{
    const Supervised* const supervised = ground_.find(id);
    const Pairing* const pairing = supervised == nullptr ? nullptr : pairing_of(*supervised);
    if (pairing == nullptr || !fence_) return fail(ErrorKind::refused, "it is of no pair that is known here");
    if (fitness_of(*supervised) != Fitness::ready)
        return fail(ErrorKind::refused, "it is not ready to serve");
    fence_->take_over(pairing->pair, id);
    return {};
}

Json Pairs::json_of(const Supervised& supervised) const
{
    const Pairing* const pairing = pairing_of(supervised);
    if (pairing == nullptr) return nullptr;
    const auto known = pairs_.find(pairing->pair);
    Json json = {{"pair", pairing->pair}, {"other", pairing->other}, {"cold", pairing->is_cold}};
    if (known == pairs_.end() || !fence_) {
        json["problem"] = "the hosts of its pair are not known here yet";
        return json;
    }
    const Fence::Standing standing = fence_->standing(pairing->pair, supervised.application().id);
    json["name"] = known->second.name;
    json["epoch"] = known->second.terms.epoch;
    json["hosts"] = known->second.terms.members;
    json["lease_ms"] = known->second.terms.lease.count() / 1000;
    json["held"] = standing.is_held;
    json["handing"] = standing.is_handed_over;
    json["serves"] = serves_as_told(supervised);
    const auto address = addresses_.find(supervised.application().id);
    if (address != addresses_.end()) json["address_problem"] = address->second.problem;
    const auto way = ways_.find(supervised.application().id);
    const Giving* const giving = giving_of(supervised.application().id);
    const std::string last = way == ways_.end() ? "" : way->second;
    json["move"] = giving == nullptr ? last : giving->way();
    json["token"] = standing.token;
    json["vote_for"] = standing.served_by;
    json["other_ready"] = other_is_ready(supervised);
    const auto stood_down = stood_down_.find(supervised.application().id);
    if (stood_down != stood_down_.end() && !standing.is_held)
        json["stood_down_ms"] =
            std::chrono::duration_cast<Milliseconds>(host::lease_clock() - stood_down->second).count();
    return json;
}

void Pairs::forget(ApplicationId id)
{
    wants_.erase(id);
    processes_.erase(id);
    to_stop_.erase(id);
    to_restart_.erase(id);
    end_step_down(id);
    await_no_answer(id);
    finishing_.erase(id);
    end_leaving(id);
    end_taking(id);
    ways_.erase(id);
    stood_down_.erase(id);
    taken_.erase(id);
    give_address_up(id);
}

}  // namespace belay::supervisor
