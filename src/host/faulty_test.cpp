#include "host/faulty.h"

#include <doctest/doctest.h>

namespace belay::host {
namespace {

/// Knows one file, "/f", that holds what was last written; every command succeeds.
class OneFile final : public Host {
  public:
    std::string text = "old";
    int commands = 0;

    Result<Outcome> run(const Command&) override
    {
        ++commands;
        return Outcome{.exit_code = 0, .out = {}, .err = {}};
    }
    Result<std::string> read(std::string_view, Bytes) override { return text; }
    Result<void> write(std::string_view, std::string_view written) override { return put(written); }
    Result<void> replace(std::string_view, std::string_view written) override { return put(written); }
    Result<void> remove(std::string_view) override { return put(""); }
    Result<std::vector<std::string>> list(std::string_view) override { return std::vector<std::string>{"f"}; }
    Result<std::string> resolve(std::string_view path) override { return std::string(path); }
    Result<std::string> read_at(std::string_view, Bytes offset, Bytes size) override
    {
        return text.substr(offset.count, size.count);
    }
    Result<void> write_at(std::string_view, Bytes, std::string_view bytes) override { return put(bytes); }
    Result<Space> space(std::string_view) override { return Space{}; }
    Result<Moment> now() override { return Moment{.wall = {}, .boot = {}, .boot_id = "b"}; }
    Result<std::string> random(size_t count) override { return std::string(count, 'r'); }

  private:
    Result<void> put(std::string_view written)
    {
        text = written;
        return {};
    }
};

/// Every call once, in the order of host.h; the kinds of the errors, "-" where there was none.
std::string every_call(Host& host)
{
    std::string kinds;
    const auto note = [&](const auto& result) {
        kinds += result ? "- " : fmt::format("{} ", name_of(result.error().kind));
    };
    note(host.run({.argv = {"look"}}));
    note(host.run({.argv = {"mdadm", "--stop"}, .effect = Effect::changes}));
    note(host.read("/f"));
    note(host.write("/f", "check"));
    note(host.replace("/f", "new"));
    note(host.remove("/f"));
    note(host.list("/"));
    note(host.resolve("/f"));
    note(host.read_at("/f", Bytes{0}, Bytes{0}));
    note(host.write_at("/f", Bytes{512}, "disk"));
    note(host.space("/"));
    note(host.now());
    note(host.random(4));
    return kinds;
}
constexpr size_t calls = 13;

TEST_CASE("without a fault every contact is passed on, counted and written down")
{
    OneFile machine;
    FaultyHost host(machine);
    CHECK(every_call(host) == "- - - - - - - - - - - - - ");
    CHECK(host.contacts() == calls);
    CHECK(host.changes() == 5);
    CHECK(machine.text == "disk");
    CHECK(machine.commands == 2);
    CHECK(host.log() ==
          "1 reads: run look\n"
          "2 changes: run mdadm --stop\n"
          "3 reads: read /f\n"
          "4 changes: write /f: check\n"
          "5 changes: replace /f\n"
          "6 changes: remove /f\n"
          "7 reads: list /\n"
          "8 reads: resolve /f\n"
          "9 reads: read_at /f from 0, 0 B\n"
          "10 changes: write_at /f from 512, 4 B\n"
          "11 reads: space /\n"
          "12 reads: now\n"
          "13 reads: random 4 B\n");
}

TEST_CASE("each contact in turn is refused, and it alone")
{
    for (size_t at = 1; at <= calls; ++at) {
        CAPTURE(at);
        OneFile machine;
        FaultyHost host(machine, Fault{Fault::Kind::refuse, at});
        std::string expected;
        for (size_t i = 1; i <= calls; ++i) expected += i != at ? "- " : i <= 2 ? "failed " : "io ";
        CHECK(every_call(host) == expected);
        CHECK(host.contacts() == calls);
        CHECK(machine.commands == (at <= 2 ? 1 : 2));
    }
}

TEST_CASE("a refused change did not happen, a lost one did, and nobody is told")
{
    for (const Fault::Kind kind : {Fault::Kind::refuse, Fault::Kind::lost}) {
        OneFile machine;
        FaultyHost host(machine, Fault{kind, 1});
        const auto written = host.write("/f", "new");
        const bool lost = kind == Fault::Kind::lost;
        CHECK(written.error().kind == (lost ? ErrorKind::lost : ErrorKind::io));
        CHECK(machine.text == (lost ? "new" : "old"));
        CHECK(host.log() ==
              (lost ? "1 changes: write /f: new (lost)\n" : "1 changes: write /f: new (refused)\n"));
    }
}

TEST_CASE("each reading answer in turn is lost")
{
    for (size_t at = 1; at <= calls; ++at) {
        CAPTURE(at);
        OneFile machine;
        FaultyHost host(machine, Fault{Fault::Kind::lost, at});
        std::string expected;
        for (size_t i = 1; i <= calls; ++i) expected += i == at ? "lost " : "- ";
        CHECK(every_call(host) == expected);
        CHECK(machine.text == "disk");
        CHECK(machine.commands == 2);
    }
}

TEST_CASE("from the death on nothing reaches the machine, and it lasts")
{
    for (size_t at = 1; at <= calls; ++at) {
        CAPTURE(at);
        OneFile machine;
        FaultyHost host(machine, Fault{Fault::Kind::dead, at});
        std::string expected;
        for (size_t i = 1; i <= calls; ++i) expected += i >= at ? "dead " : "- ";
        CHECK(every_call(host) == expected);
        machine.text = "as it was";
        CHECK(host.replace("/f", "late").error().kind == ErrorKind::dead);
        CHECK(machine.text == "as it was");
        CHECK(host.contacts() == calls + 1);
    }
}

TEST_CASE("a fault beyond the last contact changes nothing: the loop knows that it is through")
{
    OneFile machine;
    FaultyHost host(machine, Fault{Fault::Kind::dead, calls + 1});
    CHECK(every_call(host) == "- - - - - - - - - - - - - ");
    CHECK(host.contacts() == calls);
}

}  // namespace
}  // namespace belay::host
