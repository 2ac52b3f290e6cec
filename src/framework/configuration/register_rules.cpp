// What a change must keep to before the register makes it.

#include "framework/configuration/register.h"
#include "framework/configuration/rules.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

constexpr size_t most_subsets_of = 4;  // unconfirmed changes whose every combination is looked at

}  // namespace

/// Whether every object is as the change expects it, and nobody else is about to change it.
Result<void> Register::fits_what_is_there(const Delta& delta)
{
    for (const ObjectDelta& one : delta.objects) {
        const Object* present = configuration_.find(one.id());
        const bool as_expected =
            one.before ? present != nullptr && *present == *one.before : present == nullptr;
        if (as_expected) continue;
        return fail(
            ErrorKind::busy,
            fmt::format("{} was changed meanwhile, by {}", title_of(one.object()), who_changed(one.id())),
            "look at what is there now, and ask for the change again");
    }
    return {};
}

Result<void> Register::leaves_ways_back(const Delta& delta, std::string_view key)
{
    std::vector<const Pending*> others;
    const std::set<Id> ids = delta.ids();
    for (const Pending& one : pending_) {
        if (one.key == key) continue;
        others.push_back(&one);
        for (const ObjectDelta& theirs : one.entry.delta.objects) {
            if (!ids.contains(theirs.id())) continue;
            return fail(ErrorKind::busy,
                        fmt::format("{} is being changed by {}, which is not confirmed yet",
                                    title_of(theirs.object()), told(one.entry)),
                        one.entry.author.operation.empty() ? std::string()
                                                           : "belay show " + one.entry.author.operation);
        }
    }
    // Unconfirmed changes share no object, so their ways back can be taken in any order.
    const size_t count = others.size();
    const bool all_subsets = others.size() <= most_subsets_of;
    std::vector<std::vector<const Pending*>> subsets;
    if (all_subsets) {
        for (size_t bits = 1; bits < (size_t{1} << count); ++bits) {
            std::vector<const Pending*>& subset = subsets.emplace_back();
            for (size_t i = 0; i < count; ++i) {
                if ((bits >> i & 1) != 0) subset.push_back(others[i]);
            }
        }
    } else {
        for (const Pending* one : others) subsets.push_back({one});
        subsets.push_back(others);
    }
    for (const std::vector<const Pending*>& subset : subsets) {
        Delta way;
        for (const Pending* one : subset)
            std::ranges::move(one->entry.delta.inverse().objects, std::back_inserter(way.objects));
        std::optional<std::string> broken = clash_of_names(configuration_, way);
        if (!broken) {
            std::set<Id> touched = way.ids();
            touched.insert(ids.begin(), ids.end());
            apply(configuration_, way);
            broken = broken_rules(configuration_, touched);
            apply(configuration_, way.inverse());
        }
        if (!broken) continue;
        const Pending& first = *subset.front();
        return fail(ErrorKind::refused,
                    fmt::format("what {} changed is not confirmed yet; were it taken back, {}",
                                told(first.entry), *broken),
                    first.entry.author.operation.empty() ? std::string()
                                                         : "belay commit " + first.entry.author.operation);
    }
    return {};
}

/// Holds the site as it would be against its rules, and leaves it as it is.
Result<void> Register::keeps_rules(const Delta& delta, std::string_view key)
{
    if (const auto clash = clash_of_names(configuration_, delta)) return fail(ErrorKind::refused, *clash);
    const std::set<Id> ids = delta.ids();
    apply(configuration_, delta);
    Result<void> kept;
    if (const auto broken = broken_rules(configuration_, ids))
        kept = fail(ErrorKind::refused, *broken);
    else
        kept = leaves_ways_back(delta, key);
    apply(configuration_, delta.inverse());
    return kept;
}

Result<void> Register::check_change(const Delta& delta, std::string_view key)
{
    const std::lock_guard lock(mutex_);
    TRY(refresh());
    TRY(fits_what_is_there(delta));
    return keeps_rules(delta, key);
}

}  // namespace belay::framework::configuration
