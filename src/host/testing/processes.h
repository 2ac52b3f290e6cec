#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace belay::host::testing {

/// Of all processes those that have not ended, run this program (empty: any) and have that word in what they
/// were started with.
inline std::set<pid_t> processes_with(std::string_view word, std::string_view program = {})
{
    std::set<pid_t> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "cmdline");
        // Nothing of one that has ended and was not waited for.
        const std::string words{std::istreambuf_iterator<char>(file), {}};
        if (words.starts_with(program) && words.contains(word)) all.insert(std::stoi(name));
    }
    return all;
}

}  // namespace belay::host::testing
