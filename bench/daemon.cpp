#include "host/descriptor.h"
#include "measures.h"
#include "program.h"
#include "rig.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr auto settling = std::chrono::seconds(2);
constexpr auto idle_span = std::chrono::seconds(10);
constexpr uint64_t most_memory_kib = 20 << 10;
constexpr size_t answers = 50;

/// What the kernel counted, for all threads of a process together.
struct Counted {
    uint64_t context_switches = 0;
    uint64_t threads = 0;
    uint64_t memory_kib = 0;  ///< VmRSS
};

Result<Counted> count(pid_t pid)
{
    Counted counted;
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
        std::ifstream status(thread.path() / "status");
        ++counted.threads;
        for (std::string word; status >> word;) {
            uint64_t value = 0;
            if (word.ends_with("_ctxt_switches:") && status >> value) counted.context_switches += value;
            if (word == "VmRSS:" && status >> value) counted.memory_kib = value;
        }
    }
    if (gone || counted.memory_kib == 0)
        return fail(ErrorKind::failed, "belayd ended while it was measured", "run it by hand and see why");
    return counted;
}

/// One operation that soaks under its timer, and one that is planned.
Result<void> leave_two_operations(const std::string& folder)
{
    const auto rig = TRY(Rig::open(folder));
    const operation::Id id = TRY(rig->add(Rig::plan_of(20, "bench.nothing")));
    TRY(rig->request(id, operation::Verb::activate));
    TRY(rig->step_until(id, operation::State::activated));
    TRY(rig->engine().keep(Rig::plan_of(20, "bench.nothing"), {.user = "bench", .origin = "belay-bench"}));
    return {};
}

/// Started, and ready to serve.
Result<Program> start_daemon(const Programs& programs, const std::string& folder, const std::string& socket)
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
    const host::Descriptor reading(ends[0]);
    host::Descriptor writing(ends[1]);
    Program daemon = TRY(Program::start(
        {programs.belayd, "--state-dir", folder, "--socket", socket, "--ready-fd", "3"}, writing.number()));
    writing.close();
    std::string said;
    for (char character = 0; read(reading.number(), &character, 1) == 1 && character != '\n';)
        said += character;
    if (said != "ready") return fail(ErrorKind::failed, fmt::format("belayd did not start: {}", said));
    return daemon;
}

std::vector<Row> rows_of(const Counted& before, const Counted& after)
{
    const uint64_t switches = after.context_switches - before.context_switches;
    const bool slept = switches == 0 && after.threads == before.threads;
    const double mebibytes = static_cast<double>(after.memory_kib) / 1024;
    return {{.name = "idle belayd: context switches in 10 s",
             .ours = fmt::format("{}", switches),
             .mark = "0",
             .reached = slept},
            {.name = "idle belayd: memory (VmRSS)",
             .ours = fmt::format("{:.1f} MiB", mebibytes),
             .mark = "under 20 MiB",
             .reached = after.memory_kib < most_memory_kib}};
}

}  // namespace

Result<std::vector<Row>> measure_daemon(const ScratchFolder& folder, const Programs& programs)
{
    TRY(leave_two_operations(folder.path()));
    const std::string socket = folder / "socket";
    const Stopwatch starting;
    const Program daemon = TRY(start_daemon(programs, folder.path(), socket));
    const Nanoseconds started = starting.taken().wall;
    std::this_thread::sleep_for(settling);
    const Counted before = TRY(count(daemon.pid()));
    std::this_thread::sleep_for(idle_span);
    const Counted after = TRY(count(daemon.pid()));

    std::vector<Nanoseconds> ours;
    std::vector<Nanoseconds> peer;
    for (size_t i = 0; i < answers; ++i) {
        const Stopwatch asking;
        TRY(run_to_end({programs.belay, "--socket", socket, "show", "--json"}));
        ours.push_back(asking.taken().wall);
        const Stopwatch running;
        TRY(run_to_end({"/bin/true"}));
        peer.push_back(running.taken().wall);
    }
    std::vector<Row> rows = rows_of(before, after);
    rows.push_back({.name = "belayd, from its start until it is ready", .ours = to_milliseconds(started)});
    rows.push_back({.name = "belay show --json, asked and answered; /bin/true",
                    .ours = to_milliseconds(median(ours)),
                    .peer = to_milliseconds(median(peer))});
    return rows;
}

}  // namespace belay::bench
