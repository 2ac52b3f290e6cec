#include "supervision_supervisors.h"

#include "framework/supervision/application.h"
#include "program.h"
#include "site/client.h"
#include "supervision_processes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr const char* runit_program = "/usr/bin/runsvdir";
constexpr const char* s6_program = "/usr/bin/s6-svscan";
constexpr const char* supervisord_program = "/usr/bin/supervisord";
constexpr auto patience = std::chrono::seconds(60);
constexpr auto look_for_end_every = std::chrono::milliseconds(2);

std::string component_of(const Ground& ground)
{
    return ground.programs + "/belay-bench-component";
}

/// A folder in memory, as /run is one: what supervisors write of their components there must not wait for a
/// disk. Goes away with its owner.
class MemoryFolder {
  public:
    static Result<std::unique_ptr<MemoryFolder>> make()
    {
        std::string name = "/dev/shm/belay-bench-XXXXXX";
        if (mkdtemp(name.data()) == nullptr)
            return std::unexpected(system_error("make a folder in /dev/shm", errno));
        return std::unique_ptr<MemoryFolder>(new MemoryFolder(name));
    }
    ~MemoryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    MemoryFolder(const MemoryFolder&) = delete;
    MemoryFolder& operator=(const MemoryFolder&) = delete;

    std::string operator/(std::string_view name) const { return fmt::format("{}/{}", path_, name); }
    const std::string& path() const { return path_; }

  private:
    explicit MemoryFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

/// By force, until none of ours is left.
void end_all_that_is_left()
{
    while (true) {
        std::set<pid_t> family = family_of(getpid());
        family.erase(getpid());
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        if (family.empty()) return;
        for (const pid_t process : family) kill(process, SIGKILL);
        usleep(std::chrono::microseconds(look_for_end_every).count());
    }
}

/// Both ends of a socket, of which a program gets one as its descriptor 3.
struct Line {
    host::Descriptor ours, theirs;
};
Result<Line> make_line()
{
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return std::unexpected(system_error("make a pair of sockets", errno));
    return Line{host::Descriptor(ends[0]), host::Descriptor(ends[1])};
}

Result<void> hear(const Line& line, std::string_view wanted)
{
    std::string said(wanted.size(), '\0');
    const ssize_t count = recv(line.ours.number(), said.data(), said.size(), MSG_WAITALL);
    if (count != static_cast<ssize_t>(said.size()) || said != wanted)
        return fail(ErrorKind::failed, fmt::format("a measured supervisor did not say \"{}\"", wanted));
    return {};
}

/// Started by its own program alone, which starts all that it finds.
class StartsAtOnce : public MeasuredSupervisor {
  public:
    /// `end`: the signal at which it ends its components as well.
    StartsAtOnce(std::unique_ptr<MemoryFolder> folder, std::vector<std::string> argv, int end)
        : folder_(std::move(folder)), argv_(std::move(argv)), end_(end)
    {
    }
    ~StartsAtOnce() override
    {
        if (program_) kill(program_->pid(), end_);
        program_.reset();
        end_all_that_is_left();
    }
    StartsAtOnce(const StartsAtOnce&) = delete;
    StartsAtOnce& operator=(const StartsAtOnce&) = delete;

    Result<void> start() override
    {
        Program program = TRY(Program::start(argv_));
        program_.emplace(std::move(program));
        return {};
    }
    pid_t pid() const override { return program_->pid(); }

