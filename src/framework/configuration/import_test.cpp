#include "framework/configuration/change.h"
#include "framework/configuration/testing/sample.h"
#include "framework/configuration/toml_text.h"

namespace belay::framework::configuration {
namespace {

TEST_CASE(
    "a file with errors of every kind: all are said at once, with line and column, and nothing is changed")
{
    const Configuration site = site_of(sample_site);
    const std::string text = R"(
[machine.x]
adress = "10.0.0.9"

[host.h3]
adress = "10.0.0.3"
heartbeat_interval = 5
heartbeat_timeout = "soon"
lost_after = "20000d"

[host.h4]
address = "10.0.0.4"
thresholds = { memory = 101, disk = "full", swap = 3 }

[application." x"]
host = "h9"
command = []
user = "0root"
nonstop = "often"
working_directory = "tmp"
autostart = "yes"
stop_signal = "SIGTREM"

[application.y]
host = "h1"
command = ["/usr/bin/y"]
prerequisites = [{ kind = "file" }, { kind = "application", application = "z" }, { kind = "port", address = "h" }]
ports = [{ name = "a", port = 2020 }, { name = "a", port = 70000 }]
connections = [{ to = "y" }, { to = "config server" }, { to = "config server" }]
limits = { memory = "some" }
environment = { "A B" = "x", LOG_LEVEL = "y", "1ST" = "z", "A=B" = "" }
secret_environment = { "A-B" = "planted", _ok2 = "planted" }
options = { log = { level = 1.5 }, other = 3 }

[application.z]
host = "h1"
command = ["/usr/bin/z"]
prerequisites = [{ kind = "application", application = "y" }]
ports = [{ name = "a", port = 2020 }]

[pair.p]
primary = "y"
backup = "y"

[alarm.a]
severity = "bad"

[script.s]
kind = "mail"

[host.gone]
remove = true

[host.h1]
id = 2

[host.h2]
unset = ["nothing", "adress"]

[solution.s]
id = 7

[person.anna]
id = 0
disabled = 1
roles = ["operator", "operator"]
)";
    const Imported imported = change_of(site, text);
    CHECK(imported.delta.empty());
    CHECK(
        all_problems(imported) ==
        R"GOLDEN(site.toml:2:2: error: there is no type "machine"; the types are host, device, storage, template, application, pair, solution, person, group, role, alarm, script, relay, snmp, output, policy
site.toml:5:7: error: host "h3" needs "address": The name or address by which others reach it.
site.toml:6:1: error: host has no attribute "adress", did you mean "address"?
site.toml:7:22: error: "heartbeat_interval" is a number here, and a text is wanted: write "500ms", "30s" or "2h"
site.toml:8:21: error: "heartbeat_timeout" is "soon", which is no length of time: write "500ms", "30s" or "2h"
site.toml:9:14: error: "lost_after" is "20000d", which is no length of time: write "500ms", "30s" or "2h"
site.toml:13:25: error: "memory" is 101, and 1 % to 100 % is possible
site.toml:13:37: error: "disk" is a text here, and a number is wanted: write it without quotes
site.toml:13:45: error: "thresholds" has no "swap"
site.toml:15:14: error: the name " x" begins or ends with a space
site.toml:16:8: error: there is no host "h9", did you mean "h1"?
site.toml:17:11: error: "command" names no program: write ["/the/program", "argument"]
site.toml:18:8: error: "user" is "0root", which is no name of an account
site.toml:19:11: error: "nonstop" is "often", and failures in a time are wanted: write "6/10s", or "0"
site.toml:20:21: error: "working_directory" is "tmp", and an absolute path is wanted: write "/the/path"
site.toml:21:13: error: "autostart" is a text here, and true or false is wanted: write true or false, without quotes
site.toml:22:15: error: "stop_signal" is "SIGTREM", and "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1" or "SIGUSR2" is wanted, did you mean "SIGTERM"?
site.toml:27:17: error: these applications wait for each other, so none of them could start: "y" -> "z" -> "y"
site.toml:27:18: error: "prerequisites" of the kind "file" needs "path": The file that must be there.
site.toml:27:82: error: "prerequisites" of the kind "port" needs "port": The port that must answer.
site.toml:28:39: error: "ports" has "a" twice
site.toml:28:60: error: "port" is 70000, and 1 to 65535 is possible
site.toml:29:23: error: application "y" refers to itself
site.toml:29:63: error: application "y" has application "config server" twice in "connections"
site.toml:30:21: error: "memory" is "some", which is no size: write "64KiB", "512MiB" or "4GiB"
site.toml:31:17: error: "environment" has "A B", which is no name of an environment variable: write letters, digits and "_", no digit first
site.toml:31:47: error: "environment" has "1ST", which is no name of an environment variable: write letters, digits and "_", no digit first
site.toml:31:60: error: "A=B" is no name for a value of "environment": it is empty, too long, or has "=" or a zero byte in it
site.toml:32:24: error: "secret_environment" has "A-B", which is no name of an environment variable: write letters, digits and "_", no digit first
site.toml:33:29: error: "options.log.level" is a value here, and an option is a text, a whole number, true or false: put it in quotes
site.toml:33:44: error: "options.other" is a number here, and a table is wanted: write { option = "value" }
site.toml:39:31: error: port 2020 of host "h1" is used twice, by "config server" and "z"
site.toml:43:10: error: pair "p" has the same application twice
site.toml:45:8: error: alarm "a" needs "detect": What raises it.
site.toml:46:12: error: "severity" is "bad", and "critical", "major" or "minor" is wanted
site.toml:48:9: error: script "s" needs "to": Mail addresses.
site.toml:48:9: error: script "s" needs "relay": Who takes the mail.
site.toml:51:7: error: host "gone" cannot be removed, for it is not there
site.toml:54:7: error: there are two objects host "h1", of the ids 2 and 1: a name is given once
site.toml:57:7: error: host "h2" is host "h1" once more, which stands in line 54
site.toml:58:10: error: "unset" has "nothing", which is no attribute of host
site.toml:58:21: error: "unset" has "adress", which is no attribute of host, did you mean "address"?
site.toml:60:11: error: the id 7 is that of pair "stat"
site.toml:64:6: error: an id is a number from 1 on, not 0
site.toml:65:12: error: "disabled" is a number here, and true or false is wanted: write true or false
site.toml:66:10: error: there is no role "operator"
site.toml:66:22: error: "roles" names "operator" twice
)GOLDEN");
}

TEST_CASE("what is no TOML at all is said with its place")
{
    const Imported imported =
        change_of(site_of(sample_site), "[host.h1]\naddress = \"10.0.0.1\n", Mode::whole);
    CHECK(imported.delta.empty());
    CHECK(all_problems(imported).starts_with("site.toml:2:"));
    CHECK(imported.problems.size() == 1);
}

TEST_CASE("an export reads back as the same, and its form is always the same")
{
    const KeyFolder folder;
    const KeyRing keys = must(KeyRing::open(folder.file()));
    const Configuration site = site_of(sample_site + R"(
[host."a \"quoted\" name\\ \u00e9"]
address = "tab\tand\u0001"
labels = { "with space" = "x", plain = "y" }

[storage.tape]
kind = "s3"
location = "https://s3.example"
access_key = "me"
secret_key = "hunter2"
capacity = "1536MiB"
disabled = true

[alarm.heartbeat]
severity = "critical"
detect = { event = "01-00012", missing_for = "90s", hosts = ["h1", "h2"] }
)",
                                       &keys);
    const std::string text = toml_text(site);
    CHECK(!text.contains("hunter2"));
    CHECK(text.contains("secret_key = \"sealed:"));
    CHECK(text.contains("capacity = \"1536MiB\"\n"));
    CHECK(text.contains("missing_for = \"90s\"\n"));
    CHECK(text.contains("[application.\"stat server\"]  # id "));
    for (const Mode mode : {Mode::merge, Mode::objects, Mode::whole}) {
        const Imported again = change_of(site, text, mode, &keys);
        CHECK(all_problems(again) == "");
        CHECK(again.delta.empty());
        CHECK(toml_text(again.wanted) == text);
    }
    const Imported edited = change_of(site, toml_text(site, Ids::as_attributes), Mode::whole, &keys);
    CHECK(all_problems(edited) == "");
    CHECK(edited.delta.empty());
    // In another site: the same names, other ids, the same text but for them.
    const Imported elsewhere = import_text(text, {}, Mode::whole, &keys);
    CHECK(all_problems(elsewhere) == "");
    CHECK(elsewhere.wanted.size() == site.size());
}

