// Pairs whose address moves from one host to the other in good order: beside what pairs.cpp does without.

#include "host/files.h"
#include "supervisor/pairs.h"

#include <charconv>
#include <filesystem>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::redundancy::Microseconds;
using framework::supervision::Pairing;
using framework::supervision::Role;
using framework::supervision::Want;

constexpr Milliseconds passes_on_for = std::chrono::seconds(2);
constexpr Milliseconds to_resume_within = std::chrono::seconds(2);
constexpr Microseconds heard_counts_for = std::chrono::seconds(3);
constexpr std::string_view move_ending = ".move", giving_role = "giving", taking_role = "taking";
constexpr Bytes most_role_bytes{64};

std::string move_file(const std::string& run_folder, ApplicationId id)
{
    return fmt::format("{}/{}{}", run_folder, id, move_ending);
}

}  // namespace

void Pairs::give(Supervised& supervised)
{
    const ApplicationId id = supervised.application().id;
    const Pairing& pairing = *pairing_of(supervised);
    end_leaving(id);
    end_taking(id);
    begin_move(id, giving_role);
    const auto of_this = [this, id](void (Pairs::*what)(ApplicationId)) {
        return [this, id, what] { in_loop(id, what); };
    };
    stepping_down_[id].giving = std::make_unique<Giving>(
        Giving::Ground{.loop = ground_.loop,
                       .said = ground_.said,
                       .say = [this](const Moving& moving) { fence_->say(moving); },
                       .other_is_ready = [this, &supervised] { return other_is_ready(supervised); },
                       .drains = of_this(&Pairs::drains),
                       .finished = of_this(&Pairs::finish),
                       .called_off = of_this(&Pairs::call_off)},
        supervised, fence_->standing(pairing.pair, id).token, is_on_one_host(supervised));
}

Giving* Pairs::giving_of(ApplicationId id) const
{
    const auto found = stepping_down_.find(id);
    return found == stepping_down_.end() ? nullptr : found->second.giving.get();
}

/// Where both may be at work at once, the other serves from now on.
void Pairs::drains(ApplicationId id)
{
    const Supervised* const supervised = ground_.find(id);
    const Pairing* const pairing = supervised == nullptr ? nullptr : pairing_of(*supervised);
    if (pairing != nullptr && pairing->overlaps && !pairing->is_cold) follow(id);
}

void Pairs::finish(ApplicationId id)
{
    if (finishing_.contains(id)) return end_finishing(id);
    const auto found = stepping_down_.find(id);
    if (found != stepping_down_.end() && !found->second.limit) follow(id);
}

void Pairs::end_finishing(ApplicationId id)
{
    const auto found = finishing_.find(id);
    if (found == finishing_.end()) return;
    const std::unique_ptr<Giving> ends = std::move(found->second);
    finishing_.erase(found);
    Supervised* const supervised = ground_.find(id);
    const bool goes = supervised == nullptr || !serves(*supervised);
    const bool is_of_pair = supervised != nullptr && pairing_of(*supervised) != nullptr;
    const bool stays_here = is_of_pair && is_on_one_host(*supervised);
    if (goes) give_address_up(id, stays_here);
    if (goes) leave(id, *ends);
    if (!left_.contains(id)) end_move(id);
    if (!is_of_pair) return;
    if (to_restart_.erase(id) > 0) supervised->restart();
    apply(*supervised);
}

/// For a moment: not everybody has learned yet where the address is.
void Pairs::leave(ApplicationId id, Giving& giving)
{
    auto detour = giving.leave();
    if (!detour) return;
    end_leaving(id);
    const auto limit =
        ground_.loop.at(site::boot_now() + passes_on_for, [this, id] { in_loop(id, &Pairs::end_leaving); });
    left_.emplace(id, Left{.detour = std::move(*detour), .limit = limit});
}

void Pairs::end_leaving(ApplicationId id)
{
    const auto found = left_.find(id);
    if (found == left_.end()) return;
    ground_.loop.cancel(found->second.limit);
    found->second.detour.end();
    left_.erase(found);
    end_move(id);
}

void Pairs::call_off(ApplicationId id)
{
    Supervised* const supervised = ground_.find(id);
    Giving* const giving = giving_of(id);
    if (supervised == nullptr || giving == nullptr || giving->is_finished()) return;
    ground_.said(fmt::format("{} goes on to serve: the other of its pair is not ready any more",
                             supervised->application().name));
    giving->call_off();
    end_step_down(id);
    const Pairing* const pairing = pairing_of(*supervised);
    if (pairing != nullptr) fence_->keep(pairing->pair, id);
    // It is here, whatever was said meanwhile.
    if (const auto at = addresses_.find(id); at != addresses_.end() && at->second.renewal) {
        ground_.loop.cancel(*at->second.renewal);
        renew_address(id);
    }
    // It may have been told already that it stands by.
    if (serves(*supervised)) supervised->play(Role::primary);
    supervised->serve();
    to_stop_.erase(id);
    // Its callers wait meanwhile.
    if (to_restart_.erase(id) > 0) supervised->restart();
    if (pairing != nullptr) apply(*supervised);
    ground_.moved(id);
}

void Pairs::keep_for_renewal()
{
    for (const auto& [id, step] : stepping_down_) {
        if (step.giving) step.giving->abandon();
    }
    for (const auto& [id, giving] : finishing_) giving->abandon();
    for (const auto& [id, taking] : taking_) taking->abandon();
    for (const auto& [id, left] : left_) ground_.loop.cancel(left.limit);
    for (const auto& [id, step] : stepping_down_) {
        if (step.limit) ground_.loop.cancel(*step.limit);
    }
    stepping_down_.clear();
    finishing_.clear();
    taking_.clear();
    left_.clear();
}

