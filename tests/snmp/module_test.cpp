// What others make of BELAY-MIB.

#include "daemon/testing/run.h"
#include "host/testing/scratch.h"
#include "modules.h"

#include <fstream>

namespace belay {
namespace {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using host::testing::Scratch;

Ran lint(const std::string& module)
{
    return run_to_end({"/usr/bin/smilint", "-l", "6", module}, "",
                      {"SMIPATH=" + testing::standard_modules(), daemon::testing::plain_path});
}

TEST_CASE("smilint has nothing to say of the module, and would say something")
{
    const std::string module = std::string(TEST_MODULES) + "/BELAY-MIB.txt";
    const Ran checked = lint(module);
    CHECK_MESSAGE(checked.said.empty(), checked.said);
    CHECK(checked.code == 0);

    std::ifstream file(module);
    std::string text(std::istreambuf_iterator<char>(file), {});
    const std::string member = "belayDaemonHost,";
    text.erase(text.find(member), member.size());
    const Scratch scratch;
    std::ofstream(scratch.path("BELAY-MIB.txt")) << text;
    const Ran broken = lint(scratch.path("BELAY-MIB.txt"));
    CHECK_MESSAGE(broken.said.find("belayDaemonHost") != std::string::npos, broken.said);
}

}  // namespace
}  // namespace belay
