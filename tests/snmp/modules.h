#pragma once
// For tests: where the standard MIB modules are.

#include <doctest/doctest.h>
#include <filesystem>
#include <string>

namespace belay::testing {

/// Of Debian's erlang-snmp, whose folder has its version.
inline std::string standard_modules()
{
    std::error_code problem;
    for (const auto& folder : std::filesystem::directory_iterator("/usr/lib/erlang/lib", problem)) {
        if (folder.path().filename().string().starts_with("snmp-")) return folder.path() / "mibs";
    }
    FAIL("there are no standard modules: packaging/install-needs test");
    return {};
}

}  // namespace belay::testing
