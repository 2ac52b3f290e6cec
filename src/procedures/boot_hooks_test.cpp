#include "procedures/boot_steps.h"

#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

using namespace belay;

TEST_CASE("the hooks that a procedure puts in place are those that the package brings")
{
    for (const procedures::BootHook& hook : procedures::boot_hooks()) {
        std::ifstream file(fmt::format("{}/{}", BELAY_HOOKS, hook.name));
        std::ostringstream text;
        text << file.rdbuf();
        CHECK(text.str() == hook.text);
    }
}