Pairs::~Pairs()
{
    for (auto& [id, left] : left_) {
        left.detour.end();
        end_move(id);
    }
    // They have a last word for the other host.
    stepping_down_.clear();
    finishing_.clear();
    taking_.clear();
}

bool Pairs::other_is_ready(const Supervised& supervised) const
{
    const Pairing* const pairing = pairing_of(supervised);
    if (pairing == nullptr || !fence_) return false;
    const auto other = fence_->standing(pairing->pair, supervised.application().id).other;
    return other.heard && other.fitness == Fitness::ready &&
           host::lease_clock() - *other.heard < heard_counts_for;
}

bool Pairs::is_on_one_host(const Supervised& supervised) const
{
    const Pairing* const pairing = pairing_of(supervised);
    const auto known = pairing == nullptr ? pairs_.end() : pairs_.find(pairing->pair);
    return known != pairs_.end() && known->second.terms.own.size() == 2;
}

void Pairs::take(const Moving& moving)
{
    if (moving.kind == Moving::Kind::ready || moving.kind == Moving::Kind::refused) {
        if (Giving* const giving = giving_of(moving.giver)) giving->answered(moving);
        return;
    }
    const auto known = pairs_.find(moving.pair);
    if (known == pairs_.end()) return;
    for (const ApplicationId own : known->second.terms.own) {
        Supervised* const supervised = ground_.find(own);
        const Pairing* const pairing = supervised == nullptr ? nullptr : pairing_of(*supervised);
        if (pairing != nullptr && pairing->other == moving.giver) take_in(*supervised, moving);
    }
}

void Pairs::take_in(Supervised& supervised, const Moving& moving)
{
    const ApplicationId id = supervised.application().id;
    const auto found = taking_.find(id);
    const bool is_known = found != taking_.end() && found->second->token() == moving.token;
    if (moving.kind == Moving::Kind::called_off && is_known) return end_taking(id);
    if (moving.kind == Moving::Kind::over && is_known) return found->second->end_soon();
    if (moving.kind != Moving::Kind::prepare) return;
    if (is_known) return found->second->asked(moving);
    // What comes late is of a move that is over.
    const bool is_late = taken_.contains(id) && moving.token <= taken_.at(id);
    const bool can = !pairing_of(supervised)->address.empty() && fitness_of(supervised) == Fitness::ready;
    if (is_late || !can || serves(supervised)) return;
    end_leaving(id);
    end_taking(id);
    taking_[id] =
        std::make_unique<Taking>(Taking::Ground{.loop = ground_.loop,
                                                .said = ground_.said,
                                                .say = [this](const Moving& said) { fence_->say(said); },
                                                .serves = [this, &supervised] { return serves(supervised); },
                                                .begins = [this, id] { begin_move(id, taking_role); },
                                                .over = [this, id] { in_loop(id, &Pairs::end_taking); }},
                                 supervised, moving);
}

void Pairs::end_taking(ApplicationId id)
{
    const auto found = taking_.find(id);
    if (found == taking_.end()) return;
    taken_[id] = found->second->token();
    Supervised* const supervised = ground_.find(id);
    // Those who have come already must not wait for somebody who does not serve.
    const bool is_in_vain = found->second->is_set() && supervised != nullptr && !serves(*supervised);
    if (is_in_vain) supervised->refuse_those_who_wait();
    taking_.erase(found);
    end_move(id);
}

/// For the supervisor after this one: it may be needed to take them away.
void Pairs::begin_move(ApplicationId id, std::string_view role)
{
    if (const auto old = old_moves_.find(id); old != old_moves_.end()) {
        if (old->second != role) host::Detour::remove(id);
        old_moves_.erase(old);
    }
    const Result<void> kept =
        host::files::replace(move_file(ground_.run_folder, id), std::string(role), 0600);
    if (!kept) ground_.said(kept.error().what);
}

void Pairs::end_move(ApplicationId id) const
{
    unlink(move_file(ground_.run_folder, id).c_str());
}

void Pairs::find_old_moves()
{
    std::error_code problem;
    for (const auto& file : std::filesystem::directory_iterator(ground_.run_folder, problem)) {
        const std::string name = file.path().filename();
        ApplicationId id = 0;
        const char* const end = name.data() + name.size();
        const auto read = std::from_chars(name.data(), end, id);
        if (read.ec != std::errc{} || std::string_view(read.ptr, end) != move_ending) continue;
        const auto role = host::files::read(file.path().string(), most_role_bytes);
        old_moves_[id] = role.value_or("");
    }
    if (old_moves_.empty()) return;
    ground_.loop.at(site::boot_now() + to_resume_within, [this, alive = std::weak_ptr(there_)] {
        if (!alive.expired()) remove_old_moves();
    });
}

void Pairs::remove_old_moves()
{
    for (const auto& [id, role] : old_moves_) {
        host::Detour::remove(id);
        end_move(id);
    }
    old_moves_.clear();
}

/// The supervisor before this one was in the middle of it, and the other host waits.
void Pairs::resume_giving(Supervised& supervised)
{
    const ApplicationId id = supervised.application().id;
    if (old_moves_.at(id) != giving_role || !serves(supervised) || !other_is_ready(supervised)) return;
    if (want_of(supervised) != Want::running) to_stop_.insert(id);
    static_cast<void>(fence_->hand_over(pairing_of(supervised)->pair, id).has_value());
}

}  // namespace belay::supervisor
