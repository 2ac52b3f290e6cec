#include "site_members.h"

#include "dialogue.h"
#include "samples.h"

#include <algorithm>
#include <cstdio>
#include <sys/resource.h>

namespace belay::bench {
namespace {

constexpr size_t agents_of_process = 2500;
constexpr size_t changes = 11;
constexpr int64_t idle_span_ms = 10'000;
/// Besides those of its members.
constexpr size_t descriptors_of_controller = 200;

using Line = std::vector<std::string>;

std::string to_mebibytes(int64_t kibibytes)
{
    return fmt::format("{:.0f} MiB", static_cast<double>(kibibytes) / 1024);
}

/// As many files open as the system lets this process and those that it starts have.
size_t raise_descriptors(size_t wanted)
{
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit most{.rlim_cur = std::max<rlim_t>(limit.rlim_max, wanted),
                      .rlim_max = std::max<rlim_t>(limit.rlim_max, wanted)};
    if (setrlimit(RLIMIT_NOFILE, &most) == 0) return most.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

Result<int64_t> number_in(const Result<Json>& answer, const char* name)
{
    if (!answer) return std::unexpected(answer.error());
    return from_json_value<int64_t>(answer->value(name, Json()));
}

Result<Line> measure_one(const std::string& folder, const std::string& program, size_t members)
{
    const std::string file = folder + fmt::format("/members-{}", members);
    Talking controller =
        TRY(start_talking({program, "--controller", folder + fmt::format("/site-{}", members)}));
    const int64_t empty = TRY(number_in(controller.dialogue.ask({{"do", "memory"}}), "kib"));
    TRY(controller.dialogue.ask({{"do", "enrol"}, {"members", members}, {"file", file}}));
    std::vector<Talking> agents;
    for (size_t from = 0; from < members; from += agents_of_process) {
        const size_t count = std::min(agents_of_process, members - from);
        agents.push_back(TRY(start_talking({program, "--agents", file, "--from", fmt::format("{}", from),
                                            "--count", fmt::format("{}", count)})));
    }
    const int64_t attached =
        TRY(number_in(controller.dialogue.ask({{"do", "await"}, {"members", members}}), "us"));
    std::vector<Nanoseconds> spread, work;
    for (size_t i = 0; i < changes; ++i) {
        const Result<Json> changed = controller.dialogue.ask({{"do", "change"}, {"members", members}});
        spread.push_back(std::chrono::microseconds(TRY(number_in(changed, "us"))));
        work.push_back(std::chrono::microseconds(TRY(number_in(changed, "processor_us"))));
    }
    const int64_t processor =
        TRY(number_in(controller.dialogue.ask({{"do", "idle"}, {"ms", idle_span_ms}}), "us"));
    const int64_t memory = TRY(number_in(controller.dialogue.ask({{"do", "memory"}}), "kib"));
    const Nanoseconds slowest = *std::ranges::max_element(spread);
    return Line{
        fmt::format("{}", members),
        to_mebibytes(memory),
        fmt::format("{:.0f} KiB", static_cast<double>(memory - empty) / static_cast<double>(members)),
        fmt::format("{:.2f} %", static_cast<double>(processor) / static_cast<double>(idle_span_ms) / 10),
        to_milliseconds(std::chrono::microseconds(attached) / members),
        to_milliseconds(median(spread)),
        to_milliseconds(slowest),
        to_milliseconds(median(work))};
}

}  // namespace

Result<std::vector<std::vector<std::string>>> measure_members(const ScratchFolder& folder,
                                                              const std::string& program,
                                                              const std::vector<size_t>& numbers)
{
    std::vector<Line> lines = {{"Members", "Memory (RSS)", "Each", "Processor, idle", "To attach one",
                                "A change has reached all, median", "slowest", "its processor time"}};
    for (const size_t members : numbers) {
        const size_t wanted = members + descriptors_of_controller;
        const size_t descriptors = raise_descriptors(wanted);
        if (descriptors < wanted) {
            lines.push_back({fmt::format("{}", members),
                             fmt::format("not measured: {} open files", descriptors), "", "", "", "", "",
                             ""});
            continue;
        }
        std::fputs(fmt::format("{} members ...\n", members).c_str(), stderr);
        lines.push_back(TRY(measure_one(folder.path(), program, members)));
    }
    return lines;
}

}  // namespace belay::bench
