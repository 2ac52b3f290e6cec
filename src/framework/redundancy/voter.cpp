#include "framework/redundancy/voter.h"

namespace belay::framework::redundancy {

Voter::Answer Voter::ask(ApplicationId candidate, uint64_t token, Microseconds lease, Microseconds now)
{
    if (now < vote_.silent_until) return {.remaining = vote_.silent_until - now};
    const bool goes_on = candidate == vote_.candidate && token == vote_.token;
    if (now < vote_.until && candidate != vote_.candidate)
        return {.remaining = vote_.until - now, .holder = vote_.candidate};
    if (!goes_on && token <= vote_.highest) return {};
    vote_.candidate = candidate;
    vote_.token = vote_.highest = token;
    vote_.until = std::max(vote_.until, now + lease);
    return {.given = true};
}

void Voter::release(ApplicationId candidate, uint64_t token)
{
    if (candidate != vote_.candidate || token != vote_.token) return;
    vote_.candidate = 0;
    vote_.until = Microseconds{0};
}

}  // namespace belay::framework::redundancy
