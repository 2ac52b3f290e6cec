#include "framework/solution/needs.h"

#include "framework/configuration/effective.h"

#include <algorithm>

namespace belay::framework::solution {
namespace {

const std::set<Id> nobody;

const std::set<Id>& found_in(const std::map<Id, std::set<Id>>& map, Id application)
{
    const auto found = map.find(application);
    return found == map.end() ? nobody : found->second;
}

}  // namespace

Needs::Needs(const Configuration& configuration)
{
    const configuration::Pairs pairs(configuration);
    for (const configuration::Object* const object : configuration.of_type("application")) {
        if (object->disabled) continue;
        if (const auto partner = pairs.partner_of(object->id)) {
            partners_[object->id] = partner->other;
            if (partner->is_backup) backups_.insert(object->id);
        }
        std::set<Id>& needs = needs_[object->id];
        const configuration::Object effective = configuration::effective(configuration, pairs, *object);
        const auto prerequisites = effective.attributes.find("prerequisites");
        if (prerequisites == effective.attributes.end()) continue;
        for (const Json& one : *prerequisites) {
            const Id other = one.value("application", Id{0});
            if (one.value("kind", "") == "application" && other != object->id) needs.insert(other);
        }
    }
    for (auto& [application, needs] : needs_) {
        std::erase_if(needs, [&](Id other) { return !needs_.contains(other); });
        for (const Id other : needs) needed_by_[other].insert(application);
    }
    // Levels are looked up by several threads later on.
    for (const auto& [application, needs] : needs_) {
        std::set<Id> path;
        level_within(application, path);
    }
}

Id Needs::partner_of(Id application) const
{
    const auto found = partners_.find(application);
    return found == partners_.end() || !has(found->second) ? 0 : found->second;
}

const std::set<Id>& Needs::of(Id application) const
{
    return found_in(needs_, application);
}

const std::set<Id>& Needs::needed_by(Id application) const
{
    return found_in(needed_by_, application);
}

std::set<Id> Needs::with_needs(const std::set<Id>& applications) const
{
    std::set<Id> all;
    std::vector<Id> left(applications.begin(), applications.end());
    while (!left.empty()) {
        const Id application = left.back();
        left.pop_back();
        if (!has(application) || !all.insert(application).second) continue;
        left.insert(left.end(), of(application).begin(), of(application).end());
    }
    return all;
}

size_t Needs::level_of(Id application) const
{
    const auto known = levels_.find(application);
    return known == levels_.end() ? 0 : known->second;
}

size_t Needs::level_within(Id application, std::set<Id>& path) const
{
    const auto known = levels_.find(application);
    if (known != levels_.end()) return known->second;
    if (!path.insert(application).second) return 0;
    size_t level = 0;
    for (const Id other : of(application)) level = std::max(level, level_within(other, path) + 1);
    path.erase(application);
    return levels_[application] = level;
}

}  // namespace belay::framework::solution
