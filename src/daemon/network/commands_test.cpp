// The commands about people and hosts as they are typed, against a real controller: what each does, what it
// refuses, its exit code and its JSON.

#include "daemon/network/testing/machine.h"

#include <filesystem>
#include <fmt/ranges.h>

namespace belay::daemon {
namespace {

using namespace testing;

using Typed = std::vector<std::string>;

/// What is typed, and what comes of it.
struct Line {
    Typed words;
    int code = 0;
    std::string says = {};   ///< among the rest
    std::string input = {};  ///< on standard input
};

template <typename Who>
Ran type(Who& who, const Line& line)
{
    INFO("belay ", fmt::format("{}", fmt::join(line.words, " ")));
    Ran ran = who.belay(line.words, line.input);
    CHECK_MESSAGE(ran.code == line.code, ran.said);
    CHECK_MESSAGE(contains(ran.said, line.says), ran.said);
    return ran;
}

template <typename Who>
void type_all(Who& who, const std::vector<Line>& lines)
{
    for (const Line& line : lines) type(who, line);
}

Json json_of_ran(const Ran& ran)
{
    return need(parse_json(ran.out));
}

constexpr const char* annas_password = "correct horse\n";

TEST_CASE("a file that is applied again changes nothing and is no failure; to look makes no key")
{
    Machine machine;
    const std::string file = machine.path("site.toml");
    std::ofstream(file)
        << "[host.web1]\naddress = \"10.0.0.1\"\n[application.shop]\nhost = \"web1\"\ncommand = "
           "[\"/bin/shop\"]\nsecret_environment = { PASSWORD = \"planted\" }\n";
    const auto has_key = [&] { return std::filesystem::exists(machine.state() + "/configuration.key"); };
    type_all(machine, {{{"config", "diff", file}, 0, "+ host \"web1\""},
                       {{"config", "diff", file, "--json"}, 0, "\"operation\":null"}});
    CHECK(!has_key());
    const std::string same =
        "The configuration is as " + file + " wants it already: there is nothing to change";
    type_all(machine, {{{"config", "apply", file}, 0, "operation 1 is activated"},
                       {{"commit", "1"}, 0, "operation 1 is committed"},
                       {{"config", "apply", file}, 0, same},
                       {{"config", "apply", file, "--json"}, 0, "{\"changed\":false}"},
                       {{"config", "import", file}, 0, same},
                       {{"config", "diff", file}, 0, same},
                       {{"config", "revert", "1"}, 0, "there is nothing to change"},
                       {{"history"}, 0, "committed  config.change"}});
    CHECK(has_key());
    std::ofstream(file) << "[application.shop]\nenvironment = { \"A B\" = \"x\" }\n";
    type(machine, {{"config", "apply", file}, 2, "which is no name of an environment variable"});
    type(machine, {{"config", "check", file}, 2, ":2:17: error: \"environment\" has \"A B\""});
}

TEST_CASE("accounts: what the commands do at the controller, and what they refuse")
{
    Machine controller;
    controller.make_controller();
    type_all(
        controller,
        {{{"account", "list"}, 0, "nobody has an account\n  next: belay account add NAME"},
         {{"account", "add", "anna", "--role", "administer"}, 0, "belay login belaysite1.", annas_password},
         {{"account", "add", "anna", "--role", "view"},
          4,
          "there is an account anna already",
          annas_password},
         {{"account", "add", "bert", "--role", "king"}, 2, "king", annas_password},
         {{"account", "add", "Bert!", "--role", "view"}, 2, "small letters", annas_password},
         {{"account", "add", "bert", "--role", "view"}, 2, "at least 8 characters", "short\n"},
         {{"account", "add", "bert", "--role", "view"}, 2, "no password came from standard input"},
         {{"account", "add", "bert"}, 2, "", annas_password},
         {{"account", "role", "nobody", "view"}, 5, "there is no account nobody"},
         {{"account", "password", "nobody"}, 5, "there is no account nobody", annas_password},
         {{"account", "disable", "nobody"}, 5, "next: belay account list"},
         {{"account", "enable", "nobody"}, 5, "there is no account nobody"},
         {{"account", "remove", "nobody"}, 5, "there is no account nobody"},
         {{"account", "role", "anna", "king"}, 2, "king"}});

    const Json added = json_of_ran(
        type(controller, {{"account", "add", "bert", "--role", "view", "--json"}, 0, "", annas_password}));
    CHECK(added.at("account").at("name") == "bert");
    CHECK(added.at("account").at("role") == "view");
    CHECK(added.at("site").get<std::string>().starts_with("belaysite1."));
    CHECK(!contains(added.dump(), "horse"));
    CHECK(json_of_ran(type(controller, {{"account", "role", "bert", "operate", "--json"}}))
              .at("account")
              .at("role") == "operate");
    CHECK(json_of_ran(type(controller, {{"account", "disable", "bert", "--json"}}))
              .at("account")
              .at("disabled") == true);
    type(controller, {{"account", "list"}, 0, "disabled"});
    CHECK(json_of_ran(type(controller, {{"account", "enable", "bert", "--json"}}))
              .at("account")
              .at("disabled") == false);
    const Json unknown = json_of_ran(type(controller, {{"account", "role", "nobody", "view", "--json"}, 5}));
    CHECK(unknown.at("error").at("kind") == "not_found");
    CHECK(json_of_ran(type(controller, {{"account", "list", "--json"}})).at("accounts").size() == 2);
    type(controller, {{"account", "remove", "bert", "--why", "has left"}, 0, "the account bert is gone"});
    // Root at the controller may remove the last one as well.
    type(controller, {{"account", "remove", "anna"}, 0, "the account anna is gone"});
    type(controller, {{"history", "--audit"}, 0, "has left"});
}

TEST_CASE("people: they log in with the word of their site, do what their role allows, and log out")
{
    Machine controller, elsewhere;
    controller.make_controller();
    elsewhere.make_controller();
    for (const char* role : {"view", "operate", "administer"})
        type(controller, {{"account", "add", role, "--role", role}, 0, "", annas_password});
    const std::string word =
        json_of_ran(type(controller, {{"account", "list", "--json"}})).at("site").get<std::string>();
    const std::string file = controller.path("change.toml");
    std::ofstream(file) << "[host.web1]\naddress = \"10.0.0.1\"\n";

    INFO("a session begins with the right password alone");
    Person person;
    type_all(
        person,
        {{{"--site", "branch-3", "status"}, 5, "you have not logged in to any"},
         {{"login", word, "--as", "branch-3"}, 2, "no account was named", annas_password},
         {{"login", word, "--account", "view", "--as", "branch-3"},
          6,
          "no such account, or another password",
          "battery staple\n"},
         {{"login", word, "--account", "nobody", "--as", "branch-3"}, 6, "no such account", annas_password},
         {{"login", "belaysite1.nonsense", "--account", "view"}, 2, "", annas_password},
         {{"login", word, "--account", "view", "--as", "../x"}, 2, "is no name for a site", annas_password},
         {{"login", word, "--account", "view", "--as", "branch-3"},
          0,
          "view is logged in to branch-3 until",
          annas_password},
         {{"--site", "branch-4", "status"}, 5, "you know branch-3"}});
    const Json status = json_of_ran(type(person, {{"--site", "branch-3", "status", "--json"}}));
    CHECK(status.at("place").at("role") == "controller");
    CHECK((std::filesystem::status(person.site_file("branch-3")).permissions() &
           (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) ==
          std::filesystem::perms::none);

    INFO("each may do what its role allows, and no more");
    type_all(person,
             {{{"--site", "branch-3", "config", "apply", file}, 6, "view may look here, and change nothing"},
              {{"--site", "branch-3", "host", "invite"}, 6, "view may look here"},
              {{"--site", "branch-3", "account", "list"}, 0, "operate"},
              {{"login", "branch-3", "--account", "operate"}, 0, "operate is logged in", annas_password},
              {{"--site", "branch-3", "config", "apply", file}, 0, "what was returns by itself"},
              {{"--site", "branch-3", "host", "invite"},
               6,
               "operate may operate here, and this is for those who may administer"},
              {{"--site", "branch-3", "account", "role", "operate", "administer"}, 6, "belay account role"},
              {{"--site", "branch-3", "account", "add", "carl", "--role", "view"}, 6, "", annas_password}});
    const Ran trail = controller.belay({"history", "--audit"});
    for (const char* said : {"view may look here", "HostInvite", "operate may operate here", "AccountRole"})
        CHECK_MESSAGE(contains(trail.out, said), trail.out);

    INFO("one that administers manages people from elsewhere, but the last one stays");
    type_all(
        person,
        {{{"login", "branch-3", "--account", "administer"}, 0, "administer is logged in", annas_password},
         {{"--site", "branch-3", "account", "add", "carl", "--role", "view"}, 0, "carl", annas_password},
         {{"--site", "branch-3", "account", "role", "administer", "view"}, 3, "is the last account that may"},
         {{"--site", "branch-3", "account", "disable", "administer"}, 3, "is the last account that may"},
         {{"--site", "branch-3", "account", "remove", "administer"}, 3, "next: belay account add NAME"},
         {{"--site", "branch-3", "account", "remove", "carl"}, 0, "the account carl is gone"},
         {{"--site", "branch-3", "host", "invite", "--name", "web9"}, 0, "belay1."}});

    INFO("who answers there must be of the site");
    const std::string kept = text_of_file(person.site_file("branch-3"));
    Json misled = need(parse_json(kept));
    misled["controllers"] = Json::array({elsewhere.status().at("place").at("controller").at("address")});
    std::ofstream(person.site_file("branch-3")) << json_text(misled);
    type_all(person,
             {{{"--site", "branch-3", "status"}, 7, "has no certificate of this site that is good now"},
              {{"login", "branch-3"}, 7, "has no certificate of this site", annas_password}});
    std::ofstream(person.site_file("branch-3")) << kept;

    INFO("a session ends by its person, with its account, and with its password");
    type_all(person,
             {{{"logout", "branch-3"}, 0, "the session with branch-3 has ended"},
              {{"logout", "branch-3"}, 0, "has ended"},
              {{"--site", "branch-3", "status"}, 6, "next: belay login branch-3"},
              {{"logout", "branch-4"}, 5, "there is no site branch-4"},
              {{"login", "branch-3", "--account", "view", "--json"}, 0, "\"ends_ms\":", annas_password}});
    type(controller, {{"account", "disable", "view"}});
    type(person, {{"--site", "branch-3", "status"}, 6, "this session has ended"});
    type(person, {{"login", "branch-3"}, 6, "no such account", annas_password});
    type(controller, {{"account", "enable", "view"}});
    type(person, {{"login", "branch-3"}, 0, "is logged in", annas_password});
    type(controller, {{"account", "password", "view"}, 0, "view", "battery staple\n"});
    const Json ended = json_of_ran(type(person, {{"--site", "branch-3", "status", "--json"}, 6}));
    CHECK(ended.at("error").at("next") == "belay login");
    type_all(person, {{{"login", "branch-3"}, 6, "another password", annas_password},
                      {{"login", "branch-3"}, 0, "is logged in", "battery staple\n"}});
    controller.stop();
    type(person, {{"login", "branch-3"}, 7, ": Connection refused", "battery staple\n"});
}

TEST_CASE("hosts: they are renamed, renewed and shut out by commands")
{
    Machine controller, web1, web2;
    controller.make_controller();
    type(controller, {{"host", "list"}, 0, "no host has joined yet\n  next: belay host invite"});
    join(controller, web1, {{"name", "web1"}});
    join(controller, web2, {{"name", "web2"}});
    REQUIRE(web1.await_status(is_attached));
    type_all(controller,
             {{{"host", "invite", "--name", "web1"}, 4, "a host called web1 is in the site already"},
              {{"host", "invite", "--name", "7"}, 2, "the name of a host begins with"},
              {{"host", "invite", "--role", "king"}, 2, "no role is called king"},
              {{"host", "invite", "--role", "controller"}, 3, "a second one could not reach it"},
              {{"host", "invite", "--valid", "1s"}, 2, "1 minute to 30 days"},
              {{"host", "rename", "web9", "web3"}, 5, "no host of the site is called web9"},
              {{"host", "rename", "web1", "web2"}, 4, "a host called web2 is in the site already"},
              {{"host", "rename", "web1", "web 1"}, 2, "the name of a host begins with"},
              {{"host", "rename", "web1", "web-north"}, 0, "web-north"},
              {{"host", "list", "web1"}, 5, "no host of the site is called web1"},
              {{"host", "renew", "web2"}, 7, "is not attached"},
              {{"host", "renew", "web9"}, 5, "no host of the site is called web9"},
              {{"host", "renew", "web-north"}, 0, "web-north"},
              {{"host", "revoke", "web9", "--yes"}, 5, "no host of the site is called web9"},
              {{"host", "revoke", "web-north"}, 2, "next: belay host revoke web-north --yes"}});
    // It attaches anew with its new certificate, and is shut out after that.
    REQUIRE(web1.await_status(is_attached));
    const Json listed = json_of_ran(type(controller, {{"host", "list", "--json"}}));
    REQUIRE(listed.at("hosts").size() == 2);
    CHECK(listed.at("hosts")[0].at("name") == "web-north");
    const Json revoked = json_of_ran(
        type(controller, {{"host", "revoke", "web-north", "--yes", "--why", "stolen", "--json"}}));
    CHECK(revoked.at("host").at("revoked") == true);
    CHECK(web1.await_status([](const Json& status) {
        const Json& link = status.at("place").at("link");
        return link.at("attached") == false && link.at("problem").is_object();
    }));
    type(web1, {{"status"}, 0, "was revoked"});
    type(web1, {{"host", "list"}, 3, "this machine is no controller of a site"});
    const Json refused = json_of_ran(type(controller, {{"host", "renew", "web9", "--json"}, 5}));
    CHECK(refused.at("error").at("kind") == "not_found");
}

TEST_CASE("the catalog of a controller is asked from elsewhere, by those who may operate")
{
    Machine controller;
    controller.make_controller();
    for (const char* role : {"view", "operate"})
        type(controller, {{"account", "add", role, "--role", role}, 0, "", annas_password});
    const std::string word =
        json_of_ran(type(controller, {{"account", "list", "--json"}})).at("site").get<std::string>();
    Person person;
    const Typed search = {"--site", "branch-3", "catalog", "search", "note"};
    type_all(person, {{{"login", word, "--account", "operate", "--as", "branch-3"}, 0, "", annas_password},
                      {search, 1, "keeps no catalog"}});

    const std::string repository = controller.path("repository"), password = controller.path("password");
    const std::string files = controller.path("files"), catalog = controller.state() + "/catalog";
    std::ofstream(password) << "precious\n";
    std::filesystem::create_directory(files);
    std::ofstream(files + "/note") << "one\n";
    const Typed place = {"--repo", repository, "--password-file", password};
    const auto backup = [&](Typed words) {
        words.insert(words.begin(), "backup");
        words.insert(words.end(), place.begin(), place.end());
        return words;
    };
    type_all(controller,
             {{backup({"init"}), 0},
              {backup({"run", files, "--host", "web1", "--identity", "none"}), 0},
              {{"catalog", "add", repository, "--password-file", password, "--catalog", catalog}, 0}});

    INFO("it says elsewhere what it says here");
    const Json here =
        json_of_ran(type(controller, {{"catalog", "search", "note", "--catalog", catalog, "--json"}, 0}));
    REQUIRE(here.at("files").size() == 1);
    Typed asked = search;
    asked.emplace_back("--json");
    CHECK(json_of_ran(type(person, {asked, 0})) == here);
    type_all(person,
             {{search, 0, files + "/note"},
              {{"catalog", "search", "note", "--site", "branch-3", "--in", repository}, 0, repository},
              {{"catalog", "search", "note", "--site", "branch-3", "--in", "/nowhere"},
               1,
               "no repository of the catalog is called /nowhere"},
              {{"catalog", "search", "[x", "--site", "branch-3"}, 1, "[x"},
              {{"--site", "branch-3", "catalog", "clients"}, 0, "web1"},
              {{"--site", "branch-3", "catalog", "snapshots", "--client", "web1"}, 0, files},
              {{"--site", "branch-3", "catalog", "snapshots", "--client", "web9"}, 1, "has no client web9"},
              {{"login", "branch-3", "--account", "view"}, 0, "", annas_password},
              {search, 1, "view may look here"}});
}

}  // namespace
}  // namespace belay::daemon
