// belay-bench-snmp: how long snmpbulkwalk takes for some thousand variables of belay-snmp, beside those of a
// sub-agent that serves a table that never changes. Both are sub-agents of one snmpd.

#include "host/descriptor.h"
#include "program.h"
#include "samples.h"
#include "scratch_folder.h"
#include "site/client.h"
#include "table.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <thread>

namespace belay::bench {
namespace {

constexpr const char* belay_arc = "1.3.6.1.4.1.32473.1";
constexpr const char* bare_arc = "1.3.6.1.4.1.32473.2";
constexpr unsigned columns_of_an_application = 6;
constexpr unsigned bare_columns = 8;
constexpr auto snmp_patience = std::chrono::seconds(60);

struct SnmpBench {
    std::string folder = ".";
    unsigned rounds = 21;
    unsigned variables = 2000;
};

/// A port of UDP that nobody had a moment ago.
Result<int> free_port()
{
    const host::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket.number(), plain, size) != 0 || getsockname(socket.number(), plain, &size) != 0)
        return std::unexpected(system_error("find a port", errno));
    return ntohs(address.sin_port);
}

/// The command of one walk; `output`: where what it says goes.
std::vector<std::string> walk_command(int port, const char* arc, unsigned repetitions)
{
    return {"/usr/bin/snmpbulkwalk",
            "-v",
            "3",
            "-l",
            "authPriv",
            "-u",
            "manager",
            "-a",
            "SHA-256",
            "-A",
            "authentication",
            "-x",
            "AES",
            "-X",
            "confidential",
            "-m",
            "",
            "-M",
            "",
            "-On",
            fmt::format("-Cr{}", repetitions),
            fmt::format("127.0.0.1:{}", port),
            arc};
}

Result<size_t> count_variables(int port, const char* arc)
{
    std::string line = "MIBS= exec";
    for (const std::string& word : walk_command(port, arc, 50)) line += fmt::format(" '{}'", word);
    std::FILE* const pipe = popen((line + " 2>/dev/null").c_str(), "re");
    if (pipe == nullptr) return std::unexpected(system_error("run snmpbulkwalk", errno));
    size_t count = 0;
    std::array<char, 4096> room{};
    while (std::fgets(room.data(), room.size(), pipe) != nullptr)
        if (std::string_view(room.data()).find(" = ") != std::string_view::npos) ++count;
    pclose(pipe);
    return count;
}

Result<size_t> await_variables(int port, const char* arc, size_t wanted)
{
    const auto end = std::chrono::steady_clock::now() + snmp_patience;
    size_t count = 0;
    while (std::chrono::steady_clock::now() < end) {
        count = TRY(count_variables(port, arc));
        if (count >= wanted) return count;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return fail(ErrorKind::failed, fmt::format("below {} are {} variables, and not {}", arc, count, wanted));
}

Result<void> configure(const std::string& socket, const std::string& text)
{
    const auto end = std::chrono::steady_clock::now() + snmp_patience;
    auto client = site::connect({.socket = socket, .state_folder = "", .daemon = ""});
    while (!client && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        client = site::connect({.socket = socket, .state_folder = "", .daemon = ""});
    }
    if (!client) return std::unexpected(client.error());
    const Json plan = TRY((*client)->call("Plan", {{"procedure", "config.change"},
                                                   {"arguments", {{"text", text}}},
                                                   {"keep", true},
                                                   {"one_shot", true}}));
    TRY((*client)->call("Request", {{"operation", plan.at("operation")}, {"verb", "add"}}));
    return {};
}

std::string applications(unsigned count)
{
    std::string name(256, '\0');
    gethostname(name.data(), name.size());
    name.resize(name.find('\0'));
    std::string text = fmt::format("[host.\"{}\"]\naddress = \"127.0.0.1\"\n", name);
    for (unsigned i = 0; i < count; ++i)
        text += fmt::format(
            "[application.component-{:04}]\nhost = \"{}\"\ncommand = [\"/bin/true\"]\nautostart = false\n", i,
            name);
    return text;
}

/// Ends the supervisor that belayd has started, and that outlives it.
struct SupervisorEnd {
    std::string socket;

    ~SupervisorEnd()
    {
        const auto client = site::connect({.socket = socket, .state_folder = "", .daemon = ""});
        if (!client) return;
        const auto hello = (*client)->call("Hello", {{"version", BELAY_VERSION}});
        if (const pid_t pid = hello ? hello->value("pid", 0) : 0; pid > 1) kill(pid, SIGTERM);
    }
};

/// All threads of a process, and what it starts from now on.
Result<void> keep_on_one_processor(pid_t process)
{
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    std::error_code ignored;
    for (const auto& thread :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process), ignored)) {
        if (sched_setaffinity(std::stoi(thread.path().filename()), sizeof(first), &first) != 0)
            return std::unexpected(system_error("keep a process on one processor", errno));
    }
    return {};
}

