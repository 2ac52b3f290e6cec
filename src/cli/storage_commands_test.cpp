#include "cli/storage_commands.h"

#include "base/json.h"
#include "base/testing/must.h"
#include "cli/fakes.h"
#include "cli/run.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace belay::cli {
namespace {

const std::string recording = std::string(BELAY_RECORDINGS) + "/leg-failed.jsonl";

/// Runs a command line; nobody answers at the daemon's socket.
struct Run {
    fakes::TextConsole console;
    int code;

    explicit Run(const std::vector<std::string>& words)
        : code(run(words, console, [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
              return fail(ErrorKind::unavailable, "nobody answers");
          }))
    {
    }
};

AskView answering(const Json& answer)
{
    return [answer](std::string_view, const Json&) -> Result<Json> { return answer; };
}

std::string content_of(const std::string& path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("a recording is shown without a daemon, as the whole screen")
{
    const Run shown({"storage", "show", "--from", recording});
    CHECK(shown.code == 0);
    CHECK(
        shown.console.said.starts_with("ubda  32 MiB, serial LAB-a, gpt, solid state\n"
                                       "└─ ubda1  20 MiB, Linux RAID\n"
                                       "   └─ md0  raid1, 2 of 3 members, clean, 19 MiB\n"));
}

TEST_CASE("what is wrong with a recorded machine, as the whole screen, and as an exit code")
{
    const Run told({"storage", "health", "--from", recording});
    CHECK(told.code == 1);
    CHECK(told.console.said ==
          "critical  /dev/md0  md.member-failed\n"
          "  found   /dev/ubda1 is faulty, on LAB-a (/dev/ubda)\n"
          "  wanted  every member in sync\n"
          "  mend    belay plan disk.replace --leaving LAB-a --joining NEW\n"
          "\n"
          "critical  /dev/md0  md.degraded\n"
          "  found   2 of 3 members in sync\n"
          "  wanted  3 members in sync\n"
          "  mend    mdadm --manage /dev/md0 --add PARTITION\n"
          "\n"
          "8 disks and 1 array looked at: 2 critical\n");
    const Run sound({"storage", "health", "--from", std::string(BELAY_RECORDINGS) + "/mirror-at-rest.jsonl"});
    CHECK(sound.code == 0);
    CHECK(sound.console.said == "8 disks and 1 array looked at: nothing to mend\n");
}

TEST_CASE("a file that is no recording is named, and so is one that is not there")
{
    const Run none({"storage", "show", "--from", "/nowhere/x"});
    CHECK(none.code == 5);
    CHECK(none.console.complained.find("/nowhere/x") != std::string::npos);
    const Run foreign({"storage", "show", "--from", "/etc/passwd"});
    CHECK(foreign.code == 8);
    CHECK(foreign.console.complained.find("/etc/passwd is no recording: ") != std::string::npos);
    CHECK(foreign.console.complained.find("next: belay storage record FILE") != std::string::npos);
}

TEST_CASE("a recording goes into a new file, and never over one that is there")
{
    const std::string path = fmt::format("/tmp/belay-recording-{}", ::getpid());
    Invocation asked;
    asked.command = Command::storage_record;
    asked.file = path;
    asked.mask = true;
    fakes::TextConsole console;
    Json parameters;
    const AskView ask = [&](std::string_view method, const Json& given) -> Result<Json> {
        CHECK(method == "StorageRecord");
        parameters = given;
        return Json{{"recording", "the text\n"}};
    };
    CHECK(must(storage_command(asked, console, console.style(), ask)) == 0);
    CHECK(parameters == Json{{"mask", true}});
    CHECK(content_of(path) == "the text\n");
    CHECK(console.said ==
          path + " written, 9 B, serial numbers masked\n  next: belay storage show --from " + path + "\n");

    const auto again = storage_command(asked, console, console.style(), answering({{"recording", "other"}}));
    REQUIRE(!again);
    CHECK(again.error().kind == ErrorKind::refused);
    CHECK(content_of(path) == "the text\n");
    std::filesystem::remove(path);

    asked.file = "-";
    console.said.clear();
    CHECK(must(storage_command(asked, console, console.style(), answering({{"recording", "to a pipe\n"}}))) ==
          0);
    CHECK(console.said == "to a pipe\n");
}

TEST_CASE("a recording that breaks off on its way is not kept")
{
    const std::string path = fmt::format("/tmp/belay-broken-recording-{}", ::getpid());
    fakes::FakeClient client;
    client.views = {{{"recording", "half of "}, {"size", 17}}, {{"recording", "the text\n"}, {"size", 17}}};
    CHECK(must(ask_daemon(client)("StorageRecord", {{"mask", false}})) ==
          Json{{"recording", "half of the text\n"}});
    client.views.pop_back();
    Invocation asked;
    asked.command = Command::storage_record;
    asked.file = path;
    fakes::TextConsole console;
    const auto broken = storage_command(asked, console, console.style(), ask_daemon(client));
    REQUIRE(!broken);
    CHECK(broken.error().what == "the recording broke off: 8 of 17 bytes came");
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("of a host that is too large to read, one thing with what it stands on and what stands on it")
{
    const Run array({"storage", "show", "md0", "--from", recording});
    CHECK(array.code == 0);
    CHECK(
        array.console.said.starts_with("ubda  32 MiB, serial LAB-a, gpt, solid state\n"
                                       "└─ ubda1  20 MiB, Linux RAID\n"
                                       "   └─ md0  raid1, 2 of 3 members, clean, 19 MiB\n"));
    CHECK(array.console.said.find("LAB-b") != std::string::npos);
    CHECK(array.console.said.find("LAB-h") == std::string::npos);
    const Run disk({"storage", "show", "LAB-a", "--from", recording});
    CHECK(disk.console.said.find("md0") != std::string::npos);
    CHECK(disk.console.said.find("LAB-b") == std::string::npos);
    for (const char* same : {"ubda", "/dev/ubda"})
        CHECK(Run({"storage", "show", same, "--from", recording}).console.said == disk.console.said);
    const Run none({"storage", "show", "sdx", "--from", recording});
    CHECK(none.code == 5);
    CHECK(none.console.complained.find("sdx") != std::string::npos);
    CHECK(none.console.complained.find("belay storage show --summary") != std::string::npos);
}

TEST_CASE("in short: how many there are of each kind, those that are alike together")
{
    const Run whole({"storage", "show", "--summary", "--from", recording});
    CHECK(whole.code == 0);
    CHECK(whole.console.said.starts_with("disks "));
    CHECK(whole.console.said.find("32 MiB, gpt, solid state") != std::string::npos);
    const Json groups =
        must(parse_json(Run({"storage", "show", "--summary", "--json", "--from", recording}).console.said))
            .at("groups");
    CHECK(groups[0].at("kind") == "disk");
    uint64_t disks = 0;
    for (const Json& group : groups)
        disks += group.at("kind") == "disk" ? group.at("count").get<uint64_t>() : 0;
    CHECK(disks == 8);
}

TEST_CASE("record wants a file")
{
    CHECK(Run({"storage", "record"}).code == 2);
}

}  // namespace belay::cli
