#include "upgrade/driver/driver.h"

#include "base/invariant.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::driver {
namespace {

constexpr std::array<std::string_view, 3> role_names = {"none", "active", "standby"};
constexpr std::array<std::string_view, 3> reach_names = {"unknown", "reachable", "unreachable"};
constexpr std::array<std::string_view, 7> verb_names = {"look",  "stand-by", "restart", "take-over",
                                                        "renew", "drain",    "undrain"};

Result<void> not_offered(Verb verb)
{
    return fail(ErrorKind::refused, fmt::format("this driver has no {}", name_of(verb)));
}

}  // namespace

std::string_view name_of(Role role)
{
    return role_names.at(static_cast<size_t>(role));
}

std::string_view name_of(Reach reach)
{
    return reach_names.at(static_cast<size_t>(reach));
}

std::string_view name_of(Verb verb)
{
    return verb_names.at(static_cast<size_t>(verb));
}

std::optional<Verb> verb_named(std::string_view name)
{
    const auto* const found = std::ranges::find(verb_names, name);
    if (found == verb_names.end()) return std::nullopt;
    return static_cast<Verb>(found - verb_names.begin());
}

bool is_optional(Verb verb)
{
    return verb >= Verb::take_over;
}

Result<bool> comes_true(const Ground& ground, Milliseconds limit, const std::function<Result<bool>()>& ask,
                        Milliseconds every)
{
    const Milliseconds until = TRY(ground.host.now()).boot + limit;
    while (true) {
        const bool is_so = TRY(ask());
        if (is_so) return true;
        const Milliseconds now = TRY(ground.host.now()).boot;
        if (now >= until) return false;
        ground.pause(every);
    }
}

Result<void> Driver::take_over()
{
    return not_offered(Verb::take_over);
}

Result<void> Driver::renew()
{
    return not_offered(Verb::renew);
}

Result<void> Driver::drain()
{
    return not_offered(Verb::drain);
}

Result<void> Driver::undrain()
{
    return not_offered(Verb::undrain);
}

Result<void> perform(Driver& driver, Verb verb)
{
    switch (verb) {
        case Verb::stand_by:
            return driver.stand_by();
        case Verb::restart:
            return driver.restart();
        case Verb::take_over:
            return driver.take_over();
        case Verb::renew:
            return driver.renew();
        case Verb::drain:
            return driver.drain();
        case Verb::undrain:
            return driver.undrain();
        case Verb::look:
            break;
    }
    INVARIANT(verb != Verb::look);
    return {};
}

}  // namespace belay::upgrade::driver
