#include "pair.h"

#include "stand_ins.h"

#include <array>
#include <thread>

namespace belay::testing {
namespace {

using namespace std::chrono_literals;

constexpr size_t alpha = 0, web1 = 1, web2 = 2;
constexpr std::array traced_names = {"", "server", "server-backup"};  // by host
constexpr auto lasts = 1500ms;                                        // what is frozen or cut for a while
constexpr auto between_looks_at_acts = 20ms;

constexpr std::string_view site_of_pair = R"(
[host.alpha]
address = "10.77.0.1"

[host.web1]
address = "10.77.0.2"
heartbeat_interval = "500ms"
heartbeat_timeout = "3s"

[host.web2]
address = "10.77.0.3"
heartbeat_interval = "500ms"
heartbeat_timeout = "3s"

[application.server]
host = "web1"
command = ["belay-stand-in", "--name", "server", "--trace", "/run/trace", "--one-clock", "--act-every", "5",
           "--heartbeat", "50", "--port", "5002"]
readiness = { kind = "notify" }
heartbeat = "300ms"
orders = { kind = "pipe" }

[application."server backup"]
host = "web2"
command = ["belay-stand-in", "--name", "server-backup", "--trace", "/run/trace", "--one-clock", "--act-every", "5",
           "--heartbeat", "50", "--port", "5003"]

[pair.servers]
primary = "server"
backup = "server backup"
redundancy = "hot"
lease = "500ms"
)";

std::string application_on(size_t host)
{
    return host == web1 ? "server" : "server backup";
}

}  // namespace

std::string_view name_of(Fault fault)
{
    constexpr std::array fault_names = {
        "killed",  "killed without a controller", "switched over", "frozen", "host frozen", "link cut",
        "host cut"};
    return fault_names.at(static_cast<size_t>(fault));
}

PairUnderFaults::PairUnderFaults()
    : stack_({"alpha", "web1", "web2"}, std::string(site_of_pair)),
      counts_of_a_millisecond_(lab::counts_of_a_millisecond())
{
}

void PairUnderFaults::await_whole()
{
    std::string last;
    const bool is_whole = Stack::await_that([&] {
        const auto all = stack_.applications(alpha);
        std::map<std::string, int> roles;
        last.clear();
        for (const size_t host : {web1, web2}) {
            const auto found = all.find(application_on(host));
            if (found == all.end()) return false;
            last += found->second.dump() + '\n';
            if (found->second.value("phase", "") == "started") ++roles[found->second.value("role", "")];
        }
        return roles["primary"] == 1 && roles["backup"] == 1;
    });
    REQUIRE_MESSAGE(is_whole, last);
}

size_t PairUnderFaults::host_of_serving()
{
    for (const auto& [name, application] : stack_.applications(alpha)) {
        if (application.value("role", "") == "primary") return name == application_on(web1) ? web1 : web2;
    }
    FAIL("nobody serves");
    return 0;
}

/// Adds what it has written to what is known, and lets it begin anew.
void PairUnderFaults::take_trace(size_t host)
{
    traces_ +=
        need(stack_.site().run(host, {"sh", "-c", "cat \"$1\" && : >\"$1\"", "sh", lab::trace_of_stand_ins}));
}

bool PairUnderFaults::has_acted(size_t host)
{
    return need(stack_.site().host(host).run({"grep", "-q", " acts", lab::trace_of_stand_ins})).exit_code ==
           0;
}

void PairUnderFaults::begin(Fault fault, size_t host, pid_t pid)
{
    switch (fault) {
        case Fault::killed_alone:
            need(stack_.site().kill_daemon(alpha));
            [[fallthrough]];
        case Fault::killed:
            return stack_.kill(host, pid);
        case Fault::switched: {
            const host::Outcome done = need(stack_.site().belay(alpha, {"app", "switch-over", "servers"}));
            REQUIRE_MESSAGE(done.exit_code == 0, done.out, done.err);
            return;
        }
        case Fault::frozen:
            return stack_.kill(host, pid, "STOP");
        case Fault::host_frozen:
            return stack_.site().host(host).freeze();
        case Fault::link_cut:
            return need(stack_.site().set_link(host, false));
        case Fault::host_cut:
            return stack_.site().power_cut(host);
    }
}

void PairUnderFaults::end(Fault fault, size_t host, pid_t pid)
{
    switch (fault) {
        case Fault::killed:
        case Fault::switched:
            return;
        case Fault::killed_alone:
            return need(stack_.site().start_daemon(alpha));
        case Fault::frozen:
            // Where it was ended meanwhile there is nobody to wake up.
            static_cast<void>(
                stack_.site().host(host).run({"kill", "-CONT", fmt::format("{}", pid)}).has_value());
            return;
        case Fault::host_frozen:
            return stack_.site().host(host).thaw();
        case Fault::link_cut:
            return need(stack_.site().set_link(host, true));
        case Fault::host_cut:
            need(stack_.site().boot(host));
            return need(stack_.site().start_daemon(host));
    }
}

Takeover PairUnderFaults::meet(Fault fault)
{
    await_whole();
    const size_t host = host_of_serving(), other = host == web1 ? web2 : web1;
    const pid_t pid = stack_.applications(alpha)[application_on(host)].value("pid", pid_t{0});
    take_trace(other);
    take_trace(host);
    const auto begun = std::chrono::steady_clock::now();
    const int64_t counted = lab::processor_clock();
    begin(fault, host, pid);
    const bool has_taken_over = Stack::await_that([&] {
        if (has_acted(other)) return true;
        std::this_thread::sleep_for(between_looks_at_acts);
        return false;
    });
    // A while of both: the one that wakes up, and the one that has taken over.
    std::this_thread::sleep_until(begun + lasts);
    end(fault, host, pid);
    await_whole();
    for (const size_t one : {host, other}) take_trace(one);
    happened_ = stand_in::happened_in(traces_);
    REQUIRE_MESSAGE(has_taken_over, name_of(fault), ": nobody has taken over");

    const auto reigns = stand_in::reigns_of(happened_, {traced_names[web1], traced_names[web2]});
    const auto next = std::ranges::find_if(
        reigns.rbegin(), reigns.rend(), [&](const auto& reign) { return reign.name == traced_names[host]; });
    REQUIRE(next != reigns.rend());
    REQUIRE(next != reigns.rbegin());
    // What it wrote last has gone with the memory of its host.
    const int64_t last = fault == Fault::host_cut ? counted : next->last;
    const auto gap = static_cast<double>(std::prev(next)->first - last);
    return {.fault = fault, .milliseconds = gap / counts_of_a_millisecond_};
}

const std::vector<Happened>& PairUnderFaults::happened()
{
    return happened_;
}

void PairUnderFaults::check_hands()
{
    for (const size_t host : {alpha, web1, web2}) stack_.check_hands(host);
}

}  // namespace belay::testing
