// belay runbook, as a person sees it.

#include "cli/fakes.h"
#include "cli/run.h"
#include "cli/samples.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

namespace belay::cli {
namespace {

using operation::State;

/// A folder with a runbook in it, and a daemon that plans whatever it is sent.
class Desk {
  public:
    Desk()
    {
        std::string name = "/tmp/belay-runbook-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        client.answers = {{"Plan", samples::planned_answer()},
                          {"Show", samples::view(State::planned)},
                          {"Request", samples::view(State::adding)}};
        put("good.toml",
            "name = \"web\"\nsummary = \"Change the web server\"\n"
            "[variables.port]\nmeaning = \"where it listens\"\nexample = \"8080\"\n"
            "[variables.why]\nmeaning = \"for the log\"\ndefault = \"no reason\"\n"
            "[[step]]\nname = \"set\"\ntitle = \"Set it\"\nphase = \"activate\"\n"
            "write = { path = \"/etc/port\", text = \"${port} ${why}\" }\n");
        put("bad.toml", "name = \"web\"\nsummary = 1\n[[step]]\nname = \"set\"\n");
    }
    ~Desk() { std::filesystem::remove_all(folder_); }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    void put(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
    std::string path(const std::string& name) const { return folder_ / name; }

    /// Types "belay runbook ..."; a word that ends in .toml is a file of the folder.
    int type(std::vector<std::string> words)
    {
        words.insert(words.begin(), "runbook");
        for (std::string& word : words) {
            if (word.ends_with(".toml")) word = path(word);
        }
        return run(words, console, [this](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
            ++connected;
            return std::make_unique<Lent>(client);
        });
    }
    /// What was said, without the folder's name.
    std::string said() const { return without_folder(console.said); }
    std::string complained() const { return without_folder(console.complained); }

    fakes::TextConsole console;
    fakes::FakeClient client;
    int connected = 0;

  private:
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

    std::string without_folder(std::string text) const
    {
        const std::string folder = folder_.string() + '/';
        for (size_t at = 0; (at = text.find(folder, at)) != std::string::npos;) text.erase(at, folder.size());
        return text;
    }

    std::filesystem::path folder_;
};

TEST_CASE("lint says what a runbook is and what it wants to be told, and asks no daemon")
{
    Desk desk;
    CHECK(desk.type({"lint", "good.toml"}) == 0);
    CHECK(desk.said() ==
          "web: Change the web server\n"
          "  0 checks, 1 step, 0 gates; nothing is wrong with it\n"
          "\n"
          "Variables\n"
          "  port  where it listens\n"
          "  why   for the log ('no reason' unless set)\n"
          "  next: belay runbook plan good.toml --set port=8080 --dry-run\n");
    CHECK(desk.connected == 0);
}

TEST_CASE("lint says all that is wrong, a line each, as a compiler does")
{
    Desk desk;
    CHECK(desk.type({"lint", "bad.toml"}) == 2);
    CHECK(desk.said() ==
          "bad.toml:2:11: error: \"summary\" has a number here, and a text is wanted: put it in quotes\n"
          "bad.toml:3:1: error: a step needs \"title\", what it does, in a few words\n"
          "bad.toml:3:1: error: a step needs \"phase\", \"add\", \"activate\" or \"commit\"\n"
          "bad.toml:3:1: error: this step does nothing: give it \"run\", \"write\" or \"wait-for\"\n"
          "bad.toml: 4 errors, 0 warnings\n");
}

TEST_CASE("lint as data has the place of each problem, and the variables")
{
    Desk desk;
    CHECK(desk.type({"lint", "bad.toml", "--json"}) == 2);
    const Json bad = *parse_json(desk.console.said);
    CHECK(bad.at("errors") == 4);
    CHECK(bad.at("runbook").is_null());
    CHECK(bad.at("problems")[0].at("line") == 2);
    CHECK(bad.at("problems")[0].at("column") == 11);
    desk.console.said.clear();
    CHECK(desk.type({"lint", "good.toml", "--json"}) == 0);
    const Json good = *parse_json(desk.console.said);
    CHECK(good.at("runbook").at("variables")[0] ==
          Json{{"name", "port"}, {"meaning", "where it listens"}, {"required", true}, {"example", "8080"}});
}

TEST_CASE("a plan sends the text of the file with its variables and all that procedures take")
{
    Desk desk;
    CHECK(desk.type({"plan", "good.toml", "--set", "port=80", "--set", "why=a=b c", "--timer", "1h", "--gate",
                     "tcp:db:80", "--why", "clicks"}) == 0);
    Json sent = desk.client.last("Plan");
    CHECK(sent.at("runbook").get<std::string>().starts_with("name = \"web\""));
    sent.erase("runbook");
    CHECK(sent == Json{{"runbook_file", desk.path("good.toml")},
                       {"arguments", {{"port", "80"}, {"why", "a=b c"}}},
                       {"keep", true},
                       {"timer_ms", 3600 * 1000},
                       {"gates", {"tcp:db:80"}},
                       {"why", "clicks"}});
    CHECK(desk.type({"plan", "good.toml", "--dry-run"}) == 0);
    CHECK(desk.client.last("Plan").at("keep") == false);
}

TEST_CASE("add follows the operation, and run asks before it begins")
{
    Desk desk;
    desk.client.views = {samples::view(State::added)};
    CHECK(desk.type({"add", "good.toml", "--set", "port=80"}) == 0);
    CHECK(desk.client.last("Request") == Json{{"operation", "7"}, {"verb", "add"}});
    CHECK(desk.type({"run", "good.toml", "--json"}) == 2);
    CHECK(desk.type({"run", "good.toml", "--yes", "--no-wait", "--soak", "3s"}) == 0);
    CHECK(desk.client.last("Plan").at("soak_ms") == 3000);
}

TEST_CASE("a runbook with errors is not sent, and they are said")
{
    Desk desk;
    CHECK(desk.type({"add", "bad.toml"}) == 2);
    CHECK(desk.connected == 0);
    CHECK(desk.complained().contains("bad.toml:3:1: error: this step does nothing"));
}

TEST_CASE("what makes no sense is refused with what does")
{
    Desk desk;
    CHECK(desk.type({"lint"}) == 2);
    CHECK(desk.type({"lint", "none.toml"}) == 5);
    CHECK(desk.complained().contains("cannot read none.toml: No such file"));
    CHECK(desk.type({"plan", "good.toml", "--set", "port"}) == 2);
    CHECK(desk.complained().contains("write --set NAME=VALUE"));
    CHECK(desk.type({"plan", "good.toml", "--set", "port=1", "--set", "port=2"}) == 2);
    CHECK(desk.complained().contains("port was set twice"));
    CHECK(desk.type({"lnt", "good.toml"}) == 2);
    CHECK(desk.complained().contains("did you mean \"lint\"?"));
    CHECK(desk.type({"lint", "/"}) == 8);
}

TEST_CASE("the shipped runbooks are right")
{
    const std::filesystem::path top =
        std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
    size_t seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator(top / "runbooks")) {
        fakes::TextConsole console;
        const int code = run({"runbook", "lint", entry.path().string()}, console,
                             [](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
                                 return fail(ErrorKind::unavailable, "nobody is asked");
                             });
        CHECK_MESSAGE(code == 0, console.said);
        ++seen;
    }
    CHECK(seen == 3);
}

TEST_CASE("the example of docs/runbooks.md is right")
{
    const auto top = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
    std::ifstream file(top / "docs/runbooks.md");
    std::string page((std::istreambuf_iterator<char>(file)), {});
    const size_t begin = page.find("```toml\n") + 8;
    Desk desk;
    desk.put("example.toml", page.substr(begin, page.find("```", begin) - begin));
    CHECK_MESSAGE(desk.type({"lint", "example.toml"}) == 0, desk.console.said);
}

}  // namespace
}  // namespace belay::cli
