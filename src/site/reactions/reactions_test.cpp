// Reactions against real receivers: a mail server, an HTTPS server, commands.

#include "site/reactions/reactions.h"

#include "base/base64.h"
#include "base/testing/must.h"
#include "framework/configuration/testing/sample.h"
#include "host/real.h"
#include "site/reactions/testing/receivers.h"

#include <csignal>
#include <unistd.h>

namespace belay::site {
namespace {

using framework::alarms::Alarm;
using framework::alarms::Deed;
using framework::configuration::KeyFolder;
using framework::configuration::KeyRing;
using framework::configuration::sample_site;
using framework::configuration::site_of;
using testing::Receiver;

constexpr const char* secret = "correct-horse-battery";

struct NoControls final : SiteControls {
    std::vector<std::string> asked;

    Result<std::string> order(const std::string& application, const std::string& verb,
                              const std::string& why) override
    {
        asked.push_back(fmt::format("{} {} ({})", verb, application, why));
        return asked.back();
    }
    Result<std::string> switch_over(const std::string& pair, const std::string& why) override
    {
        asked.push_back(fmt::format("switch over {} ({})", pair, why));
        return asked.back();
    }
    Result<std::string> begin_operation(const std::string& procedure,
                                        const std::map<std::string, std::string>& arguments,
                                        const std::string& why) override
    {
        asked.push_back(fmt::format("begin {} {} ({})", procedure, arguments.size(), why));
        return asked.back();
    }
    Result<std::string> run_on(const std::string& host, const Json& errand, Milliseconds) override
    {
        asked.push_back(fmt::format("run {} on {}", json_text(errand.at("argv")), host));
        return asked.back();
    }
    std::string own_host() override { return "h1"; }
};

/// What a real host is asked to run, remembered.
struct Witness final : host::Host {
    std::unique_ptr<host::Host> real = host::real_host();
    std::vector<std::string> lines = {};

    Result<host::Outcome> run(const host::Command& command) override
    {
        lines.push_back(fmt::format("{}", fmt::join(command.argv, " ")));
        return real->run(command);
    }
    Result<std::string> read(std::string_view path, Bytes limit) override { return real->read(path, limit); }
    Result<void> write(std::string_view path, std::string_view text) override
    {
        return real->write(path, text);
    }
    Result<void> replace(std::string_view path, std::string_view text) override
    {
        return real->replace(path, text);
    }
    Result<void> remove(std::string_view path) override { return real->remove(path); }
    Result<std::vector<std::string>> list(std::string_view path) override { return real->list(path); }
    Result<std::string> resolve(std::string_view path) override { return real->resolve(path); }
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override
    {
        return real->read_at(path, offset, size);
    }
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override
    {
        return real->write_at(path, offset, bytes);
    }
    Result<host::Space> space(std::string_view path) override { return real->space(path); }
    Result<host::Moment> now() override { return real->now(); }
    Result<std::string> random(size_t count) override { return real->random(count); }
};

struct ReactionBench {
    store::Certificates certificates;
    KeyFolder folder;
    KeyRing keys = must(KeyRing::open(folder.file()));
    NoControls controls;
    Witness host;
    Alarm alarm{.number = 7,
                .key = {.condition = "disk-full", .host = "h1", .application = "stat server"},
                .severity = framework::alarms::Severity::major,
                .count = 1,
                .first = Milliseconds(1'700'000'000'000),
                .text = "{host} is full: \xc3\xa4\r\nBcc: eve@example.org"};

    ReactionBench()
    {
        certificates.make_ca("ca");
        certificates.sign("server", "ca");
        certificates.make_ca("other");
    }