TEST_CASE("merge leaves what the file does not name: objects, attributes, fields and options")
{
    const Configuration site = site_of(sample_site);
    const Imported imported = change_of(site, R"(
[application."stat server"]
drain_timeout = "5s"
limits = { memory = "1GiB" }
options = { log = { file = "/var/log/stat" } }
)");
    CHECK(all_problems(imported) == "");
    CHECK(imported.delta.objects.size() == 1);
    CHECK(change_lines(describe(site, imported.delta)) ==
          std::vector<std::string>{"~ application \"stat server\"",
                                   "    drain_timeout: not set -> \"5s\" (at once)",
                                   "    options.log.file: not set -> \"/var/log/stat\" (after restart)",
                                   "    limits.memory: not set -> \"1GiB\" (at once)",
                                   "! application \"stat server\" has to restart: options.log.file",
                                   "! application \"stat server b\" has to restart: options.log.file"});
    const Object& after = *imported.delta.objects.front().after;
    CHECK(after.value("shutdown_timeout") == 20'000);
    CHECK(after.value("options.log.level") == "debug");
}

TEST_CASE("unset goes back to the standard, remove takes the object away")
{
    const Configuration site = site_of(sample_site);
    const Imported imported = change_of(site, R"(
[application."stat server"]
unset = ["shutdown_timeout", "options.log.level", "limits.memory"]
[solution.reporting]
remove = true
)");
    CHECK(all_problems(imported) == "");
    CHECK(change_lines(describe(site, imported.delta)) ==
          std::vector<std::string>{
              "~ application \"stat server\"", "    shutdown_timeout: \"20s\" -> not set (at once)",
              "    options.log.level: \"debug\" -> not set (at once)", "- solution \"reporting\""});
    CHECK(imported.wanted.find("application", "stat server")->value("shutdown_timeout") == 30'000);
}

TEST_CASE("objects replaces those that it names and leaves the others; whole removes the others")
{
    const Configuration site = site_of(sample_site);
    const std::string text = R"(
[host.h1]
address = "10.0.0.1"
[application."config server"]
host = "h1"
command = ["/usr/bin/config-server"]
)";
    const Imported objects = change_of(site, text, Mode::objects);
    const std::string moved = "application \"config server\" is reached elsewhere";
    CHECK(all_problems(objects) == "");
    CHECK(change_lines(describe(site, objects.delta)) ==
          std::vector<std::string>{
              "~ application \"config server\"",
              "    ports[main]: { name = \"main\", port = 2020 } -> not set (after restart)",
              "! application \"config server\" has to restart: ports[main]",
              "! application \"stat server\" reconnects: " + moved,
              "! application \"stat server b\" reconnects: " + moved});
    const Imported whole = change_of(site, text, Mode::whole);
    CHECK(all_problems(whole) == "");
    CHECK(whole.wanted.size() == 2);
    CHECK(summary_of(whole.delta) == "1 changed, 6 removed");
    CHECK(all_problems(change_of(site, "# nothing", Mode::whole)) ==
          "site.toml:1:1: error: the file names no object, and as the whole it would remove all 8 that there "
          "are\n");
}

TEST_CASE(
    "by its id an object gets another name, and who refers to it need not be told; names can be swapped")
{
    const Configuration site = site_of(sample_site);
    const Id h1 = site.find("host", "h1")->id, h2 = site.find("host", "h2")->id;
    const Imported renamed = change_of(site, fmt::format("[host.alpha]\nid = {}\n", h1));
    CHECK(all_problems(renamed) == "");
    CHECK(renamed.delta.objects.size() == 1);
    CHECK(change_lines(describe(site, renamed.delta)) ==
          std::vector<std::string>{"~ host \"alpha\", which was \"h1\""});
    const Imported swapped = change_of(site, fmt::format("[host.h2]\nid = {}\n[host.h1]\nid = {}\n", h1, h2));
    CHECK(all_problems(swapped) == "");
    CHECK(swapped.delta.objects.size() == 2);
    CHECK(swapped.wanted.find("host", "h2")->id == h1);
    const Imported taken = change_of(site, fmt::format("[host.h2]\nid = {}\n", h1));
    CHECK(all_problems(taken) ==
          fmt::format("site.toml:1:7: error: there are two objects host \"h2\", of the ids {} "
                      "and {}: a name is given once\n",
                      h1, h2));
}

TEST_CASE("an id is given to no other object")
{
    Configuration site = site_of(sample_site);
    const Id gone = site.find("solution", "reporting")->id;
    site.remove(gone);
    const Imported again = change_of(site, fmt::format("[solution.other]\nid = {}\n", gone));
    CHECK(all_problems(again).contains("was given to an object that is gone"));
    CHECK(all_problems(change_of(site, "[solution.other]\nid = 1000\n")) == "");
    CHECK(all_problems(change_of(site, "[solution.other]\nid = 1\n"))
              .contains("the id 1 is that of host \"h1\""));
}

TEST_CASE("what others still refer to cannot be removed: the line says who does")
{
    const Configuration site = site_of(sample_site);
    CHECK(all_problems(change_of(site, "\n[host.h2]\nremove = true\n")) ==
          "site.toml:2:7: error: application \"stat server b\" refers to the host 2, which is not there\n");
}

TEST_CASE("secrets: plain text is sealed, the same one again changes nothing, another one does")
{
    const KeyFolder folder;
    const KeyRing keys = must(KeyRing::open(folder.file()));
    const Configuration site = site_of(sample_site, &keys);
    const std::string text = R"(
[application."stat server"]
secret_environment = { PASSWORD = "hunter2" }
options = { database = { password = "hunter3" } }
)";
    const Imported first = change_of(site, text, Mode::merge, &keys);
    CHECK(all_problems(first) == "");
    const std::string written = json_text(to_json_list(first.delta));
    CHECK(!written.contains("hunter"));
    CHECK(change_lines(describe(site, first.delta)) ==
          std::vector<std::string>{
              "~ application \"stat server\"",
              "    secret_environment.PASSWORD: not set -> (sealed) (after restart)",
              "    options.database.password: not set -> (sealed) (after restart)",
              "! application \"stat server\" has to restart: secret_environment.PASSWORD",
              "! application \"stat server b\" has to restart: options.database.password"});
    const Object* stat = first.wanted.find("application", "stat server");
    CHECK(must(keys.unseal(stat->text("secret_environment.PASSWORD"))).view() == "hunter2");
    CHECK(must(keys.unseal(stat->text("options.database.password"))).view() == "hunter3");
    CHECK(change_of(first.wanted, text, Mode::merge, &keys).delta.empty());
    const Imported other = change_of(first.wanted, R"(
[application."stat server"]
secret_environment = { PASSWORD = "hunter4" }
)",
                                     Mode::merge, &keys);
    CHECK(change_lines(describe(first.wanted, other.delta)).size() == 3);
    const KeyFolder other_folder;
    const KeyRing other_keys = must(KeyRing::open(other_folder.file()));
    const Imported foreign = change_of(site,
                                       fmt::format(R"(
[application."stat server"]
secret_environment = {{ PASSWORD = "{}" }}
)",
                                                   other_keys.seal("hunter2")),
                                       Mode::merge, &keys);
    CHECK(all_problems(foreign).contains(
        "site.toml:3:35: error: \"PASSWORD\" cannot be opened: a secret was sealed by a key"));
}

}  // namespace
}  // namespace belay::framework::configuration