  private:
    const std::unique_ptr<MemoryFolder> folder_;
    const std::vector<std::string> argv_;
    const int end_;
    std::optional<Program> program_;
};

/// A folder for each component, with the program `run` in it; as runit and s6 have it.
Result<void> make_service_folders(const Ground& ground, const std::string& folder)
{
    std::error_code problem;
    std::filesystem::create_directory(folder, problem);
    for (size_t i = 0; i < ground.components && !problem; ++i) {
        const std::string run = ground.folder / fmt::format("run-{}", i);
        const std::string service = fmt::format("{}/{}", folder, i);
        std::ofstream(run) << fmt::format("#!{} {}\n", component_of(ground),
                                          ground.beginnings.argument_of(i));
        chmod(run.c_str(), 0755);
        std::filesystem::create_directory(service, problem);
        // Programs in /dev/shm may be forbidden.
        if (!problem) std::filesystem::create_symlink(run, service + "/run", problem);
    }
    if (problem) return std::unexpected(system_error("make the folders of services", problem.value()));
    return {};
}

Result<std::unique_ptr<MeasuredSupervisor>> prepare_runit(const Ground& ground)
{
    std::unique_ptr<MemoryFolder> folder = TRY(MemoryFolder::make());
    const std::string services = *folder / "services";
    TRY(make_service_folders(ground, services));
    return std::make_unique<StartsAtOnce>(std::move(folder),
                                          std::vector<std::string>{runit_program, services}, SIGHUP);
}

Result<std::unique_ptr<MeasuredSupervisor>> prepare_s6(const Ground& ground)
{
    std::unique_ptr<MemoryFolder> folder = TRY(MemoryFolder::make());
    const std::string services = *folder / "services";
    TRY(make_service_folders(ground, services));
    const std::vector<std::string> argv = {s6_program, "-c", std::to_string(ground.components + 1), services};
    return std::make_unique<StartsAtOnce>(std::move(folder), argv, SIGTERM);
}

Result<std::unique_ptr<MeasuredSupervisor>> prepare_supervisord(const Ground& ground)
{
    std::unique_ptr<MemoryFolder> folder = TRY(MemoryFolder::make());
    const std::string configuration = *folder / "supervisord.conf";
    std::ofstream file(configuration);
    file << fmt::format(
        "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={}\n"
        "minfds={}\nuser=root\n",
        *folder / "pid", 100 + 6 * ground.components);
    for (size_t i = 0; i < ground.components; ++i) {
        file << fmt::format(
            "[program:{}]\ncommand={} {}\nstartsecs=0\nautorestart=true\nstopwaitsecs=5\n"
            "stdout_logfile=NONE\nstderr_logfile=NONE\n",
            i, component_of(ground), ground.beginnings.argument_of(i));
    }
    return std::make_unique<StartsAtOnce>(
        std::move(folder), std::vector<std::string>{supervisord_program, "-c", configuration}, SIGTERM);
}

class MeasuredLoop final : public MeasuredSupervisor {
  public:
    MeasuredLoop(Line line, Program program) : line_(std::move(line)), program_(std::move(program)) {}
    ~MeasuredLoop() override
    {
        program_.reset();
        end_all_that_is_left();
    }
    MeasuredLoop(const MeasuredLoop&) = delete;
    MeasuredLoop& operator=(const MeasuredLoop&) = delete;

    Result<void> start() override
    {
        if (write(line_.ours.number(), "1", 1) != 1)
            return std::unexpected(system_error("order the loop to start", errno));
        return hear(line_, "1");
    }
    pid_t pid() const override { return program_->pid(); }

  private:
    const Line line_;
    std::optional<Program> program_;
};

Result<std::unique_ptr<MeasuredSupervisor>> prepare_loop(const Ground& ground)
{
    Line line = TRY(make_line());
    std::vector<std::string> argv = {ground.programs + "/belay-bench-supervision", "--loop",
                                     component_of(ground)};
    for (size_t i = 0; i < ground.components; ++i) argv.push_back(ground.beginnings.argument_of(i));
    Program program = TRY(Program::start(argv, line.theirs.number()));
    return std::make_unique<MeasuredLoop>(std::move(line), std::move(program));
}

class MeasuredBelay final : public MeasuredSupervisor {
  public:
    MeasuredBelay(std::unique_ptr<MemoryFolder> folder, Program program, std::unique_ptr<site::Client> client)
        : folder_(std::move(folder)), program_(std::move(program)), client_(std::move(client))
    {
    }
    /// Its applications are forgotten first, so that no control group of theirs stays.
    ~MeasuredBelay() override
    {
        const Nanoseconds until = reading(CLOCK_MONOTONIC) + patience;
        bool is_empty =
            !client_->call("Describe", {{"applications", Json::array()}, {"whole", true}}).has_value();
        while (!is_empty && reading(CLOCK_MONOTONIC) < until) {
            usleep(std::chrono::microseconds(look_for_end_every).count());
            const auto left = client_->call("Standings", Json::object());
            is_empty = !left || left->at("applications").empty();
        }
        program_.reset();
        end_all_that_is_left();
    }
    MeasuredBelay(const MeasuredBelay&) = delete;
    MeasuredBelay& operator=(const MeasuredBelay&) = delete;