    /// Does what the script "s" of this text says.
    Result<std::string> perform(const std::string& toml)
    {
        const auto site = std::make_shared<const framework::configuration::Configuration>(
            site_of(sample_site + toml, &keys));
        Reactions reactions({.host = host,
                             .controls = controls,
                             .program = TEST_REACT,
                             .configuration = [site] { return std::shared_ptr(site); },
                             .unseal = [this](std::string_view sealed) -> Result<std::string> {
                                 const auto opened = TRY(keys.unseal(sealed));
                                 return std::string(opened.view());
                             },
                             .wall = [] { return Milliseconds(1'700'000'000'000); }});
        const auto* const script = site->find("script", "s");
        REQUIRE(script != nullptr);
        const Deed deed{.script = script->id, .name = "s", .kind = script->text("kind")};
        CHECK_FALSE(reactions.outlook(alarm, deed).contains(secret));
        Result<std::string> done = reactions.perform(alarm, deed);
        CHECK_FALSE((done ? *done : done.error().what).contains(secret));
        for (const std::string& line : host.lines) CHECK_FALSE(line.contains(secret));
        return done;
    }

    std::string mail_by(int port, const std::string& tls, const std::string& ca = "ca",
                        const std::string& password = secret, const std::string& timeout = "30s") const
    {
        const std::string account =
            tls == "none" ? std::string() : fmt::format("account = \"belay\"\npassword = \"{}\"\n", password);
        return fmt::format(
            "[relay.r]\nserver = \"127.0.0.1:{}\"\nfrom = \"belay@example.org\"\ntls = \"{}\"\n"
            "ca = \"{}\"\n{}\n[script.s]\nkind = \"mail\"\nrelay = \"r\"\n"
            "to = [\"anna@example.org\", \"bob@example.org\"]\ntimeout = \"{}\"\n",
            port, tls, certificates / (ca + ".pem"), account, timeout);
    }
    Receiver mail_server(const std::string& mode) const
    {
        return {"mail_server.py",
                mode.starts_with("none")
                    ? std::vector<std::string>{mode}
                    : std::vector<std::string>{mode, certificates / "server.pem", certificates / "server.key",
                                               "belay", secret}};
    }
    std::string hook_to(const Receiver& receiver, const std::string& more = "",
                        const std::string& ca = "ca") const
    {
        return fmt::format(
            "[script.s]\nkind = \"webhook\"\nurl = \"https://127.0.0.1:{}/hook\"\nca = \"{}\"\n"
            "timeout = \"30s\"\ntoken = \"{}\"\n{}",
            receiver.port, certificates / (ca + ".pem"), secret, more);
    }
    Receiver web_receiver(const std::string& answer) const
    {
        return {"web_receiver.py", {answer, certificates / "server.pem", certificates / "server.key"}};
    }
};

TEST_CASE("a mail server takes the mail: over STARTTLS and TLS with an account, and in the clear without")
{
    ReactionBench bench;
    for (const std::string& tls : std::vector<std::string>{"starttls", "tls", "none"}) {
        INFO(tls);
        const Receiver server = bench.mail_server(tls);
        const Result<std::string> done = bench.perform(bench.mail_by(server.port, tls));
        REQUIRE_MESSAGE(done.has_value(), done.error().what);
        CHECK(*done ==
              fmt::format("127.0.0.1:{} took the mail to anna@example.org, bob@example.org", server.port));
        const std::vector<Json> taken = server.taken();
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].at("from") == "belay@example.org");
        CHECK(taken[0].at("to") == Json({"anna@example.org", "bob@example.org"}));
        CHECK(taken[0].at("encrypted") == (tls != "none"));
        CHECK(taken[0].at("authenticated") == (tls != "none"));
        const std::string content = taken[0].at("content");
        CHECK(content.contains("\r\nMessage-ID: <belay.1700000000000.7."));
        CHECK_FALSE(content.contains("\r\nBcc:"));
        CHECK_FALSE(content.contains(secret));
        const std::string body = content.substr(content.find("\r\n\r\n") + 4);
        std::string whole = body;
        std::erase_if(whole, [](char c) { return c == '\r' || c == '\n'; });
        CHECK(must(from_base64(whole)).starts_with("{host} is full: \xc3\xa4"));
    }
}

