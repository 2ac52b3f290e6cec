// A mirror grows onto larger disks on a real kernel, under load: committed, aborted by a person, by the timer
// and by a gate, and with the power cut around the records of its journal.

#include "base/json.h"
#include "base/testing/must.h"
#include "sampling.h"
#include "trial.h"

#include <csignal>

namespace belay::trial {
namespace {

using Words = std::vector<std::string>;

const Words grow = {"array.grow",  "--array",   Subject::array, "--leaving",
                    "LAB-a,LAB-b", "--joining", "LAB-c,LAB-d"};

uint64_t size_of_data(lab::Mirror& mirror)
{
    return std::stoull(must(mirror.run(
        {"findmnt", "--noheadings", "--bytes", "--output", "SIZE", "--target", lab::Mirror::data})));
}

std::string detail_of(lab::Mirror& mirror)
{
    return must(mirror.run({"mdadm", "--detail", mirror.array()}));
}

Result<std::string> wrong_with(lab::Mirror& mirror, const std::string& state)
{
    const bool committed = state == "committed";
    const std::string detail = detail_of(mirror);
    for (const char* serial : {"LAB-a", "LAB-b", "LAB-c", "LAB-d"}) {
        const bool should_serve = committed == (serial[4] > 'b');
        std::string device = TRY(mirror.run({"readlink", "-f", mirror.disk(serial)}));
        device.pop_back();
        const bool serves = detail.find(" " + device + "1\n") != std::string::npos;
        if (serves != should_serve)
            return fmt::format("{} ({}), after {}:\n{}", serial, device, state, detail);
    }
    if (detail.find("Raid Devices : 2\n") == std::string::npos) return "other legs:\n" + detail;
    constexpr uint64_t between = 60 << 20;
    const uint64_t size = size_of_data(mirror);
    return (size > between) == committed ? "" : fmt::format("{} bytes after {}", size, state);
}

Subject subject()
{
    Subject subject;
    subject.joining = {96 << 20};
    subject.words = grow;
    subject.wrong = wrong_with;
    return subject;
}

}  // namespace

TEST_CASE("a mirror grows under load; by hand, by the timer and by a gate it goes back first")
{
    const lab::Folder folder = must(lab::Folder::make());
    lab::Mirror mirror = must(lab::Mirror::build(folder, {.disk = {48 << 20}, .joining = {96 << 20}}));
    lab::Process load = must(mirror.host().start(
        {mirror.program("belay-load"), "run", std::string(lab::Mirror::data) + "/blocks"}));
    REQUIRE(load.read_until("ready\n", std::chrono::seconds(30)).has_value());
    const auto add = [&](const Words& options) {
        Words words = {"add"};
        words.insert(words.end(), grow.begin(), grow.end());
        std::ranges::replace(words, std::string(Subject::array), mirror.array());
        words.insert(words.end(), options.begin(), options.end());
        words.emplace_back("--json");
        const host::Outcome added = must(mirror.belay(words));
        REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
        const std::string line = added.out.substr(added.out.rfind('\n', added.out.size() - 2) + 1);
        std::string id = must(parse_json(line)).at("id");
        return id;
    };
    const auto ends = [&](const std::string& id, const std::string& wanted) {
        const Json operation = must(parse_json(must(mirror.belay({"show", id, "--json"})).out));
        CHECK_MESSAGE(operation.at("state") == wanted, operation.at("reason"));
        CHECK(must(wrong_with(mirror, wanted)) == "");
    };
    const std::string by_hand = add({});
    CHECK(must(mirror.belay({"activate", by_hand})).exit_code == 0);
    CHECK(detail_of(mirror).find("Raid Devices : 4\n") != std::string::npos);
    CHECK(must(mirror.belay({"abort", by_hand})).exit_code == 0);
    ends(by_hand, "aborted");

    const std::string by_timer = add({"--timer", "20s"});
    static_cast<void>(must(mirror.belay({"activate", by_timer})));
    static_cast<void>(must(mirror.belay({"show", by_timer, "--follow"})));
    ends(by_timer, "aborted");

    const std::string by_gate = add({"--gate", "command:false", "--gate-grace", "1s"});
    static_cast<void>(must(mirror.belay({"activate", by_gate})));
    static_cast<void>(must(mirror.belay({"show", by_gate, "--follow"})));
    ends(by_gate, "aborted");

    const std::string committed = add({});
    CHECK(must(mirror.belay({"activate", committed})).exit_code == 0);
    CHECK(must(mirror.belay({"commit", committed})).exit_code == 0);
    ends(committed, "committed");

    REQUIRE(load.signal(SIGTERM).has_value());
    const host::Outcome outcome = must(load.wait(std::chrono::seconds(60)));
    CHECK_MESSAGE(outcome.out.find(", 0 lost") != std::string::npos, outcome.out, outcome.err);
}

TEST_CASE("the power is cut around records on the way back")
{
    const lab::Folder folder = must(lab::Folder::make());
    Trial trial = must(Trial::begin(folder, subject()));
    unsigned cuts = 0, tried = 0;
    for (unsigned commit = 6; commit <= 15; commit += each(7)) {
        ++tried;
        const Ending ending =
            must(trial.with_power_cut(Course::abort, {.before = commit % 2 == 0, .commit = commit}));
        CHECK(ending.state != "committed");
        cuts += ending.was_cut;
    }
    CHECK(cuts >= tried - 1);
}

TEST_CASE("the power is cut around the records of the commit: it goes on to its end")
{
    unsigned cuts = 0, tried = 0;
    for (unsigned commit = 12; commit <= 16; commit += each(5)) {
        ++tried;
        const lab::Folder folder = must(lab::Folder::make());
        Trial trial = must(Trial::begin(folder, subject()));
        const Ending ending =
            must(trial.with_power_cut(Course::commit, {.before = commit % 2 == 0, .commit = commit}));
        CHECK(ending.state == "committed");
        cuts += ending.was_cut;
    }
    CHECK(cuts >= tried - 1);
}

}  // namespace belay::trial