    Result<void> describe(const Ground& ground)
    {
        std::vector<framework::supervision::Application> applications(ground.components);
        for (size_t i = 0; i < ground.components; ++i) {
            applications[i].id = static_cast<int64_t>(i + 1);
            applications[i].name = fmt::format("component {}", i);
            applications[i].command = {component_of(ground), ground.beginnings.argument_of(i)};
            ids_.push_back(applications[i].id);
        }
        TRY(client_->call("Describe", {{"applications", applications}, {"whole", true}}));
        return {};
    }

    Result<void> start() override
    {
        TRY(client_->call("Order", {{"applications", ids_}, {"want", "running"}}));
        const Nanoseconds until = reading(CLOCK_MONOTONIC) + patience;
        while (reading(CLOCK_MONOTONIC) < until) {
            const Json standings = TRY(client_->call("Standings", Json::object()));
            const bool all = std::ranges::all_of(
                standings.at("applications"), [](const Json& one) { return one.at("phase") == "started"; });
            if (all) return {};
        }
        return fail(ErrorKind::timeout, "belay-supervisor does not say that all are started");
    }
    pid_t pid() const override { return program_->pid(); }

  private:
    const std::unique_ptr<MemoryFolder> folder_;
    std::optional<Program> program_;
    const std::unique_ptr<site::Client> client_;
    std::vector<framework::supervision::ApplicationId> ids_;
};

Result<std::unique_ptr<MeasuredSupervisor>> prepare_belay(const Ground& ground)
{
    std::unique_ptr<MemoryFolder> folder = TRY(MemoryFolder::make());
    Line line = TRY(make_line());
    const std::string socket = *folder / "supervisor.sock";
    Program program = TRY(Program::start({ground.programs + "/belay-supervisor", "--socket", socket,
                                          "--state-dir", *folder / "state", "--ready-fd", "3"},
                                         line.theirs.number()));
    line.theirs.close();
    TRY(hear(line, "ready\n"));
    std::unique_ptr<site::Client> client =
        TRY(site::connect({.socket = socket, .state_folder = "", .daemon = ""}));
    auto supervisor =
        std::make_unique<MeasuredBelay>(std::move(folder), std::move(program), std::move(client));
    TRY(supervisor->describe(ground));
    return supervisor;
}

}  // namespace

std::string_view name_of(SupervisorKind kind)
{
    constexpr std::array<std::string_view, 5> names = {"posix_spawn loop", "belay-supervisor", "runit", "s6",
                                                       "supervisord"};
    return names.at(static_cast<size_t>(kind));
}

std::vector<SupervisorKind> supervisors_here()
{
    std::vector<SupervisorKind> kinds = {SupervisorKind::loop, SupervisorKind::belay};
    const auto add = [&](SupervisorKind kind, const char* program) {
        if (access(program, X_OK) == 0) kinds.push_back(kind);
    };
    add(SupervisorKind::runit, runit_program);
    add(SupervisorKind::s6, s6_program);
    add(SupervisorKind::supervisord, supervisord_program);
    return kinds;
}

Result<std::unique_ptr<MeasuredSupervisor>> prepare(SupervisorKind kind, const Ground& ground)
{
    switch (kind) {
        case SupervisorKind::loop:
            return prepare_loop(ground);
        case SupervisorKind::belay:
            return prepare_belay(ground);
        case SupervisorKind::runit:
            return prepare_runit(ground);
        case SupervisorKind::s6:
            return prepare_s6(ground);
        case SupervisorKind::supervisord:
            return prepare_supervisord(ground);
    }
    return fail(ErrorKind::usage, "there is no such supervisor");
}

Result<void> adopt_orphans()
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return std::unexpected(system_error("adopt orphans", errno));
    return {};
}

}  // namespace belay::bench
