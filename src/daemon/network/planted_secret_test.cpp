// Secrets are planted wherever one may be told to Belay, and then looked for in all that is written, said,
// logged and handed to other programs: they are nowhere but where they belong.

#include "base/base64.h"
#include "daemon/network/testing/machine.h"
#include "framework/configuration/packed_text.h"
#include "site/identity/secret.h"
#include "site/remote/invitation.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace belay::daemon {
namespace {

using namespace testing;

namespace fs = std::filesystem;

/// What must not be seen, by what it is.
using Planted = std::map<std::string, std::string>;
/// What was found, by where it was.
using Seen = std::map<std::string, std::string>;

/// What the packed changes of the configuration say that are somewhere in a text.
std::string unpacked_in(const std::string& text)
{
    constexpr size_t shortest = 40;
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    std::string all;
    for (size_t at = text.find_first_of(digits); at != std::string::npos;) {
        const size_t end = std::min(text.find_first_not_of(digits, at), text.size());
        if (end - at >= shortest) {
            const auto bytes = from_base64(text.substr(at, end - at));
            const auto said = bytes ? framework::configuration::unpack_text(*bytes, "nothing") : bytes;
            if (said) all += *said;
        }
        at = text.find_first_of(digits, end);
    }
    return all;
}

/// Every program that a process and its children run is written down, with its arguments and its environment.
std::vector<std::string> under_the_eye(const std::string& file)
{
    return {"/usr/bin/strace", "-E", untraced_leaks, "-D", "-f", "-q", "-v", "-s",
            "1000000",         "-e", "trace=execve", "-o", file};
}

/// A site of a controller and two hosts that say all they can in their logs.
struct Talkative {
    Machine controller, web1, web2;
    Person person;
    std::string said;     ///< by all commands
    std::string changes;  ///< the packed ones in it
    Planted planted;

    Talkative()
    {
        controller.make_controller();
        begin(controller);
        for (const auto& [name, machine] : {std::pair{"web1", &web1}, std::pair{"web2", &web2}}) {
            const std::string word = controller.ask("HostInvite", {{"name", name}}).at("word");
            const std::string secret = need(site::read_invitation(word)).secret;
            plant(fmt::format("the secret of the invitation of {}", name), secret);
            plant(fmt::format("the same as text, of {}", name), site::as_text(secret));
            plant(fmt::format("the invitation of {}", name), word);
            hear(machine->belayd({"join", "-"}, word + "\n"));
            begin(*machine);
            REQUIRE(machine->await_status(is_attached));
        }
    }

    static void begin(Machine& machine)
    {
        machine.start({"--log-verbose", "all", "--log-file", machine.path("log")},
                      under_the_eye(machine.path("programs")));
    }
    void plant(const std::string& what, const std::string& secret)
    {
        REQUIRE(secret.size() >= 16);
        planted[what] = secret;
    }
    void hear(const Ran& ran, int code = 0)
    {
        CHECK_MESSAGE(ran.code == code, ran.said);
        said += ran.said;
    }
    void at_controller(const std::vector<std::string>& words, int code = 0, const std::string& input = "")
    {
        hear(controller.belay(words, input), code);
    }

    /// What a supervisor starts its applications anew by: as the environment of a process, for root alone,
    /// and gone with the boot.
    static bool is_of_supervisor(const std::string& path)
    {
        if (path.find("/applications/") == std::string::npos) return false;
        CHECK_MESSAGE(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write),
                      path);
        const fs::path folder = fs::path(path).parent_path();
        // Others find the socket in it that is theirs, and nothing else.
        const fs::perms others = fs::perms::group_exec | fs::perms::others_exec;
        CHECK_MESSAGE((fs::status(folder).permissions() & ~others) == fs::perms::owner_all, folder.string());
        return true;
    }