TEST_CASE("a mail server whose certificate or account is not right gets no mail, and nobody tries for ever")
{
    ReactionBench bench;
    const Receiver server = bench.mail_server("starttls");
    const Result<std::string> stranger = bench.perform(bench.mail_by(server.port, "starttls", "other"));
    REQUIRE_FALSE(stranger);
    CHECK(stranger.error().kind == ErrorKind::refused);
    const Result<std::string> wrong = bench.perform(bench.mail_by(server.port, "starttls", "ca", "guessed"));
    REQUIRE_FALSE(wrong);
    CHECK_FALSE(is_worth_another(wrong.error().kind));
    const Receiver clear = bench.mail_server("none");
    const Result<std::string> unencrypted = bench.perform(bench.mail_by(clear.port, "starttls"));
    REQUIRE_FALSE(unencrypted);
    CHECK(unencrypted.error().kind == ErrorKind::refused);
    CHECK(server.taken().empty());
    CHECK(clear.taken().empty());
}

TEST_CASE("a mail server that says later is tried again, one that says never is not, one that hangs is left")
{
    ReactionBench bench;
    const Receiver later = bench.mail_server("none-later"), never = bench.mail_server("none-never"),
                   hangs = bench.mail_server("none-hangs");
    CHECK(bench.perform(bench.mail_by(later.port, "none")).error().kind == ErrorKind::unavailable);
    CHECK(bench.perform(bench.mail_by(never.port, "none")).error().kind == ErrorKind::refused);
    CHECK(is_worth_another(bench.perform(bench.mail_by(hangs.port, "none", "ca", "", "500ms")).error().kind));
    const std::string toml = bench.mail_by(store::free_port(), "none");
    CHECK(bench.perform(toml).error().kind == ErrorKind::unavailable);
}

TEST_CASE("a receiver gets the alarm as JSON with the token, and a text that was filled in")
{
    ReactionBench bench;
    const Receiver receiver = bench.web_receiver("204");
    const Result<std::string> done = bench.perform(bench.hook_to(receiver, "body = \"{alarm}: {text}\"\n"));
    REQUIRE_MESSAGE(done.has_value(), done.error().what);
    CHECK(done->ends_with("answered 204"));
    const std::vector<Json> taken = receiver.taken();
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].at("path") == "/hook");
    CHECK(taken[0].at("headers").at("Authorization") == fmt::format("Bearer {}", secret));
    CHECK(taken[0].at("headers").at("Content-Type") == "application/json");
    CHECK(taken[0]
              .at("headers")
              .at("Idempotency-Key")
              .get<std::string>()
              .starts_with("belay.1700000000000.7."));
    CHECK(taken[0].at("body").at("alarm") == "disk-full");
    CHECK(taken[0].at("body").at("body") == "disk-full: {host} is full: \xc3\xa4\r\nBcc: eve@example.org");
}

TEST_CASE("a receiver with another certificate gets no token; redirects are not followed; later is later")
{
    ReactionBench bench;
    const Receiver receiver = bench.web_receiver("200"), busy = bench.web_receiver("503"),
                   gone = bench.web_receiver("404"), elsewhere = bench.web_receiver("redirects"),
                   hangs = bench.web_receiver("hangs");
    CHECK(bench.perform(bench.hook_to(receiver, "", "other")).error().kind == ErrorKind::refused);
    CHECK(receiver.taken().empty());
    CHECK(bench.perform(bench.hook_to(busy)).error().kind == ErrorKind::unavailable);
    CHECK(bench.perform(bench.hook_to(gone)).error().kind == ErrorKind::refused);
    CHECK(bench.perform(bench.hook_to(elsewhere)).error().kind == ErrorKind::refused);
    CHECK(elsewhere.taken().size() == 1);
    std::string quick = bench.hook_to(hangs);
    quick.replace(quick.find("\"30s\""), 5, "\"500ms\"");
    CHECK(bench.perform(quick).error().kind == ErrorKind::unavailable);
}

