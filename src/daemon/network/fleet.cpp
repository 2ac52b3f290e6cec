#include "daemon/network/fleet.h"

#include "base/json.h"

#include <algorithm>
#include <set>

namespace belay::daemon {
namespace {

using Hosts = std::set<std::string>;

Hosts hosts_of(const FleetPair& pair)
{
    Hosts hosts;
    for (const PairMember& member : pair.members) hosts.insert(member.host);
    return hosts;
}

bool have_one_in_common(const Hosts& left, const Hosts& right)
{
    return std::ranges::any_of(left, [&](const std::string& host) { return right.contains(host); });
}

/// Which pairs go together: each group with all hosts of its pairs.
std::vector<std::vector<size_t>> groups_of(const std::vector<FleetPair>& pairs)
{
    std::vector<std::pair<Hosts, std::vector<size_t>>> groups;
    for (size_t at = 0; at < pairs.size(); ++at) {
        std::pair<Hosts, std::vector<size_t>> joined = {hosts_of(pairs[at]), {}};
        const auto takes = [&](auto& group) {
            if (!have_one_in_common(group.first, joined.first)) return false;
            joined.first.merge(group.first);
            std::ranges::copy(group.second, std::back_inserter(joined.second));
            return true;
        };
        std::erase_if(groups, takes);
        joined.second.push_back(at);
        groups.push_back(std::move(joined));
    }
    std::vector<std::vector<size_t>> all;
    for (auto& [hosts, members] : groups) {
        std::ranges::sort(members);
        all.push_back(std::move(members));
    }
    std::ranges::sort(all);
    return all;
}

/// What there is to do on each host, those first on which least serves.
Result<std::vector<HostTurn>> hosts_in_order(const std::vector<FleetPair>& pairs,
                                             const std::vector<size_t>& group)
{
    std::vector<HostTurn> hosts;
    for (const size_t at : group) {
        for (const PairMember& member : pairs[at].members) {
            auto found = std::ranges::find(hosts, member.host, &HostTurn::host);
            if (found == hosts.end()) found = hosts.insert(hosts.end(), {.host = member.host, .members = {}});
            if (!found->members.empty() && found->members.front().image != member.image)
                return fail(ErrorKind::usage,
                            fmt::format("{} has members of pairs that run from {} and from {}", member.host,
                                        found->members.front().image, member.image),
                            "upgrade those pairs one after the other");
            found->members.push_back(member);
        }
    }
    for (HostTurn& host : hosts) {
        std::ranges::stable_sort(host.members, {}, &PairMember::serves);
        if (group.size() == 1 && hosts.size() == 1) host.whole_pair = pairs[group.front()].name;
    }
    std::ranges::stable_sort(hosts, {}, [](const HostTurn& host) {
        return std::ranges::count_if(host.members, &PairMember::serves);
    });
    return hosts;
}

/// The first turn that is free for a host: in none of those of its pairs' other hosts.
std::vector<std::vector<HostTurn>> turns_of(const std::vector<FleetPair>& pairs,
                                            const std::vector<size_t>& group, std::vector<HostTurn> hosts)
{
    std::map<std::string, Hosts> apart;  // by host: those that share a pair with it
    for (const size_t at : group) {
        const Hosts both = hosts_of(pairs[at]);
        for (const std::string& host : both) apart[host].insert(both.begin(), both.end());
    }
    std::vector<std::vector<HostTurn>> turns;
    for (HostTurn& host : hosts) {
        const bool only_serves = std::ranges::all_of(host.members, &PairMember::serves);
        size_t turn = only_serves ? 1 : 0;
        const auto is_taken = [&](const HostTurn& other) { return apart[host.host].contains(other.host); };
        while (turn < turns.size() && std::ranges::any_of(turns[turn], is_taken)) ++turn;
        if (turn >= turns.size()) turns.resize(turn + 1);
        turns[turn].push_back(std::move(host));
    }
    return turns;
}

operation::Step take_over_step(const site::MemberName& host, const std::string& application)
{
    return {.name = "take-over-" + application,
            .title = fmt::format("{} takes over", application),
            .phase = operation::Phase::activate,
            .member = host.name,
            .action = "pair.take-over",
            .arguments = {{"host", host.id}, {"application", application}},
            .commands = {fmt::format("{}: the driver of {}, take-over", host.name, application)}};
}

/// Where applications are that take over from their own side.
std::map<std::string, site::MemberName> takers_in(const PlannedTurns& wave)
{
    std::map<std::string, site::MemberName> takers;
    for (const std::vector<PlannedTurn>& turn : wave) {
        for (const PlannedTurn& one : turn) {
            const auto names =
                from_json_value<std::vector<std::string>>(one.plan.plan.asked.value("takes_over", Json()));
            if (!names) continue;
            for (const std::string& name : *names) takers[name] = one.plan.member;
        }
    }
    return takers;
}

}  // namespace

std::string HostTurn::role() const
{
    if (!whole_pair.empty()) return "";
    const auto serving = std::ranges::count_if(members, &PairMember::serves);
    if (serving == 0) return "standby";
    return serving == std::ssize(members) ? "active" : "active and standby";
}

Result<std::vector<Bunch>> bunches_of(const std::vector<FleetPair>& pairs)
{
    std::set<std::string> applications;
    for (const FleetPair& pair : pairs) {
        for (const PairMember& member : pair.members) {
            if (!applications.insert(member.application).second)
                return fail(ErrorKind::usage, fmt::format("the pair {} stands there twice", pair.name));
        }
    }
    std::vector<Bunch> bunches;
    for (std::vector<size_t>& group : groups_of(pairs)) {
        std::vector<HostTurn> hosts = TRY(hosts_in_order(pairs, group));
        auto turns = turns_of(pairs, group, std::move(hosts));
        bunches.push_back({.pairs = std::move(group), .turns = std::move(turns)});
    }
    return bunches;
}

Serving::Serving(const std::vector<FleetPair>& pairs)
{
    for (const FleetPair& pair : pairs) {
        for (size_t at = 0; at < pair.members.size(); ++at) {
            const PairMember& other = pair.members[pair.members.size() - 1 - at];
            sides_[pair.members[at].application] = {
                .serves = pair.members[at].serves, .other = other.application, .host_of_other = other.host};
        }
    }
}

std::vector<std::string> Serving::before(const HostTurn& turn)
{
    std::vector<std::string> others;
    for (const PairMember& member : turn.members) {
        Side& side = sides_.at(member.application);
        if (!side.serves || side.host_of_other == turn.host) continue;
        side.serves = false;
        sides_.at(side.other).serves = true;
        others.push_back(side.other);
    }
    return others;
}

void add_wave(PlannedTurns wave, Serving& serving, site::SitePlanAsk& ask)
{
    const std::map<std::string, site::MemberName> takers = takers_in(wave);
    for (std::vector<PlannedTurn>& turn : wave) {
        if (turn.empty()) continue;
        for (PlannedTurn& one : turn) {
            for (const std::string& other : serving.before(one.turn)) {
                const auto taker = takers.find(other);
                if (taker != takers.end())
                    ask.between[ask.waves.size()].push_back(take_over_step(taker->second, other));
            }
        }
        ask.waves.push_back(turn.size());
        for (PlannedTurn& one : turn) ask.members.push_back(std::move(one.plan));
    }
}

}  // namespace belay::daemon
