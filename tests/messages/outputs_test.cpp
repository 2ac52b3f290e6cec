// What is kept goes on to files, to rsyslog and to a receiver of OTLP, whoever of them is away for a while.

#include "server.h"
#include "store/etcd/testing/process.h"

#include <doctest/doctest.h>
#include <filesystem>
#include <set>
#include <thread>

namespace belay::messages {
namespace {

constexpr const char* rsyslog = "/usr/sbin/rsyslogd";

std::vector<std::string> lines_of(const std::string& path)
{
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

/// A program of somebody else's, for as long as this lives.
class Other {
  public:
    explicit Other(std::vector<std::string> argv) : argv_(std::move(argv)) { start(); }
    ~Other() { end(SIGKILL); }
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;

    void start()
    {
        pid_ = fork();
        REQUIRE(pid_ >= 0);
        if (pid_ > 0) return;
        std::vector<char*> words;
        for (std::string& word : argv_) words.push_back(word.data());
        words.push_back(nullptr);
        execv(words.front(), words.data());
        _exit(127);
    }
    void end(int signal)
    {
        if (pid_ <= 0) return;
        kill(pid_, signal);
        waitpid(std::exchange(pid_, 0), nullptr, 0);
    }

  private:
    std::vector<std::string> argv_;
    pid_t pid_ = 0;
};

/// rsyslog at a port of loopback, which writes what it takes to a file: facility, severity, host,
/// application, id, structured data and text, with bars between them.
class Rsyslog {
  public:
    enum class By { tcp, tls };

    explicit Rsyslog(By by) : port_(store::free_port())
    {
        std::string tls_files, tls_stream;
        if (by == By::tls) {
            const std::string made = fmt::format(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=logs "
                "-addext subjectAltName=IP:127.0.0.1 -keyout {0}/key -out {0}/certificate 2>/dev/null",
                scratch_.path(""));
            REQUIRE(std::system(made.c_str()) == 0);  // NOLINT(cert-env33-c,concurrency-mt-unsafe): of a test
            tls_files = fmt::format(
                " defaultNetstreamDriverCAFile=\"{0}\" defaultNetstreamDriverCertFile=\"{0}\" "
                "defaultNetstreamDriverKeyFile=\"{1}\"",
                ca(), scratch_.path("key"));
            tls_stream = " streamDriver.name=\"ossl\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\"";
        }
        scratch_.file(
            "conf",
            fmt::format("global(workDirectory=\"{0}\" maxMessageSize=\"64k\"{2})\n"
                        "module(load=\"imtcp\"{3})\n"
                        "template(name=\"parts\" type=\"string\" string=\"%syslogfacility-text%|"
                        "%syslogseverity-text%|%hostname%|%app-name%|%msgid%|%structured-data%|%msg%\\n\")\n"
                        "ruleset(name=\"in\") {{ action(type=\"omfile\" file=\"{0}/received\" "
                        "template=\"parts\") }}\n"
                        "input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{1}\" ruleset=\"in\")\n",
                        scratch_.path(""), port_, tls_files, tls_stream));
        program_.emplace(
            std::vector<std::string>{rsyslog, "-n", "-f", scratch_.path("conf"), "-i", scratch_.path("pid")});
    }

    std::string server() const { return fmt::format("127.0.0.1:{}", port_); }
    std::string ca() const { return scratch_.path("certificate"); }
    std::vector<std::string> received() const { return lines_of(scratch_.path("received")); }
    Other& program() { return *program_; }

  private:
    const Scratch scratch_;
    const int port_;
    std::optional<Other> program_;
};

Json syslog_to(const Rsyslog& receiver, bool tls, const std::string& ca = "")
{
    return {{"name", "logs"},   {"levels", {"alarm", "standard"}},
            {"kind", "syslog"}, {"server", receiver.server()},
            {"tls", tls},       {"ca", ca},
            {"facility", 17}};
}

Json file_at(const std::string& path, const Json& levels = Json::array({"alarm", "standard"}))
{
    return {{"name", "file"},
            {"levels", levels},
            {"kind", "file"},
            {"path", path},
            {"segment_bytes", 1 << 20},
            {"keep", 5},
            {"segment_age_ms", 86'400'000},
            {"keep_for_ms", 86'400'000}};
}

void describe(MessageServer& server, const Json& outputs)
{
    server.ask("Describe", {{"host", "web1"}, {"applications", Json::array()}, {"outputs", outputs}});
    // One that is new begins with what comes now: that it is there is to be seen first.
    for (const Json& output : outputs)
        await([&] {
            const Json at =
                server.ask("Position", {{"source", "output " + output.at("name").get<std::string>()}});
            return at.at("at").is_string() && at.at("at") != "";
        });
}

Json output_status(MessageServer& server)
{
    return server.ask("Status").at("outputs").at(0);
}

void say_numbers(const MessageServer& server, int from, int until)
{
    Voice voice(server.run());
    for (int i = from; i < until; ++i)
        REQUIRE(voice.say(fmt::format(R"({{"id":"20-00010","level":"standard","text":"number {}."}})"
                                      "\n",
                                      i)));
    CHECK(voice.sync() == 0);
}

/// Which of "number N." are in the lines.
std::set<int> numbers_in(const std::vector<std::string>& lines)
{
    std::set<int> found;
    for (const std::string& line : lines) {
        if (const size_t at = line.find("number "); at != std::string::npos)
            found.insert(std::stoi(line.substr(at + 7)));
    }
    return found;
}

TEST_CASE("a file gets the levels that it wants, from when it is wanted, and nothing is missing after a kill")
{
    MessageServer server;
    const std::string path = server.path("log/standard.log");
    say_numbers(server, 0, 10);
    describe(server, Json::array({file_at(path)}));
    say_numbers(server, 10, 20);
    {
        Voice voice(server.run());
        REQUIRE(voice.say("{\"level\":\"trace\",\"text\":\"of no interest\"}\n"));
        CHECK(voice.sync() == 0);
    }
    await([&] { return numbers_in(lines_of(path)).size() == 10; });
    CHECK(*numbers_in(lines_of(path)).begin() == 10);
    for (int round = 0; round < 5; ++round) {
        say_numbers(server, 20 + 1000 * round, 1020 + 1000 * round);
        server.kill_and_start();
    }
    await([&] { return numbers_in(lines_of(path)).size() == 5010; });
    for (const std::string& line : lines_of(path)) CHECK(line.find("of no interest") == std::string::npos);

    INFO("one that is gone is forgotten: it begins anew when it comes again");
    describe(server, Json::array());
    await([&] { return server.ask("Position", {{"source", "output file"}}).at("at") == ""; });
    say_numbers(server, 6000, 6010);
    describe(server, Json::array({file_at(path)}));
    say_numbers(server, 7000, 7010);
    await([&] { return numbers_in(lines_of(path)).contains(7009); });
    CHECK_FALSE(numbers_in(lines_of(path)).contains(6005));
}

TEST_CASE("where a file cannot be written its messages wait, and the status says why")
{
    MessageServer server;
    const std::string folder = server.path("log");
    std::ofstream(folder) << "no folder";
    describe(server, Json::array({file_at(folder + "/standard.log")}));
    say_numbers(server, 0, 100);
    await([&] { return output_status(server).at("problem").is_string(); });
    CHECK(output_status(server).at("behind") >= 100);
    std::filesystem::remove(folder);
    await([&] { return numbers_in(lines_of(folder + "/standard.log")).size() == 100; });
    await([&] { return output_status(server).at("problem").is_null(); });
    CHECK(lines_of(folder + "/standard.log").size() == 100);
    CHECK(output_status(server).at("sent") == 100);
}

TEST_CASE("rsyslog receives what was said, by TCP and by TLS, also what came while it was away")
{
    REQUIRE_MESSAGE(access(rsyslog, X_OK) == 0, "rsyslog is needed: packaging/install-needs test");
    for (const bool tls : {false, true}) {
        INFO("TLS: ", tls);
        MessageServer server;
        Rsyslog receiver(tls ? Rsyslog::By::tls : Rsyslog::By::tcp);
        describe(server, Json::array({syslog_to(receiver, tls, tls ? receiver.ca() : "")}));
        {
            Voice voice(server.run());
            REQUIRE(voice.say(
                R"({"id":"20-00031","level":"alarm","text":"no licence for 40 seats","interaction":"a ]",)"
                R"("attributes":{"seats":"40"}})"
                "\n"));
            CHECK(voice.sync() == 0);
        }
        await([&] { return !receiver.received().empty(); });
        const std::string first = receiver.received().front();
        CHECK(first.starts_with("local1|alert|web1|user_"));
        CHECK(first.find("|20-00031|[belay@32473 level=\"alarm\"") != std::string::npos);
        CHECK(first.find("interaction=\"a \\]\"][attributes@32473 ") != std::string::npos);
        CHECK(first.find("seats=\"40\"") != std::string::npos);
        CHECK(first.ends_with("no licence for 40 seats"));

        say_numbers(server, 0, 500);
        await([&] { return numbers_in(receiver.received()).size() == 500; });
        receiver.program().end(SIGTERM);
        say_numbers(server, 500, 1000);
        await([&] { return output_status(server).at("problem").is_string(); });
        receiver.program().start();
        await([&] { return numbers_in(receiver.received()).size() == 1000; });
        await([&] { return output_status(server).at("behind") == 0; });
    }
}

TEST_CASE("nothing is sent to a receiver of syslog that cannot prove who it is")
{
    REQUIRE_MESSAGE(access(rsyslog, X_OK) == 0, "rsyslog is needed: packaging/install-needs test");
    MessageServer server;
    const Rsyslog receiver(Rsyslog::By::tls);
    describe(server, Json::array({syslog_to(receiver, true)}));
    say_numbers(server, 0, 10);
    await([&] {
        const Json problem = output_status(server).at("problem");
        return problem.is_string() && problem.get<std::string>().find("certificate") != std::string::npos;
    });
    CHECK(receiver.received().empty());
}

TEST_CASE("a receiver of OTLP gets records; what it refuses is counted, and while it is away they wait")
{
    MessageServer server;
    const int port = store::free_port();
    const std::string path = server.path("records"), token = server.path("token");
    std::ofstream(token) << "what it knows us by\n";
    std::filesystem::permissions(token, std::filesystem::perms::owner_read);
    const Other receiver(
        {"/usr/bin/python3", TEST_OTLP_RECEIVER, std::to_string(port), path, "what it knows us by"});
    describe(server, Json::array({{{"name", "otlp"},
                                   {"levels", {"alarm", "standard", "interaction"}},
                                   {"kind", "otlp"},
                                   {"url", fmt::format("http://127.0.0.1:{}/v1/logs", port)},
                                   {"ca", ""},
                                   {"token_file", token}}}));
    say_numbers(server, 0, 1000);
    await([&] { return numbers_in(lines_of(path)).size() == 1000; });
    const Json first = must(parse_json(lines_of(path).front()));
    CHECK(first.at("resource").at("attributes").at(0) ==
          Json({{"key", "host.name"}, {"value", {{"stringValue", "web1"}}}}));
    CHECK(first.at("record").at("severityText") == "standard");

    std::ofstream(path + ".down") << "";
    say_numbers(server, 1000, 1100);
    await([&] { return output_status(server).at("problem").is_string(); });
    std::filesystem::remove(path + ".down");
    await([&] { return numbers_in(lines_of(path)).size() == 1100; });

    INFO("one that it will not have keeps nobody else from it");
    {
        Voice voice(server.run());
        for (int i = 1100; i < 1150; ++i)
            REQUIRE(voice.say(fmt::format("{{\"text\":\"number {}.{}\"}}\n", i, i == 1120 ? " poison" : "")));
        CHECK(voice.sync() == 0);
    }
    await([&] { return numbers_in(lines_of(path)).size() == 1149; });
    CHECK_FALSE(numbers_in(lines_of(path)).contains(1120));
    await([&] { return server.all({{"id", "01-00026"}}).size() == 1; });
    CHECK(output_status(server).at("refused") == 1);
}

TEST_CASE("a receiver of OTLP that others wrote understands every record")
{
    const std::string folder = TEST_OTLP_FOLDER;
    INFO("npm and the packages of tests/messages/otlp are needed");
    // Where they are already nothing is asked of the network.
    REQUIRE(std::system(
                fmt::format("mkdir -p {0} && cp {1}/* {1}/.npmrc {0} && cd {0} && {{ [ -d node_modules ] || "
                            "npm ci --ignore-scripts --no-audit --no-fund > npm.log 2>&1; }}",
                            folder, TEST_OTLP_SOURCE)
                    .c_str()) == 0);
    MessageServer server;
    const int port = store::free_port();
    const std::string path = server.path("records");
    const Other receiver({"/usr/bin/env", "node", folder + "/receive.js", std::to_string(port), path});
    describe(server, Json::array({{{"name", "otlp"},
                                   {"levels", {"alarm", "standard", "interaction"}},
                                   {"kind", "otlp"},
                                   {"url", fmt::format("http://127.0.0.1:{}/v1/logs", port)},
                                   {"ca", ""},
                                   {"token_file", ""}}}));
    say_numbers(server, 0, 1000);
    await([&] { return numbers_in(lines_of(path)).size() == 1000; });
    for (const std::string& line : lines_of(path)) {
        const Json one = must(parse_json(line));
        CHECK(one.at("resource").at("attributes").at("host.name").get<std::string>() == "web1");
        CHECK(one.at("record").at("severityText").get<std::string>() == "standard");
        CHECK(one.at("record").at("body").get<std::string>().starts_with("number "));
    }
}

TEST_CASE("how long messages are kept is as it was told last")
{
    MessageServer server;
    say_numbers(server, 0, 10);
    server.ask("Describe",
               {{"host", "web1"}, {"applications", Json::array()}, {"keeping", {{"standard", 1}}}});
    await([&] { return server.all({{"id", "20-00010"}}).empty(); });
    for (const char* wrong : {R"({"keeping": {"loud": 5}})", R"({"keeping": {"standard": 0}})",
                              R"({"keeping": 3})", R"({"outputs": {}})", R"({"outputs": [{"name": "a"}]})"})
        CHECK_FALSE(server.client().call("Describe", must(parse_json(wrong))));
}

}  // namespace
}  // namespace belay::messages