    /// Everything that there is on a machine, and in its logs.
    Seen files() const
    {
        Seen seen;
        for (const Machine* machine : {&controller, &web1, &web2}) {
            for (const auto& entry : fs::recursive_directory_iterator(machine->path(""))) {
                if (!entry.is_regular_file()) continue;
                const std::string path = entry.path();
                if (is_of_supervisor(path)) continue;
                const std::string who = machine == &controller ? "controller"
                                        : machine == &web1     ? "web1"
                                                               : "web2";
                seen[who + path.substr(machine->path("").size() - 1)] = text_of_file(path);
            }
        }
        return seen;
    }
};

/// A configuration with a secret of every kind: `round` tells those of one time from those of another.
std::string secret_configuration(Planted& planted, int round)
{
    const auto secret = [&](const std::string& what) {
        return planted[fmt::format("{} of round {}", what, round)] =
                   fmt::format("planted-{}-{}-4711", what, round);
    };
    return fmt::format(R"([host.web1]
address = "10.0.0.1"

[template.shop]
[[template.shop.options]]
section = "database"
name = "password"
secret = true

[application.shop]
host = "web1"
template = "shop"
command = ["/usr/bin/shop"]
secret_environment = {{ TOKEN = "{}" }}
options = {{ database = {{ password = "{}" }} }}

[storage.s1]
kind = "s3"
location = "https://s3.example"
access_key = "me"
secret_key = "{}"
password = "{}"

[script.hook]
kind = "webhook"
url = "https://hook.example"
token = "{}"
)",
                       secret("environment"), secret("option"), secret("key"), secret("password"),
                       secret("token"));
}

