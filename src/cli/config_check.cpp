#include "cli/config_check.h"

#include "base/json.h"
#include "cli/exit_code.h"
#include "framework/configuration/import.h"

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace belay::cli {
namespace {

/// A request of the protocol has 8 MiB, and a text grows in it.
constexpr size_t most_bytes = 7 << 20;

Error too_long(const std::string& path)
{
    return Error{.kind = ErrorKind::usage,
                 .what = fmt::format("{} has more than {} MiB", path, most_bytes >> 20),
                 .next = "belay config apply, part by part"};
}

}  // namespace

Result<std::string> read_configuration(const std::string& path, Console& console)
{
    if (path == "-") return console.read_all(most_bytes, "type the configuration, and Ctrl-D to end it");
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(system_error("read " + path, errno));
    std::string text(most_bytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return std::unexpected(system_error("read " + path, errno));
    text.resize(static_cast<size_t>(file.gcount()));
    if (text.size() > most_bytes) return std::unexpected(too_long(path));
    return text;
}

Result<int> config_check(const Invocation& asked, Console& console, const Style& style)
{
    using namespace framework::configuration;
    const std::string text = TRY(read_configuration(asked.target, console));
    const Imported imported = import_text(text, {}, Mode::whole, nullptr);
    const auto errors = static_cast<size_t>(std::ranges::count_if(imported.problems, &Problem::error));
    const size_t warnings = imported.problems.size() - errors;
    if (asked.json) {
        Json problems = Json::array();
        for (const Problem& problem : imported.problems)
            problems.push_back({{"line", problem.place.line},
                                {"column", problem.place.column},
                                {"severity", problem.error ? "error" : "warning"},
                                {"what", problem.what}});
        console.out(json_text({{"file", asked.target},
                               {"errors", errors},
                               {"warnings", warnings},
                               {"objects", imported.wanted.size()},
                               {"problems", std::move(problems)}}) +
                    '\n');
    } else {
        for (const Problem& problem : imported.problems)
            console.out(clean(style, operation::runbook::to_text(problem, asked.target)) + '\n');
        console.out(fmt::format("{}: {}, {}, {}\n", clean(style, asked.target),
                                counted(imported.wanted.size(), "object", "objects"),
                                counted(errors, "error", "errors"),
                                counted(warnings, "warning", "warnings")));
    }
    return static_cast<int>(errors == 0 ? ExitCode::done : ExitCode::usage);
}

}  // namespace belay::cli
