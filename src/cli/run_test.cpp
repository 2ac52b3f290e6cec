#include "cli/run.h"

#include "cli/fakes.h"
#include "cli/samples.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <unistd.h>

namespace belay::cli {
namespace {

using operation::State;

/// One command with its daemon; the daemon is kept to be asked what it was asked.
struct Scene {
    fakes::TextConsole console;
    fakes::FakeClient client;
    Scene()
    {
        client.answers = {{"Procedures", samples::procedures()},
                          {"Plan", samples::planned_answer()},
                          {"StorageShow", samples::storage()},
                          {"Show", samples::view(State::planned)},
                          {"Request", samples::view(State::adding)}};
    }

    /// Lends the one client to a run.
    class Lent : public site::Client {
      public:
        explicit Lent(site::Client& client) : client_(client) {}
        Result<Json> call(std::string_view method, const Json& parameters) override
        {
            return client_.call(method, parameters);
        }
        Result<void> stream(std::string_view method, const Json& parameters,
                            const std::function<bool(const Json&)>& each) override
        {
            return client_.stream(method, parameters, each);
        }
        void interrupt() override { client_.interrupt(); }

      private:
        site::Client& client_;
    };

    int type(const std::vector<std::string>& words)
    {
        return run(words, console, [&](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
            return std::make_unique<Lent>(client);
        });
    }
    bool said(std::string_view text) const { return console.said.find(text) != std::string::npos; }
};

const std::vector<std::string> replace{"disk.replace", "--leaving", "sda", "--joining", "sdc"};

std::vector<std::string> with(std::string command, std::vector<std::string> more = {})
{
    std::vector<std::string> words{std::move(command)};
    words.insert(words.end(), replace.begin(), replace.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

TEST_CASE("a plan is asked for with everything that was typed, and kept")
{
    Scene scene;
    CHECK(scene.type(with("plan", {"--timer", "4h", "--gate", "tcp:db:5432", "--gate-grace", "30s", "--why",
                                   "clicks"})) == 0);
    CHECK(scene.client.last("Plan") == Json{{"procedure", "disk.replace"},
                                            {"arguments", {{"leaving", "sda"}, {"joining", "sdc"}}},
                                            {"keep", true},
                                            {"timer_ms", 4 * 3600 * 1000},
                                            {"gates", {"tcp:db:5432"}},
                                            {"gate_grace_ms", 30000},
                                            {"why", "clicks"}});
    CHECK(scene.said("next: belay add 7"));
}

TEST_CASE("a dry run is not kept")
{
    Scene scene;
    CHECK(scene.type(with("plan", {"--dry-run"})) == 0);
    CHECK(scene.client.last("Plan")["keep"] == false);
}

TEST_CASE("an argument that the procedure does not know is refused before it is planned")
{
    Scene scene;
    CHECK(scene.type({"plan", "disk.replace", "--leavin", "sda"}) == 2);
    CHECK(scene.console.complained ==
          "belay: disk.replace takes no argument --leavin, did you mean \"--leaving\"?\n"
          "  next: belay procedures disk.replace\n");
    CHECK(scene.client.last("Plan").is_null());
}

TEST_CASE("an argument that is missing is named with its meaning")
{
    Scene scene;
    CHECK(scene.type({"add", "disk.replace", "--leaving", "sda"}) == 2);
    CHECK(scene.console.complained ==
          "belay: disk.replace needs --joining, the disk that comes\n"
          "  next: belay procedures disk.replace\n");
}

TEST_CASE("an unknown procedure leads to those that there are")
{
    Scene scene;
    CHECK(scene.type({"plan", "disk.replce"}) == 5);
    CHECK(scene.console.complained ==
          "belay: no procedure is called \"disk.replce\", did you mean \"disk.replace\"?\n"
          "  next: belay procedures\n");
}

TEST_CASE("add makes the plan and follows it until it is added")
{
    Scene scene;
    scene.client.views = {samples::view(State::adding), samples::view(State::added)};
    CHECK(scene.type(with("add")) == 0);
    CHECK(scene.client.last("Request") == Json{{"operation", "7"}, {"verb", "add"}});
    CHECK(scene.client.last("Watch") == Json{{"operation", "7"}, {"settle", true}});
    CHECK(scene.console.said ==
          "operation 7: Replace sda by sdc in md0\n"
          "operation 7: adding\n"
          "operation 7: Copy the partition table: begun\n"
          "operation 7: Copy the partition table: done in 1 s\n"
          "operation 7: added\n"
          "operation 7 is added\n"
          "\n"
          "Ways on\n"
          "  belay activate 7  switch to the new, under the abort timer\n"
          "  belay abort 7     go back to what was before\n");
}

TEST_CASE("a plan that is refused adds nothing")
{
    Scene scene;
    scene.client.answers.insert_or_assign("Plan", samples::planned_answer(true));
    CHECK(scene.type(with("add")) == 3);
    CHECK(scene.said("to mend it: smartctl -t long /dev/sdc"));
    CHECK(scene.client.last("Request").is_null());
}

TEST_CASE("an operation that goes back instead is a failure")
{
    Scene scene;
    scene.client.views = {samples::view(State::aborted)};
    CHECK(scene.type({"activate", "7"}) == 1);
    CHECK(scene.said("operation 7 is aborted: the gate db:5432 answers was broken for 30 s"));
    CHECK(scene.console.complained ==
          "belay: operation 7 should be activated and is aborted\n  next: belay show 7\n");
}

TEST_CASE("an abort that was asked for is not")
{
    Scene scene;
    scene.client.views = {samples::view(State::aborted)};
    CHECK(scene.type({"abort", "7", "--why", "noise"}) == 0);
    CHECK(scene.client.last("Request") == Json{{"operation", "7"}, {"verb", "abort"}, {"why", "noise"}});
}

TEST_CASE("with --no-wait nothing is followed")
{
    Scene scene;
    CHECK(scene.type({"add", "7", "--no-wait"}) == 0);
    CHECK(scene.client.last("Watch").is_null());
    CHECK(scene.said("operation 7 is adding\n"));
}

TEST_CASE("run asks, and goes on at yes")
{
    Scene scene;
    scene.console.asks = true;
    scene.console.typed = "yes";
    operation::View one_shot = samples::view_at(State::committed);
    one_shot.operation.one_shot = true;
    scene.client.answers.insert_or_assign("Request", one_shot);
    scene.client.views = {one_shot};
    CHECK(scene.type(with("run", {"--soak", "30s"})) == 0);
    CHECK(scene.client.last("Plan")["one_shot"] == true);
    CHECK(scene.client.last("Plan")["soak_ms"] == 30000);
    CHECK(scene.said("there is NO WAY BACK after it"));
    CHECK(scene.said("Type yes to go on: "));
}

TEST_CASE("anything but yes leaves nothing about")
{
    for (const std::optional<std::string>& typed :
         {std::optional<std::string>("y"), std::optional<std::string>()}) {
        Scene scene;
        scene.console.asks = true;
        scene.console.typed = typed;
        CHECK(scene.type(with("run")) == 3);
        CHECK(scene.client.last("Request") ==
              Json{{"operation", "7"}, {"verb", "abort"}, {"why", "not confirmed"}});
        CHECK(scene.client.last("Watch").is_null());
    }
}

TEST_CASE("where nobody can be asked, run wants --yes")
{
    Scene scene;
    CHECK(scene.type(with("run")) == 2);
    CHECK(scene.console.complained.find("next: belay run --yes") != std::string::npos);
    scene.console.asks = true;
    CHECK(scene.type(with("run", {"--json"})) == 2);
    CHECK(scene.client.asked.empty());
}

TEST_CASE("JSON is the daemon's answer in one line")
{
    Scene scene;
    CHECK(scene.type({"storage", "show", "--json"}) == 0);
    CHECK(*parse_json(scene.console.said) == samples::storage());
}

TEST_CASE("JSON of what is followed is a line for each event, and the view at last")
{
    Scene scene;
    scene.client.views = {samples::view(State::adding), samples::view(State::added)};
    CHECK(scene.type({"add", "7", "--json"}) == 0);
    std::vector<Json> lines;
    for (size_t at = 0; at < scene.console.said.size();) {
        const size_t end = scene.console.said.find('\n', at);
        const auto line = parse_json(std::string_view(scene.console.said).substr(at, end - at));
        REQUIRE(line);
        lines.push_back(*line);
        at = end + 1;
    }
    REQUIRE(lines.size() == 5);
    CHECK(lines.front()["event"] == "state");
    CHECK(lines.back() == samples::view(State::added));
}

TEST_CASE("an error is told on standard error, or as JSON on standard output")
{
    Scene scene;
    scene.client.answers.insert_or_assign(
        "Request", fail(ErrorKind::busy, "disk S1 is locked by operation 5 (Grow md1)", "belay show 5"));
    CHECK(scene.type({"add", "7"}) == 4);
    CHECK(scene.console.complained ==
          "belay: disk S1 is locked by operation 5 (Grow md1)\n  next: belay show 5\n");
    CHECK(scene.type({"add", "7", "--json"}) == 4);
    CHECK(parse_json(scene.console.said)->at("error").at("kind") == "busy");
}

TEST_CASE("a daemon that goes away while it is followed is told as such")
{
    Scene scene;
    scene.client.views = {samples::view(State::adding)};
    scene.client.stream_ends = fail(ErrorKind::unavailable, "belayd has hung up", "the same command again");
    CHECK(scene.type({"add", "7"}) == 7);
    CHECK(scene.console.complained == "belay: belayd has hung up\n  next: belay show 7\n");
}

TEST_CASE("the timer is shown, and changed")
{
    Scene scene;
    scene.client.answers.insert_or_assign("Show", samples::view(State::activated));
    scene.client.answers.insert_or_assign("Timer", samples::view(State::activated));
    CHECK(scene.type({"timer", "7"}) == 0);
    CHECK(scene.console.said == "timer of operation 7: 1 h 59 min left of 2 h, then it aborts by itself\n");
    CHECK(scene.client.last("Timer").is_null());
    CHECK(scene.type({"timer", "7", "--extend", "2h"}) == 0);
    CHECK(scene.client.last("Timer") == Json{{"operation", "7"}, {"change", "extend"}, {"by_ms", 7200000}});
}

TEST_CASE("show follows the soak where it is asked to")
{
    Scene scene;
    scene.client.answers.insert_or_assign("Show", samples::view(State::activated));
    scene.client.views = {samples::view(State::activated), samples::view(State::aborted)};
    CHECK(scene.type({"show", "7", "--follow"}) == 0);
    CHECK(scene.client.last("Watch") == Json{{"operation", "7"}, {"settle", false}});
    CHECK(scene.said("operation 7: aborting (the gate db:5432 answers was broken for 30 s)\n"));
}

TEST_CASE("lists, history, audit, journal and clean ask for what they show")
{
    Scene scene;
    scene.client.answers.insert_or_assign("List", Json{{"operations", Json::array()}});
    scene.client.answers.insert_or_assign("Audit", Json{{"entries", Json::array()}, {"omitted", 12}});
    scene.client.answers.insert_or_assign("Records", Json{{"records", Json::array()}});
    scene.client.answers.insert_or_assign("Clean",
                                          Json{{"removed", {"the plan of operation 3"}}, {"freed", 2048}});
    CHECK(scene.type({"show"}) == 0);
    CHECK(scene.client.last("List") == Json{{"ended", false}});
    CHECK(scene.said("no operation is on its way\n  next: belay procedures\n"));
    CHECK(scene.type({"history"}) == 0);
    CHECK(scene.client.last("List") == Json{{"ended", true}});
    CHECK(scene.type({"history", "--audit", "--limit", "5"}) == 0);
    CHECK(scene.client.last("Audit") == Json{{"limit", 5}});
    CHECK(scene.said("12 older ones are not shown\n  next: belay history --audit --limit NUMBER\n"));
    INFO("a controller that does not lead says what is not among them");
    const Json elsewhere = {{"what", "the operations of the site"},
                            {"why", "beta leads the site, at 10.0.0.2:4880"},
                            {"next", "the same on beta, or from anywhere with --site NAME"}};
    scene.client.answers.insert_or_assign(
        "List", Json{{"operations", Json::array()}, {"not_looked", Json::array({elsewhere})}});
    CHECK(scene.type({"history"}) == 0);
    CHECK(
        scene.said("no operation yet\n  next: belay procedures\n"
                   "not looked at: the operations of the site (beta leads the site, at 10.0.0.2:4880)\n"
                   "  next: the same on beta, or from anywhere with --site NAME\n"));
    CHECK(scene.type({"show", "7", "--journal"}) == 0);
    CHECK(scene.client.last("Records") == Json{{"operation", "7"}});
    CHECK(scene.type({"clean", "--dry-run"}) == 0);
    CHECK(scene.client.last("Clean") == Json{{"dry_run", true}});
    CHECK(scene.said("the plan of operation 3\n2 KiB would be freed\n"));
}

TEST_CASE("a text is parsed without a daemon, in many lines or with --json in one")
{
    fakes::TextConsole console;
    console.input = "Personalities : [raid1]\nunused devices: <none>\n";
    const Connect none = [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
        return fail(ErrorKind::unavailable, "nobody was to be asked");
    };
    CHECK(run({"parse", "mdstat"}, console, none) == 0);
    CHECK(console.said.starts_with("{\n  \"arrays\": [],\n"));
    console.said.clear();
    CHECK(run({"parse", "mdstat", "--json"}, console, none) == 0);
    CHECK(console.said == "{\"arrays\":[],\"personalities\":[\"raid1\"],\"unused_devices\":[]}\n");
    CHECK(console.complained.empty());
}

TEST_CASE("a text of another kind, or cut, is damaged data; a kind that there is not, bad usage")
{
    fakes::TextConsole console;
    console.input =
        "/dev/md0:\n           Version : 1.2\n        Raid Level : raid1\n      Raid Devices : 2\n";
    const Connect none = [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
        return fail(ErrorKind::unavailable, "nobody was to be asked");
    };
    CHECK(run({"parse", "mdadm-detail"}, console, none) == 8);
    CHECK(console.complained ==
          "belay: this output of `mdadm --detail` is cut: the table of the devices of /dev/md0 is missing\n"
          "  next: mdadm --detail /dev/md0 | belay parse mdadm-detail\n");
    console.complained.clear();
    CHECK(run({"parse", "mdstat"}, console, none) == 8);
    CHECK(
        console.complained ==
        "belay: this is no output of `cat /proc/mdstat`: line 1: it does not begin with \"Personalities :\"\n"
        "  next: cat /proc/mdstat | belay parse mdstat\n");
    CHECK(console.said.empty());
    CHECK(run({"parse", "mdstats"}, console, none) == 2);
    CHECK(run({"parse", "mdstat", "--json"}, console, none) == 8);
    CHECK(Json::parse(console.said)["error"]["kind"] == "corrupt");
}

TEST_CASE("what a switch prints is parsed by the command, with its arguments")
{
    fakes::TextConsole console;
    const Connect none = [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
        return fail(ErrorKind::unavailable, "belayd does not answer", "belayd --help");
    };
    console.input =
        "core#dir stby-flash:\nDirectory of stby-flash:/\n\n"
        "   12  -rw-    1061  Oct 10 2026 04:12:02 +00:00  packages.conf\n\n"
        "2048 bytes total (987 bytes free)\ncore#";
    CHECK(run({"parse", "iosxe:dir stby-flash:", "--json"}, console, none) == 0);
    const Json flash = Json::parse(console.said);
    CHECK(flash.at("free") == 987);
    CHECK(flash.at("entries").at(0).at("name") == "packages.conf");

    console.complained.clear();
    CHECK(run({"parse", "iosxe:show boot"}, console, none) == 8);
    CHECK(console.complained ==
          "belay: this is no output of `show boot`: line 1: it is that of `dir stby-flash:`\n"
          "  next: ssh SWITCH \"show boot\" | belay parse \"iosxe:show boot\"\n");
}

TEST_CASE("the version needs no daemon")
{
    fakes::TextConsole console;
    const Connect none = [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
        return fail(ErrorKind::unavailable, "belayd does not answer", "belayd --help");
    };
    CHECK(run({"version"}, console, none) == 0);
    CHECK(console.said == "belay " BELAY_VERSION "\n");
    CHECK(run({"show"}, console, none) == 7);
}

/// A file with a configuration, which goes away with its owner.
struct ConfigFile {
    std::string path = "/tmp/belay-config-XXXXXX";
    explicit ConfigFile(const std::string& text)
    {
        const int file = mkstemp(path.data());
        REQUIRE(file >= 0);
        REQUIRE(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        close(file);
    }
    ~ConfigFile() { unlink(path.c_str()); }
    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;
};

TEST_CASE("config check says every problem with its place, and asks no daemon")
{
    Scene scene;
    const ConfigFile file("[host.h1]\nadress = \"x\"\n[host.h2]\naddress = 3\n");
    CHECK(scene.type({"config", "check", file.path}) == 2);
    CHECK(
        scene.said(file.path + ":2:1: error: host has no attribute \"adress\", did you mean \"address\"?\n"));
    CHECK(scene.said(file.path + ":4:11: error: \"address\" is a number here"));
    CHECK(scene.said("2 objects, 3 errors, 0 warnings\n"));
    CHECK(scene.client.asked.empty());
    const ConfigFile good("[host.h1]\naddress = \"x\"\n");
    CHECK(scene.type({"config", "check", good.path, "--json"}) == 0);
    CHECK(scene.said("\"errors\":0"));
    CHECK(scene.type({"config", "check"}) == 2);
    CHECK(scene.type({"config", "check", "/none"}) == 5);
}

TEST_CASE("config diff sends the file and its mode, and keeps nothing")
{
    Scene scene;
    const ConfigFile file("[host.h1]\naddress = \"x\"\n");
    CHECK(scene.type({"config", "diff", file.path, "--mode", "whole"}) == 0);
    CHECK(scene.client.last("Plan") ==
          Json{{"procedure", "config.change"},
               {"arguments",
                {{"text", "[host.h1]\naddress = \"x\"\n"}, {"file", file.path}, {"mode", "whole"}}},
               {"keep", false}});
}

TEST_CASE("config apply adds and activates, and says by when it must be confirmed")
{
    Scene scene;
    const ConfigFile file("[host.h1]\naddress = \"x\"\n");
    scene.client.views = {samples::view(State::added)};
    CHECK(scene.type({"config", "apply", file.path, "--why", "moved", "--timer", "5m"}) == 1);
    CHECK(scene.client.last("Plan").at("arguments").at("mode") == "merge");
    CHECK(scene.client.last("Plan").at("keep") == true);
    CHECK(scene.client.last("Plan").at("timer_ms") == 300'000);
    CHECK(scene.client.last("Request").at("verb") == "activate");
    CHECK(scene.console.complained.contains("should be activated and is added"));
    CHECK(scene.type({"config", "import", file.path, "--no-wait"}) == 0);
    CHECK(scene.client.last("Plan").at("arguments").at("mode") == "whole");
    CHECK(scene.client.last("Request").at("verb") == "add");
    CHECK(scene.type({"config", "revert", "12", "--no-wait"}) == 0);
    CHECK(scene.client.last("Plan").at("procedure") == "config.revert");
    CHECK(scene.client.last("Plan").at("arguments") == Json{{"version", "12"}});
}

TEST_CASE("what is as it is wanted already is no failure, and nothing is asked for")
{
    Scene scene;
    const ConfigFile file("[host.h1]\naddress = \"x\"\n");
    scene.client.answers.insert_or_assign(
        "Plan",
        Json{{"plan", {{"title", "The configuration is as f wants it already"}, {"steps", Json::array()}}},
             {"findings", Json::array()},
             {"refused", false},
             {"operation", nullptr}});
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"config", "apply", file.path},
          {"config", "import", file.path},
          {"config", "revert", "3"},
          {"config", "diff", file.path},
          {"add", "disk.replace", "--leaving", "sda", "--joining", "sdc"},
          {"plan", "disk.replace", "--leaving", "sda", "--joining", "sdc"},
          {"run", "disk.replace", "--leaving", "sda", "--joining", "sdc", "--yes"}}) {
        CAPTURE(words.front());
        scene.console.said.clear();
        CHECK(scene.type(words) == 0);
        CHECK(scene.console.said ==
              "The configuration is as f wants it already: there is nothing to change\n");
        CHECK(scene.console.complained.empty());
    }
    scene.console.said.clear();
    CHECK(scene.type({"config", "apply", file.path, "--json"}) == 0);
    CHECK(scene.console.said == "{\"changed\":false}\n");
    CHECK(scene.client.last("Request").is_null());
}

TEST_CASE("config get puts the pieces of the text together; history says who and why")
{
    Scene scene;
    scene.client.views = {{{"text", "[host.h1]  # id 1\n"}, {"size", 40}},
                          {{"text", "address = \"x\"\n"}, {"size", 40}}};
    CHECK(scene.type({"config", "get", "host", "h1"}) == 0);
    CHECK(scene.console.said == "[host.h1]  # id 1\naddress = \"x\"\n");
    CHECK(scene.client.last("ConfigShow") == Json{{"ids", false}, {"type", "host"}, {"name", "h1"}});
    scene.client.answers.insert_or_assign("ConfigHistory",
                                          Json{{"versions", Json::array({{{"version", 2},
                                                                          {"at_ms", 0},
                                                                          {"who", "anna"},
                                                                          {"why", "moved"},
                                                                          {"operation", "7"},
                                                                          {"summary", "1 changed"}}})}});
    CHECK(scene.type({"config", "history", "--limit", "5"}) == 0);
    CHECK(scene.client.last("ConfigHistory") == Json{{"limit", 5}});
    CHECK(scene.said("anna  operation 7  1 changed  moved"));
    CHECK(scene.type({"config", "edit", "host"}) == 2);
}

/// Whose commands `config edit` runs.
void use_editor(const char* words)
{
    REQUIRE(setenv("VISUAL", words, 1) == 0);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

TEST_CASE("config edit applies what the editor has written, or changes nothing")
{
    Scene scene;
    scene.client.views = {{{"text", "[host.h1]\nid = 1\naddress = \"x\"\n"}, {"size", 30}}};
    use_editor("true");
    CHECK(scene.type({"config", "edit", "host", "h1"}) == 0);
    CHECK(scene.said("nothing was changed"));
    use_editor("sed -i s/x/y/");
    CHECK(scene.type({"config", "edit", "host", "h1", "--no-wait"}) == 0);
    CHECK(scene.client.last("Plan").at("arguments").at("text") == "[host.h1]\nid = 1\naddress = \"y\"\n");
    CHECK(scene.client.last("Plan").at("arguments").at("mode") == "objects");
    use_editor("false");
    CHECK(scene.type({"config", "edit", "host", "h1"}) == 1);
    const std::string& complained = scene.console.complained;
    CHECK(complained.contains("the editor false ended with an error, and nothing was changed"));
    // What was written is kept, so it is for the test to remove.
    const size_t kept = complained.find("/tmp/belay-config-");
    REQUIRE(kept != std::string::npos);
    CHECK(unlink(complained.substr(kept, complained.find('\n', kept) - kept).c_str()) == 0);
    use_editor("");
}

}  // namespace
}  // namespace belay::cli
