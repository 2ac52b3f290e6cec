#pragma once
// For tests: a PostgreSQL primary and its standby for real, and clients that keep what was acknowledged.

#include "load.h"
#include "store/scratch_folder.h"
#include "upgrade/driver/look_text.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

namespace belay::testing {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using upgrade::driver::Look;
using upgrade::driver::Role;

inline constexpr const char* debian_programs = "/usr/lib/postgresql/15/bin";
inline constexpr const char* clients = "4";

inline bool has_postgresql()
{
    if (geteuid() == 0 && access("/usr/lib/postgresql/15/bin/postgres", X_OK) == 0) return true;
    MESSAGE("not root, or no postgresql-15 (packaging/install-needs test): no pair is moved");
    return false;
}

class PostgresqlPair {
  public:
    /// The folder of the programs that a member runs: Debian's, or that of an image.
    using Programs = std::function<std::string(char member)>;

    explicit PostgresqlPair(Programs programs = [](char) { return std::string(debian_programs); })
        : programs_(std::move(programs))
    {
        const std::string program = TEST_DRIVERS "/postgresql_pair";
        const Ran made =
            run_to_end({program, path(""), programs_('a'), port_of('a'), port_of('b'), programs_('b')});
        REQUIRE_MESSAGE(made.code == 0, made.said);
    }
    ~PostgresqlPair()
    {
        for (const char member : {'a', 'b'}) cut_power(member);
    }
    PostgresqlPair(const PostgresqlPair&) = delete;
    PostgresqlPair& operator=(const PostgresqlPair&) = delete;

    static std::string port_of(char member) { return member == 'a' ? "7011" : "7012"; }
    static char other_of(char member) { return member == 'a' ? 'b' : 'a'; }
    std::string path(const std::string& name) const { return folder_ / name; }

    /// The driver with its arguments, up to the verb; by the programs of its image where none are told.
    std::vector<std::string> words(char member, const std::vector<std::string>& more) const
    {
        const std::string name(1, member);
        std::vector<std::string> all = {
            TEST_DRIVER,
            "postgresql",
            "--data",
            path(name),
            "--port",
            port_of(member),
            "--socket-dir",
            path("sockets"),
            "--log",
            path("sockets/" + name + ".log"),
            "--peer",
            fmt::format("host=127.0.0.1 port={} user=belay dbname=postgres passfile={}",
                        port_of(other_of(member)), path("pass"))};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    Ran driver(char member, const std::vector<std::string>& verb) const
    {
        return run_to_end(with_programs(member, verb));
    }
    std::vector<std::string> with_programs(char member, const std::vector<std::string>& verb) const
    {
        std::vector<std::string> more = {"--bin", programs_(member)};
        more.insert(more.end(), verb.begin(), verb.end());
        return words(member, more);
    }
    Look look(char member) const
    {
        const Ran looked = driver(member, {"look"});
        REQUIRE_MESSAGE(looked.code == 0, looked.said);
        const auto look = upgrade::driver::parse_look(looked.out);
        REQUIRE_MESSAGE(look.has_value(), looked.out);
        return *look;
    }
    /// Waits for one that serves, and one that is hot; which serves.
    char settle() const
    {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (true) {
            const Look a = look('a'), b = look('b');
            CHECK_FALSE((a.role == Role::active && b.role == Role::active));
            if (a.role == Role::active && b.role == Role::standby && a.hot && b.hot) return 'a';
            if (b.role == Role::active && a.role == Role::standby && a.hot && b.hot) return 'b';
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, "a ", a.says, ", b ", b.says);
        }
    }
    Ran sql(char member, const std::string& text) const
    {
        return as_postgres({programs_(member) + "/psql", "-XAtqw", "-h", path("sockets"), "-p",
                            port_of(member), "-d", "postgres", "-c", text});
    }
    /// All its processes are gone at once, also those that a killed driver had begun.
    void cut_power(char member) const
    {
        const std::string data = path(std::string(1, member));
        pid_t postmaster = 0;
        std::ifstream(data + "/postmaster.pid") >> postmaster;
        for (bool is_any = true; is_any;) {
            is_any = false;
            for (const auto& process : std::filesystem::directory_iterator("/proc")) {
                const pid_t pid = std::atoi(process.path().filename().c_str());
                if (pid <= 0 || !is_of(process.path(), data)) continue;
                is_any = true;
                kill(pid, SIGKILL);
            }
        }
        // Its number is taken until somebody has asked how it ended; the next would take it for alive.
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (postmaster > 0 && kill(postmaster, 0) == 0 && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    Ran stop(char member) const
    {
        return as_postgres(
            {programs_(member) + "/pg_ctl", "-D", path(std::string(1, member)), "-m", "fast", "-w", "stop"});
    }
    /// As at a boot.
    void boot(char member) const
    {
        const std::string name(1, member);
        const Ran started = as_postgres(
            {programs_(member) + "/pg_ctl", "-D", path(name), "-l", path("sockets/" + name + ".log"), "-o",
             fmt::format("-p {} -k {}", port_of(member), path("sockets")), "-w", "start"});
        CHECK_MESSAGE(started.code == 0, started.said);
    }

  private:
    /// It works in the folder, or has it among its arguments.
    static bool is_of(const std::filesystem::path& process, const std::string& data)
    {
        std::error_code gone;
        if (std::filesystem::read_symlink(process / "cwd", gone) == data) return true;
        std::ifstream file(process / "cmdline");
        for (std::string word; std::getline(file, word, '\0');) {
            if (word == data) return true;
        }
        return false;
    }
    static Ran as_postgres(std::vector<std::string> words)
    {
        words.insert(words.begin(),
                     {"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"});
        return run_to_end(words);
    }

    const Programs programs_;
    store::ScratchFolder folder_;
};

/// Clients that write as long as it is there.
inline Load load_of_clients()
{
    return Load({TEST_DRIVERS "/load", PostgresqlPair::port_of('a'), PostgresqlPair::port_of('b'), clients});
}

/// Every number that was acknowledged is there once, on both.
inline void check_nothing_lost(Load& load)
{
    Json told = load.end();
    std::vector<int> gaps = told.at("gaps_ms");
    std::ranges::sort(gaps);
    MESSAGE(told.at("acknowledged").dump(), " acknowledged, ", told.at("unknown").dump(),
            " of unknown outcome, of which ", told.at("was_there").dump(),
            " were there; gaps over 100 ms: ", gaps.size(), ", half of them under ",
            gaps.empty() ? 0 : gaps[gaps.size() / 2], " ms, the longest ", gaps.empty() ? 0 : gaps.back(),
            " ms");
    CHECK(told.at("missing") == 0);
    CHECK(told.at("doubled") == 0);
    CHECK(told.at("acknowledged") > 0);
}

}  // namespace belay::testing
