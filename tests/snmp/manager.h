#pragma once
// For tests: Debian's snmpd as the master agent, belay-snmp, and managers that ask by SNMPv3.

#include "host/descriptor.h"
#include "modules.h"
#include "supervision/machine.h"

#include <map>
#include <netinet/in.h>
#include <sys/socket.h>

namespace belay::testing {

/// A port of UDP that nobody had a moment ago.
inline int free_udp_port()
{
    const host::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(socket.number(), plain, size) == 0);
    REQUIRE(getsockname(socket.number(), plain, &size) == 0);
    return ntohs(address.sin_port);
}

template <typename Holds>
void await_that(const char* what, const Holds& holds)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!holds()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, std::string(what));
        usleep(50'000);
    }
}

/// A machine with snmpd and belay-snmp, which end with it.
class ManagedMachine : public Machine {
  public:
    /// Whether somebody receives traps and informs; for them snmpd waits at its start.
    enum class Receiver { none, there };

    /// `options`: of belay-snmp; `as`: by what it is started.
    explicit ManagedMachine(const std::vector<std::string>& options = {},
                            const std::vector<std::string>& as = {}, Receiver receiver = Receiver::none)
        : port_(free_udp_port()), trap_port_(free_udp_port())
    {
        std::filesystem::create_directories(path("snmp"));
        std::ofstream(path("snmp/snmpd.conf")) << fmt::format(
            "agentAddress udp:127.0.0.1:{}\n"
            "master agentx\n"
            "agentXSocket {}\n"
            "agentXPerms 0666 0711\n"
            "createUser manager SHA-256 authentication AES confidential\n"
            "createUser reader SHA-256 authentication AES confidential\n"
            "rwuser manager authPriv\n"
            "rouser reader authPriv\n"
            "createUser plain SHA-256 authentication\n"
            "rouser plain auth\n"
            "rocommunity everybody\n",
            port_, path("snmp/agentx"));
        if (receiver == Receiver::there) {
            std::ofstream(path("snmp/snmpd.conf"), std::ios::app) << fmt::format(
                "trapsess -v 3 -e 0x8000000001020304 {0} 127.0.0.1:{1}\n"
                "trapsess -Ci -v 3 {0} 127.0.0.1:{1}\n",
                as_receiver, trap_port_);
            start_receiver();
        }
        start_snmpd();
        std::vector<std::string> words = as;
        for (const std::string& word : {std::string(TEST_SNMP), std::string("--master"), path("snmp/agentx"),
                                        std::string("--socket"), path("run/belayd.sock")})
            words.push_back(word);
        words.insert(words.end(), options.begin(), options.end());
        agent_ = daemon::testing::start_and_await_ready(words);
    }
    ~ManagedMachine()
    {
        kill(agent_, SIGTERM);
        CHECK(daemon::testing::code_of(agent_) == 0);
        for (const pid_t pid : {snmpd_, receiver_}) {
            if (pid <= 0) continue;
            kill(pid, SIGTERM);
            daemon::testing::await_end_of(pid);
        }
    }

    void start_snmpd()
    {
        snmpd_ = daemon::testing::spawn(
            {"/usr/sbin/snmpd", "-f", "-C", "-c", path("snmp/snmpd.conf"), "-Lf", path("snmp/snmpd.log")},
            environment(), {});
    }
    void kill_snmpd()
    {
        kill(snmpd_, SIGKILL);
        waitpid(std::exchange(snmpd_, 0), nullptr, 0);
    }
    pid_t agent() const { return agent_; }
    int port() const { return port_; }

    /// Traps and informs, a line for each.
    std::string received() const { return text_of(path("snmp/received")); }

    /// One of net-snmp's commands, by SNMPv3. `more`: what comes behind the address.
    Ran ask(const std::string& command, const std::vector<std::string>& more,
            const std::string& user = "manager") const
    {
        std::vector<std::string> words = {"/usr/bin/" + command, "-v", "3", "-l", "authPriv", "-u", user,
                                          "-a", "SHA-256", "-A", "authentication", "-x", "AES", "-X",
                                          "confidential", "-t", "1", "-r", "30", "-M", modules(), "-m",
                                          "BELAY-MIB", "-OQs",
                                          // What is wrong is for the agent to say.
                                          "-Ir", fmt::format("127.0.0.1:{}", port_)};
        words.insert(words.end(), more.begin(), more.end());
        return daemon::testing::run_to_end(words, "", environment());
    }
    /// All of it, as "belayApplicationPhase.'web'" and "started".
    std::map<std::string, std::string> walk(const std::string& command = "snmpbulkwalk") const
    {
        const Ran walked = ask(command, {"belayMIB"});
        std::map<std::string, std::string> all;
        std::istringstream lines(walked.out);
        for (std::string line; std::getline(lines, line);) {
            const size_t middle = line.find(" = ");
            if (middle != std::string::npos) all[line.substr(0, middle)] = line.substr(middle + 3);
        }
        return all;
    }
    std::string value(const std::string& name) const
    {
        Ran got = ask("snmpget", {"-Ov", name});
        while (got.out.ends_with('\n')) got.out.pop_back();
        return got.out;
    }
    std::string snmpd_said() const { return text_of(path("snmp/snmpd.log")); }

  private:
    static constexpr const char* as_receiver =
        "-l authPriv -u receiver -a SHA-256 -A authentication -x AES -X confidential";

    static std::string modules() { return standard_modules() + ":" TEST_MODULES; }
    std::vector<std::string> environment() const
    {
        // Without the modules that its own look for, and complain about.
        return {daemon::testing::plain_path, "MIBS=", "SNMP_PERSISTENT_DIR=" + path("snmp/kept"),
                "SNMPCONFPATH=" + path("snmp")};
    }

    void start_receiver()
    {
        std::ofstream(path("snmp/snmptrapd.conf"))
            << "createUser -e 0x8000000001020304 receiver SHA-256 authentication AES confidential\n"
               "createUser receiver SHA-256 authentication AES confidential\n"
               "authUser log receiver authPriv\n";
        receiver_ =
            daemon::testing::spawn({"/usr/sbin/snmptrapd", "-f", "-C", "-c", path("snmp/snmptrapd.conf"),
                                    "-Lf", path("snmp/received"), "-M", modules(), "-m", "BELAY-MIB", "-OQs",
                                    "-F", "%P: %v\\n", fmt::format("udp:127.0.0.1:{}", trap_port_)},
                                   environment(), {});
    }

    const int port_, trap_port_;
    pid_t snmpd_ = 0, agent_ = 0, receiver_ = 0;
};

}  // namespace belay::testing
