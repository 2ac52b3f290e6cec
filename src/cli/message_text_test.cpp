#include "cli/message_text.h"

#include "cli/fakes.h"
#include "cli/run.h"

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

}  // namespace
}  // namespace belay::cli
