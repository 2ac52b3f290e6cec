#include "cli/message_text.h"

#include "base/testing/must.h"
#include "cli/fakes.h"
#include "cli/message_language.h"
#include "cli/run.h"
#include "host/testing/scratch.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <sstream>

namespace belay::cli {
namespace {

const Json failed = {{"number", 7},
                     {"id", "03-00020"},
                     {"level", "alarm"},
                     {"at_ms", 1'790'000'000'123},
                     {"host", "web1"},
                     {"application", "stat server"},
                     {"text", "stat server has failed: exit code 3"}};
const Json printed = {{"number", 8},
                      {"id", "00-00000"},
                      {"level", "trace"},
                      {"at_ms", 1'790'000'001'004},
                      {"host", "web1"},
                      {"application", "pinger"},
                      {"text", "one\n\x1b[31mtwo\n"}};

TEST_CASE("a message is a line: when, how important, who, what, and by which id it is known")
{
    const Style style{.clock = utc_time};
    CHECK(messages_text(style, {failed, printed}, false) ==
          "2026-09-21 14:13:20.123 alarm       stat server: stat server has failed: exit code 3 (03-00020)\n"
          "2026-09-21 14:13:21.004 trace       pinger: one\n"
          "    ?[31mtwo\n");
    Json own = failed;
    own.erase("application");
    own["host"] = "web2";
    CHECK(
        messages_text(style, {own, printed}, false) ==
        "2026-09-21 14:13:20.123 alarm       Belay on web2: stat server has failed: exit code 3 (03-00020)\n"
        "2026-09-21 14:13:21.004 trace       pinger on web1: one\n"
        "    ?[31mtwo\n");
    CHECK(messages_text(style, {}, false).empty());
}

TEST_CASE("on 80 columns a long message is broken between words, and only its level has a colour")
{
    Json longer = failed;
    longer["text"] = "the licence server at port 7260 of web1 does not answer, and the one beside it neither";
    const Style style{.width = 80, .clock = utc_time};
    std::istringstream lines(messages_text(style, {longer}, true));
    size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) CHECK(line.size() <= 80);
    CHECK(count == 2);
    CHECK(messages_text({.colour = true, .clock = utc_time}, {failed}, false).find("\x1b[") !=
          std::string::npos);
}

/// Lends a client to a run.
class Asked final : public site::Client {
  public:
    explicit Asked(fakes::FakeClient& client) : client_(client) {}
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
    fakes::FakeClient& client_;
};

int type_messages(fakes::TextConsole& console, fakes::FakeClient& client, std::vector<std::string> words)
{
    words.insert(words.begin(), "messages");
    return run(words, console, [&](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
        return std::make_unique<Asked>(client);
    });
}

TEST_CASE("what is looked for is asked of the daemon, and hosts that do not answer are said")
{
    fakes::TextConsole console;
    fakes::FakeClient client;
    client.answers.emplace("Messages", Json{{"messages", {failed}},
                                            {"after_of", {{"web1", 7}, {"web2", 0}}},
                                            {"problems", {{{"host", "web2"}, {"what", "is away"}}}}});
    CHECK(type_messages(console, client,
                        {"--level", "alarm", "--app", "stat server", "--id", "03-00020", "--grep", "exit",
                         "--since", "2026-09-21T14:00:00Z", "--limit", "5"}) == 0);
    const Json asked = client.last("Messages");
    CHECK(asked == Json{{"level", "alarm"},
                        {"application", "stat server"},
                        {"id", "03-00020"},
                        {"text", "exit"},
                        {"since_ms", 1'789'999'200'000},
                        {"limit", 5}});
    CHECK(console.said.find("stat server on web1: ") != std::string::npos);
    CHECK(console.complained == "belay: web2: is away\n");
    client.answers.at("Messages") = Json{{"messages", Json::array()}};
    console.said.clear();
    CHECK(type_messages(console, client, {}) == 0);
    CHECK(console.said == "there is no such message\n");
    CHECK(client.last("Messages").at("limit") == 100);
}

TEST_CASE("a moment is a length of time back or a point in time, and nothing else")
{
    fakes::TextConsole console;
    fakes::FakeClient client;
    client.answers.emplace("Messages", Json{{"messages", Json::array()}});
    const auto now =
        std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    CHECK(type_messages(console, client, {"--since", "2h", "--until", "1h"}) == 0);
    const Milliseconds since(client.last("Messages").at("since_ms").get<int64_t>());
    CHECK(since >= now - std::chrono::hours(2));
    CHECK(since < now - std::chrono::hours(1));
    CHECK(client.last("Messages").at("until_ms").get<int64_t>() > since.count());
    CHECK(type_messages(console, client, {"--since", "yesterday"}) == 2);
    CHECK(type_messages(console, client, {"--limit", "0"}) == 2);
    client.answers.at("Messages") = fail(ErrorKind::usage, "there is no level \"loud\"");
    CHECK(type_messages(console, client, {"--level", "loud"}) == 2);
    client.answers.at("Messages") = fail(ErrorKind::unavailable, "belay-messages is away");
    CHECK(type_messages(console, client, {}) == 7);
}

/// A variable of the environment, as long as it lives.
struct Told {
    const char* name;
    Told(const char* its_name, const std::string& value) : name(its_name)
    {
        setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe): nobody else reads it
    }
    ~Told() { unsetenv(name); }  // NOLINT(concurrency-mt-unsafe)
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;
};