struct WalkTimes {
    Nanoseconds mine, peer;  ///< medians
};

/// The two in turns, the first one first in every other round.
Result<WalkTimes> measure_walks(unsigned rounds, const std::array<std::vector<std::string>, 2>& commands)
{
    std::array<std::vector<Nanoseconds>, 2> taken;
    for (unsigned round = 0; round < rounds; ++round) {
        for (const unsigned turn : {0U, 1U}) {
            const unsigned which = (round + turn) % 2;
            const Stopwatch watch;
            TRY(run_to_end(commands[which]));
            taken[which].push_back(watch.taken().wall);
        }
    }
    return WalkTimes{.mine = median(taken[0]), .peer = median(taken[1])};
}

Result<void> measure_snmp(const SnmpBench& asked)
{
    const std::string here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const ScratchFolder folder = TRY(ScratchFolder::make(asked.folder));
    const int port = TRY(free_port());
    const std::string master = folder / "agentx", socket = folder / "run/belayd.sock";
    std::ofstream(folder / "snmpd.conf") << fmt::format(
        "agentAddress udp:127.0.0.1:{}\nmaster agentx\nagentXSocket {}\n"
        "createUser manager SHA-256 authentication AES confidential\nrouser manager authPriv\n",
        port, master);
    const SupervisorEnd ends_it{folder / "run/supervisor.sock"};
    setenv("SNMP_PERSISTENT_DIR", (folder / "kept").c_str(), 1);
    setenv("MIBS", "", 1);
    const Program belayd =
        TRY(Program::start({here + "/belayd", "--state-dir", folder / "state", "--socket", socket}));
    const Program snmpd = TRY(Program::start(
        {"/usr/sbin/snmpd", "-f", "-C", "-c", folder / "snmpd.conf", "-Lf", folder / "snmpd.log"}));
    const Program belay_snmp = TRY(Program::start(
        {here + "/belay-snmp", "--master", master, "--socket", socket, "--log-verbose", "none"}));
    const unsigned components = (asked.variables + columns_of_an_application - 1) / columns_of_an_application;
    TRY(configure(socket, applications(components)));
    const size_t ours = TRY(await_variables(port, belay_arc, asked.variables));
    const unsigned rows = static_cast<unsigned>(ours + bare_columns - 1) / bare_columns;
    const Program bare =
        TRY(Program::start({here + "/belay-bench-snmp-agent", master, std::to_string(rows)}));
    const size_t theirs = TRY(await_variables(port, bare_arc, ours));

    std::vector<Row> lines;
    for (const bool on_one : {false, true}) {
        // Belay, the bare sub-agent, snmpd and snmpbulkwalk: nobody is woken on another processor.
        for (const pid_t each : {belay_snmp.pid(), bare.pid(), snmpd.pid(), getpid()})
            if (on_one) TRY(keep_on_one_processor(each));
        const char* const where = on_one ? ", all on one processor" : "";
        for (const unsigned repetitions : {10U, 50U}) {
            const auto [mine, peer] =
                TRY(measure_walks(asked.rounds, {walk_command(port, belay_arc, repetitions),
                                                 walk_command(port, bare_arc, repetitions)}));
            lines.push_back({.name = fmt::format("{} variables, {} an answer{}", ours, repetitions, where),
                             .ours = to_milliseconds(mine),
                             .peer = to_milliseconds(peer),
                             .ratio = fmt::format("{:.2f}", seconds(peer) / seconds(mine)),
                             .mark = "100 ms",
                             .reached = mine <= std::chrono::milliseconds(100)});
        }
    }
    fmt::print("{}\nThe bare sub-agent has {} variables.\n", to_text(lines), theirs);
    return {};
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    belay::bench::SnmpBench asked;
    CLI::App app(
        "Measures walks over belay-snmp's variables and over those of a bare sub-agent of the same snmpd, in "
        "turns, and prints\na table in Markdown. bench/snmp installs and builds everything and runs it.");
    app.footer("Exit codes: 0 it was measured, 1 it could not be, 2 wrong arguments.");
    app.add_option("--folder", asked.folder, "Folder on the disk to work on")->capture_default_str();
    app.add_option("--rounds", asked.rounds, "How often each is measured")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--variables", asked.variables, "At least so many")
        ->check(CLI::Range(100, 100'000))
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    const auto measured = belay::bench::measure_snmp(asked);
    if (measured) return 0;
    fmt::print(stderr, "belay-bench-snmp: {}\n", measured.error().what);
    return 1;
}
