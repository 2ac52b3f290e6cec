#include "operation/gates.h"

#include "base/json.h"
#include "host/real.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

using namespace std::chrono_literals;

Finding ask(const Gate& gate)
{
    Catalogue catalogue;
    add_gate_conditions(catalogue);
    const auto host = host::real_host();
    const Result<Finding> finding = catalogue.ask(*host, gate.question);
    REQUIRE(finding);
    return *finding;
}

TEST_CASE("a gate that a person wrote becomes a question with its arguments")
{
    const Gate command = *parse_gate("command: pg_isready  -h db", 30s);
    CHECK(command.question.condition == "gate.command");
    CHECK(command.question.arguments == Json{{"argv", {"pg_isready", "-h", "db"}}});
    const Gate tcp = *parse_gate("tcp:db:5432", 30s);
    CHECK(tcp.question.arguments == Json{{"host", "db"}, {"port", 5432}});
    const Gate six = *parse_gate("tcp:[::1]:5432", 30s);
    CHECK(six.question.arguments == Json{{"host", "::1"}, {"port", 5432}});
    const Gate http = *parse_gate("https://db/health", 30s);
    CHECK(http.question.arguments == Json{{"url", "https://db/health"}});
    CHECK(http.name == "https://db/health");
}

TEST_CASE("a gate is asked three times within its grace, but neither all the time nor hardly ever")
{
    CHECK(parse_gate("tcp:db:1", 15s)->every == 5s);
    CHECK(parse_gate("tcp:db:1", 1s)->every == 1s);
    CHECK(parse_gate("tcp:db:1", 1h)->every == 10s);
    CHECK(parse_gate("tcp:db:1", 1h)->grace == 1h);
}

TEST_CASE("what is no gate is refused, with the forms that there are")
{
    for (const char* text : {"", "db:5432", "tcp:db", "tcp:db:", "tcp:db:0", "tcp:db:65536", "tcp:db:5x",
                             "tcp::80", "tcp:::1:80", "tcp:-e:80",
                             "command:", "command:  ", "command:/bin/true", "http:db", "http://a b"}) {
        CAPTURE(text);
        const Result<Gate> gate = parse_gate(text, 30s);
        REQUIRE(!gate);
        CHECK(gate.error().kind == ErrorKind::usage);
        CHECK(gate.error().next.contains("tcp:HOST:PORT"));
    }
}

TEST_CASE("a command gate holds while the command ends well")
{
    CHECK(ask(*parse_gate("command:true", 30s)).verdict == Verdict::pass);
    const Finding broken = ask(*parse_gate("command:ls /none/such", 30s));
    CHECK(broken.verdict == Verdict::fail);
    CHECK(broken.found.contains("/none/such"));
    CHECK(broken.mend == "ls /none/such");
}

TEST_CASE("a gate on a port where nobody listens is broken, and so is one on a page that is not there")
{
    CHECK(ask(*parse_gate("tcp:127.0.0.1:1", 30s)).verdict == Verdict::fail);
    CHECK(ask(*parse_gate("http://127.0.0.1:1/", 30s)).verdict == Verdict::fail);
}

TEST_CASE("a journal with a gate that makes no sense gives an error and not a verdict")
{
    Catalogue catalogue;
    add_gate_conditions(catalogue);
    const auto host = host::real_host();
    CHECK(!catalogue.ask(*host, {"gate.command", {{"argv", 7}}}));
    CHECK(!catalogue.ask(*host, {"gate.tcp", Json::object()}));
}

}  // namespace
}  // namespace belay::operation