TEST_CASE("planted secrets are in no state folder, log, answer, argument or environment")
{
    Talkative site;
    const store::ScratchFolder outside;
    const std::string file = outside / "site.toml";
    const auto write_file = [&](const std::string& text) { std::ofstream(file) << text; };
    const auto carry_out = [&](const std::string& operation) {
        for (const char* how : {"", "--json"}) {
            std::vector<std::string> words = {"show", operation};
            if (*how != '\0') words.emplace_back(how);
            site.at_controller(words);
            words.emplace_back("--journal");
            site.at_controller(words);
        }
        site.at_controller({"commit", operation});
    };

    INFO("a configuration with secrets is applied, changed, and goes back");
    write_file(secret_configuration(site.planted, 1));
    site.at_controller({"config", "check", file});
    site.at_controller({"config", "diff", file});
    site.at_controller({"config", "diff", file, "--json"});
    site.at_controller({"config", "apply", file, "--gate", "command:true", "--why", "begins"});
    carry_out("1");
    write_file(secret_configuration(site.planted, 2));
    site.at_controller({"config", "apply", file, "--json"});
    carry_out("2");
    site.at_controller({"config", "revert", "1"});
    carry_out("3");
    site.at_controller({"add", "config.rotate-key"});
    site.at_controller({"activate", "4", "--json"});
    carry_out("4");

    INFO("files that are wrong are complained of, and not repeated");
    const std::string wrong = site.planted["a secret in a file that is wrong"] = "planted-wrong-4711";
    for (const std::string& text : {fmt::format("[storage.s1]\nsecret_kye = \"{}\"\n", wrong),
                                    fmt::format("[storage.s1]\nsecret_key = [\"{}\"]\n", wrong),
                                    fmt::format("[storage.s1]\nsecret_key = \"{}\n", wrong),
                                    fmt::format("[application.shop]\nsecret_environment = \"{}\"\n", wrong),
                                    fmt::format("[storage.s1]\nsecret_key = \"sealed:{}\"\n", wrong)}) {
        write_file(text);
        site.at_controller({"config", "check", file}, 2);
        site.at_controller({"config", "apply", file}, 2);
        site.at_controller({"config", "apply", file, "--json"}, 2);
    }

    INFO("people are let in, and one is not");
    const std::string password = site.planted["a password"] = "planted-horse-4711";
    const std::string newer = site.planted["a newer password"] = "planted-battery-4711";
    const std::string guessed = site.planted["a password that was guessed"] = "planted-guess-4711";
    site.at_controller({"account", "add", "anna", "--role", "administer"}, 0, password + "\n");
    site.at_controller({"account", "password", "anna"}, 0, newer + "\n");
    const Ran listed = site.controller.belay({"account", "list", "--json"});
    const std::string word = need(parse_json(listed.out)).at("site");
    const std::vector<std::string> login = {"login", word, "--account", "anna", "--as", "branch-3"};
    site.hear(site.person.belay(login, guessed + "\n"), 6);
    site.hear(site.person.belay(login, newer + "\n"));
    const Json session = need(parse_json(text_of_file(site.person.site_file("branch-3"))));
    site.plant("the token of a session", session.at("token"));
    for (const char* what : {"export", "get"})
        site.hear(site.person.belay({"--site", "branch-3", "config", what}));

    INFO("everything is shown");
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"config", "get", "storage", "s1"},
                                               {"config", "export"},
                                               {"config", "history"},
                                               {"history"},
                                               {"history", "--audit"},
                                               {"status"},
                                               {"account", "list"},
                                               {"host", "list"}}) {
        for (Machine* machine : {&site.controller, &site.web1}) {
            for (const char* how : {"", "--json"}) {
                std::vector<std::string> asked = words;
                if (*how != '\0') asked.emplace_back(how);
                // A host refuses some of it.
                site.said += machine->belay(asked).said;
            }
        }
    }
    const std::string copy = site.web2.belay({"config", "export"}).out;
    CHECK(contains(copy, "secret_key = \"sealed:"));
    site.said += copy;

    INFO("what was written down while they ran, and what is there when they have ended");
    const auto look = [&] {
        Seen seen = site.files();
        seen["what the commands said"] = site.said;
        // The test itself must be able to see: what it looks for is there in its sealed form.
        CHECK(contains(seen.at("controller/state/belay.db") + seen.at("controller/state/belay.db-wal"),
                       "sealed:"));
        CHECK(contains(seen.at("what the commands said"), "sealed:"));
        for (const char* who : {"controller", "web1", "web2"}) {
            CHECK(contains(seen.at(fmt::format("{}/log", who)), "serves "));
            CHECK(contains(seen.at(fmt::format("{}/programs", who)), "belayd_for_tests-site"));
        }
        CHECK(contains(seen.at("controller/programs"), "/true"));
        for (const auto& [where, text] : seen) {
            const std::string also = unpacked_in(text);
            for (const auto& [what, secret] : site.planted) {
                const bool is_there = contains(text, secret) || contains(also, secret);
                CHECK_MESSAGE(!is_there, what, " is in ", where);
            }
        }
    };
    look();

    INFO("keys are each in one file");
    const std::string key_line = text_of_file(site.controller.state() + "/configuration.key");
    const std::string key = key_line.substr(key_line.rfind(' ') + 1, 40);
    REQUIRE(key.size() == 40);
    // The first line of each is the same, and what follows in the second is public.
    const auto part_of_key = [](const std::string& pem) {
        return pem.substr(pem.find('\n', pem.find('\n') + 1) + 1, 20);
    };
    const Json authority = need(parse_json(text_of_file(site.controller.state() + "/site/authority.json")));
    const Json membership = need(parse_json(text_of_file(site.web1.state() + "/site/membership.json")));
    const std::map<std::string, std::pair<std::string, std::string>> keys = {
        {"the key of the configuration", {key, "controller/state/configuration.key"}},
        {"the key of the authority",
         {part_of_key(authority.at("key")), "controller/state/site/authority.json"}},
        {"the key of web1", {part_of_key(membership.at("key")), "web1/state/site/membership.json"}}};
    for (const auto& [where, text] : site.files()) {
        for (const auto& [what, at] : keys)
            CHECK_MESSAGE(contains(text, at.first) == (where == at.second), what, " and ", where);
    }
    for (Machine* machine : {&site.controller, &site.web1, &site.web2}) machine->stop();
    CHECK(!contains(site.said, key));
}

}  // namespace
}  // namespace belay::daemon