TEST_CASE("a command gets its words and the alarm in its environment, and no shell reads them")
{
    ReactionBench bench;
    const auto command = [](const std::string& words, const std::string& more = "") {
        return fmt::format("[script.s]\nkind = \"command\"\ntimeout = \"30s\"\ncommand = [{}]\n{}", words,
                           more);
    };
    CHECK(must(bench.perform(command(R"("/usr/bin/printf", "%s", "$(id); `id`")"))) ==
          "the command ended well: $(id); `id`");
    CHECK(must(bench.perform(command(
              R"("/bin/sh", "-c", "echo \"$BELAY_ALARM $BELAY_ALARM_HOST $BELAY_ALARM_NUMBER\"")"))) ==
          "the command ended well: disk-full h1 7");
    CHECK(must(bench.perform(command(R"("/usr/bin/true")"))) == "the command ended well");
    const auto fails = bench.perform(command(R"("/bin/sh", "-c", "echo no good >&2; exit 3")"));
    CHECK(fails.error().kind == ErrorKind::failed);
    CHECK(fails.error().what == "it ended with 3: no good");
    const auto dies = bench.perform(command(R"("/bin/sh", "-c", "kill -9 $$")"));
    CHECK(dies.error().what == "it ended with 137");
    CHECK(bench.perform(command(R"("/no/such")")).error().what ==
          "it ended with 126: cannot run /no/such: No such file or directory");
    // Nothing of belayd is open in it but its three standard files.
    // By the shell alone: a program that it starts, and a pipe to it, would be seen as well.
    const std::string look =
        "open=; for n in 0 1 2 3 4 5 6 7 8 9; do "
        "if [ -e /proc/$$/fd/$n ]; then open=\\\"$open $n\\\"; fi; done; echo $open";
    CHECK(must(bench.perform(command(fmt::format(R"("/bin/sh", "-c", "{}")", look)))) ==
          "the command ended well: 0 1 2");
    if (geteuid() != 0) return;
    CHECK(must(bench.perform(command(R"("/usr/bin/id", "-un")", "user = \"nobody\"\n"))) ==
          "the command ended well: nobody");
    CHECK(must(bench.perform(command(R"("/usr/bin/id", "-Gn")", "user = \"nobody\"\n"))) ==
          "the command ended well: nogroup");
    CHECK(bench.perform(command(R"("/usr/bin/id")", "user = \"nobody-there\"\n")).error().what ==
          "it ended with 126: there is no account nobody-there on this host");
}

TEST_CASE("a command that hangs is ended with all that it started")
{
    ReactionBench bench;
    const store::ScratchFolder folder;
    const auto hangs =
        bench.perform(fmt::format("[script.s]\nkind = \"command\"\ntimeout = \"1s\"\n"
                                  "command = [\"/bin/sh\", \"-c\", \"sleep 1000 & echo $! > {}; wait\"]\n",
                                  folder / "pid"));
    CHECK(hangs.error().kind == ErrorKind::timeout);
    const pid_t child = std::stoi(must(host::files::read(folder / "pid", {32})));
    testing::await(
        [&] {
            return kill(child, 0) != 0 ||
                   must(host::files::read(fmt::format("/proc/{}/stat", child), {4096})).contains(") Z ");
        },
        "its child ends");
}

TEST_CASE("what is started, stopped, switched over and begun goes to the daemon, on other hosts as well")
{
    ReactionBench bench;
    const auto script = [](const std::string& text) { return "[script.s]\n" + text; };
    CHECK(must(bench.perform(script("kind = \"restart\"\n"))) == "restart stat server (alarm 7: disk-full)");
    CHECK(must(bench.perform(script("kind = \"stop\"\napplication = \"config server\"\n"))) ==
          "stop config server (alarm 7: disk-full)");
    CHECK(must(bench.perform(script("kind = \"switch-over\"\npair = \"stat\"\n"))) ==
          "switch over stat (alarm 7: disk-full)");
    CHECK(must(bench.perform(script(
              "kind = \"operation\"\nprocedure = \"disk.locate\"\narguments = { disk = \"sda\" }\n"))) ==
          "begin disk.locate 1 (alarm 7: disk-full)");
    CHECK(must(bench.perform(script("kind = \"command\"\ncommand = [\"/bin/x\"]\nhost = \"h2\"\n"))) ==
          R"(the command ended well: run ["/bin/x"] on h2)");
    bench.alarm.key.application.clear();
    CHECK(bench.perform(script("kind = \"start\"\n")).error().kind == ErrorKind::refused);
}

}  // namespace
}  // namespace belay::site