TEST_CASE("the language is that of the locale's name, and there is none where that is no language")
{
    CHECK(language_of_locale("de_AT.UTF-8@euro") == "de_AT");
    CHECK(language_of_locale("de") == "de");
    for (const std::string_view none : {"C", "POSIX", "C.UTF-8", "", "German", "../x", "d"})
        CHECK(language_of_locale(none).empty());
    const Told all("LC_ALL", "");
    const Told lang("LANG", "cs_CZ.UTF-8");
    {
        const Told messages("LC_MESSAGES", "de_DE.UTF-8");
        CHECK(language_of_environment() == "de_DE");
        const Told none("LC_ALL", "C");
        CHECK(language_of_environment().empty());
    }
    CHECK(language_of_environment() == "cs_CZ");
}

TEST_CASE("known events are shown in the language that is asked for, and a program is told what was said")
{
    const host::testing::Scratch scratch;
    scratch.file("a.toml", R"(
[message.03-00020]
level = "alarm"
text = "{application} has failed: {reason}"
explanation = "It ended too often."
action = "Start it."
de.text = "{application} ist ausgefallen: {reason}"
de.action = "Es starten."
)");
    const Told folder("BELAY_MESSAGES_TEXTS", scratch.path(""));
    const Told no_language("LC_ALL", "C");
    Json told = failed;
    told["attributes"] = {{"reason", "exit code 3"}};
    fakes::TextConsole console;
    fakes::FakeClient client;
    client.answers.emplace("Messages", Json{{"messages", {told, failed, printed}}});
    const auto shown = [&](std::vector<std::string> words) {
        console.said.clear();
        CHECK(type_messages(console, client, std::move(words)) == 0);
        return console.said;
    };
    CHECK(shown({}).find("stat server: stat server has failed: exit code 3 (03-00020)") != std::string::npos);
    const std::string german = shown({"--language", "de_AT"});
    CHECK(german.find("stat server: stat server ist ausgefallen: exit code 3 (03-00020)") !=
          std::string::npos);
    // One that has not what its text wants is shown as it was said, as is one that is no event.
    CHECK(german.find("stat server: stat server has failed: exit code 3 (03-00020)") != std::string::npos);
    CHECK(german.find("pinger: one") != std::string::npos);
    {
        const Told locale("LC_ALL", "de_DE.UTF-8");
        CHECK(shown({}).find("ist ausgefallen") != std::string::npos);
        CHECK(shown({"--json"}).find("ist ausgefallen") == std::string::npos);
        CHECK(shown({"explain", "03-00020"}) ==
              "03-00020 alarm: {application} ist ausgefallen: {reason}\n    It ended too often.\n    Es "
              "starten.\n");
    }
    const Told again("LC_ALL", "C");
    const Json json = must(parse_json(shown({"--json", "--language", "de"})));
    CHECK(json.at("messages").at(0).at("text") == "stat server ist ausgefallen: exit code 3");
    CHECK(json.at("messages").at(0).at("language") == "de");
    CHECK(!json.at("messages").at(1).contains("language"));
    CHECK(shown({"explain", "03-00020"}) ==
          "03-00020 alarm: {application} has failed: {reason}\n    It ended too often.\n    Start it.\n");
    const Json explained = must(parse_json(shown({"explain", "03-20", "--json", "--language", "de"})));
    CHECK(explained.at("text") == "{application} ist ausgefallen: {reason}");
    CHECK(explained.at("line") == 2);
    scratch.file("b.toml", "[message.20-1]");
    CHECK(type_messages(console, client, {"explain", "20-00001"}) == 5);
    CHECK(console.complained.find("b.toml:1:10: error: 20-00001 needs \"text\"") != std::string::npos);
    CHECK(console.complained.find("the catalogue of this machine says nothing of 20-00001") !=
          std::string::npos);
    CHECK(type_messages(console, client, {"explain"}) == 2);
    CHECK(type_messages(console, client, {"explain", "what"}) == 2);
    CHECK(type_messages(console, client, {"explian", "20-00001"}) == 2);
    CHECK(type_messages(console, client, {"--language", "German"}) == 2);
}

}  // namespace
}  // namespace belay::cli
