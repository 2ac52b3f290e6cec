#include "guest/run_to_end.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::lab {

Result<void> run_to_end(std::vector<std::string> words)
{
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    if (const int error = ::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ); error != 0)
        return std::unexpected(system_error("start " + words[0], error));
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0)
        return fail(ErrorKind::failed, fmt::format("{} ended with status {}", fmt::join(words, " "), status));
    return {};
}

}  // namespace belay::lab
