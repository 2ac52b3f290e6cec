// One operation of a site after the other meets a fault at one of its records, and all its hosts go the same
// way.
//
// Without being told it is some strikes of different kinds, chosen by the dice. In the environment:
//     BELAY_STRIKES=40         so many; "all" for each fault at each record
//     BELAY_STRIKE_SEED=7      the dice; printed at the beginning
//     BELAY_STRIKE_SITES=4     sites at the same time (3; two at least): the first with its state in an etcd
//                              and two controllers, the third and every second one more with operations on
//                              the controller too
//     BELAY_STRIKE_PART=2/4    each fourth of them, from the second on: all of them in four runs
//     BELAY_STRIKE_ONLY=TEXT   those whose name has this in it, as "power cut on web1"

#include "shop_word.h"

#include <doctest/doctest.h>

namespace belay::faults {
namespace {

TEST_CASE("all hosts of a site go the same way, whatever fails at whichever record")
{
    strike_all({.subject = shop_word, .journals = journals_of_shop_word()});
}

}  // namespace
}  // namespace belay::faults
