// What Prometheus gets: belay-metrics beside a real belayd, asked by curl, and looked at by promtool.

#include "daemon/testing/run.h"
#include "host/testing/scratch.h"

#include <csignal>
#include <netinet/in.h>
#include <sys/socket.h>

namespace belay {
namespace {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using host::testing::Scratch;

/// A port that nobody had a moment ago.
int free_port()
{
    const host::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(socket.number(), plain, size) == 0);
    REQUIRE(getsockname(socket.number(), plain, &size) == 0);
    return ntohs(address.sin_port);
}

class Machine {
  public:
    Machine()
        : address_(fmt::format("127.0.0.1:{}", free_port())),
          metrics_(daemon::testing::start_and_await_ready(
              {TEST_METRICS, "--listen", address_, "--socket", scratch_.path("run/belayd.sock"),
               "--messages-socket", scratch_.path("run/messages.sock")}))
    {
    }
    ~Machine()
    {
        stop_belayd();
        kill(metrics_, SIGTERM);
        daemon::testing::await_end_of(metrics_);
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    void start_belayd()
    {
        belayd_ = daemon::testing::start_and_await_ready({TEST_BELAYD, "--state-dir", scratch_.path("state"),
                                                          "--socket", scratch_.path("run/belayd.sock")});
    }
    void stop_belayd()
    {
        if (belayd_ <= 0) return;
        kill(belayd_, SIGTERM);
        daemon::testing::await_end_of(std::exchange(belayd_, 0));
    }

    std::string scrape() const
    {
        const Ran got = run_to_end({"/usr/bin/curl", "--silent", "--show-error", "--fail", "--max-time", "60",
                                    "--noproxy", "*", fmt::format("http://{}/metrics", address_)});
        REQUIRE_MESSAGE(got.code == 0, got.said);
        return got.out;
    }
    const std::string& address() const { return address_; }

  private:
    Scratch scratch_;
    std::string address_;
    pid_t metrics_ = 0, belayd_ = 0;
};

TEST_CASE("Prometheus gets figures of a daemon that comes, goes and comes, and promtool has nothing to say")
{
    Machine machine;
    CHECK(machine.scrape().find("\nbelay_up 0\n") != std::string::npos);
    for (int round = 0; round < 2; ++round) {
        machine.start_belayd();
        const std::string text = machine.scrape();
        INFO(text);
        CHECK(text.find("\nbelay_up 1\n") != std::string::npos);
        CHECK(text.find("\nbelay_host_memory_total_bytes{host=") != std::string::npos);
        CHECK(text.find("\nbelay_storage_findings{severity=\"critical\"} ") != std::string::npos);
        CHECK(text.find("\nbelay_alarms{alarm=\"host-disk\",severity=\"minor\",state=\"raised\"} 0\n") !=
              std::string::npos);
        CHECK(text.find("\nbelay_messages_store_usable 1\n") != std::string::npos);
        const Ran checked = run_to_end({"/usr/bin/promtool", "check", "metrics"}, text);
        CHECK_MESSAGE(checked.code == 0, checked.said);
        CHECK(checked.said.empty());
        machine.stop_belayd();
        CHECK(machine.scrape().find("\nbelay_up 0\n") != std::string::npos);
    }
}

TEST_CASE("an address that is taken, and one that is none, are said in one sentence")
{
    const Machine machine;
    const Ran taken = run_to_end({TEST_METRICS, "--listen", machine.address()});
    CHECK(taken.code == 1);
    CHECK(taken.said.find(fmt::format("cannot listen at {}", machine.address())) != std::string::npos);
    const Ran wrong = run_to_end({TEST_METRICS, "--listen", "nowhere"});
    CHECK(wrong.code == 2);
    CHECK(wrong.said.find("--listen nowhere is no HOST:PORT") != std::string::npos);
}

}  // namespace
}  // namespace belay
