// One upgrade of a pair after the other meets a fault at one of its records: both members end up with the
// same version, and there are never two that serve. The environment: as of faults_test.cpp.

#include "server_pair.h"

#include <doctest/doctest.h>

namespace belay::faults {
namespace {

TEST_CASE("both members of a pair end up with one version, whatever fails at whichever record")
{
    strike_all(
        {.subject = [](bool) { return server_pair(); }, .journals = journals_of_server_pair(), .usual = 5});
}

}  // namespace
}  // namespace belay::faults
