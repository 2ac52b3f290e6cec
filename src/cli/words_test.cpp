// Man page and completion know exactly the commands and options that the program has.

#include "cli/backup/run_backup.h"
#include "cli/catalog/catalog_commands.h"
#include "cli/fakes.h"
#include "cli/invocation.h"
#include "cli/parse_kinds.h"
#include "cli/samples.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace belay::cli {
namespace {

using Words = std::set<std::string>;

std::filesystem::path top()
{
    return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
}

std::string read_file(const std::filesystem::path& path)
{
    std::ifstream file(path);
    REQUIRE_MESSAGE(file, path.string());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string output_of(const std::string& command)
{
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> buffer{};
    for (size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        text.append(buffer.data(), count);
    CHECK_MESSAGE(pclose(pipe) == 0, command);
    return text;
}

bool has_program(const std::string& name)
{
    return std::filesystem::exists("/usr/bin/" + name) || std::filesystem::exists("/bin/" + name);
}

/// Every "--word" in a text.
Words options_in(const std::string& text)
{
    Words options;
    for (size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at + 2)) {
        const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 2);
        if (end > at + 2) options.insert(text.substr(at, end - at));
    }
    return options;
}

std::string man_page(const char* name = "belay.1")
{
    std::string text = read_file(top() / "docs/man" / name);
    for (const char* font : {"\\fB", "\\fI", "\\fR", "\\"}) {
        for (size_t at = 0; (at = text.find(font, at)) != std::string::npos;)
            text.erase(at, std::string_view(font).size());
    }
    return text;
}

TEST_CASE("the man page names every command")
{
    const std::string page = man_page();
    for (const CommandWords& command : all_commands()) {
        if (command.name.empty()) continue;
        CHECK_MESSAGE((page.find(".B belay " + command.name + "\n") != std::string::npos ||
                       page.find(".BR \"belay " + command.name + " ") != std::string::npos),
                      command.name);
    }
}

TEST_CASE("the man page names every option, and none that there is not")
{
    Words known;
    for (const CommandWords& command : all_commands())
        known.insert(command.options.begin(), command.options.end());
    Words named = options_in(man_page());
    for (const char* of_a_procedure : {"--leaving", "--joining", "--keep-in"}) named.erase(of_a_procedure);
    CHECK(named == known);
}

TEST_CASE("the man page of backup names every command and option, and none that there is not")
{
    const std::string page = man_page("belay-backup.1");
    Words known;
    for (const CommandWords& command : backup_command_words()) {
        CHECK_MESSAGE(page.find(".SS belay " + command.name + " ") != std::string::npos, command.name);
        known.insert(command.options.begin(), command.options.end());
    }
    CHECK(options_in(page) == known);
}

TEST_CASE("the man page of the catalog names every command and option, and none that there is not")
{
    const std::string page = man_page("belay-catalog.1");
    Words known;
    for (const CommandWords& command : catalog_command_words()) {
        CHECK_MESSAGE(page.find(".SS belay " + command.name + " ") != std::string::npos, command.name);
        known.insert(command.options.begin(), command.options.end());
    }
    CHECK(options_in(page) == known);
}

TEST_CASE("the man pages are of this version and set without a warning")
{
    for (const char* name : {"belay.1", "belay-backup.1", "belay-catalog.1", "belayd.8"}) {
        const std::filesystem::path path = top() / "docs/man" / name;
        CHECK(read_file(path).find("belay " BELAY_VERSION) != std::string::npos);
        if (!has_program("man") || !has_program("groff")) continue;
        CHECK(
            output_of(fmt::format("LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z '{}' 2>&1 >/dev/null",
                                  path.string())) == "");
    }
}

/// A shell with the completion loaded, and a belay that answers as a daemon would.
class Shell {
  public:
    Shell()
    {
        std::string name = "/tmp/belay-completion-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        const Json operations = {{"operations", Json::array({samples::view(operation::State::added)})}};
        std::ofstream(folder_ / "belay")
            << "#!/bin/sh\ncase \"$*\" in\n"
            << "procedures*) echo '" << json_text(samples::procedures()) << "';;\n"
            << "'show --json') echo '" << json_text(operations) << "';;\n"
            << "'storage show --json') echo '{\"nodes\":[{\"path\":\"/dev/sdq\"}]}';;\nesac\n";
        REQUIRE(chmod((folder_ / "belay").c_str(), 0755) == 0);
    }
    ~Shell() { std::filesystem::remove_all(folder_); }
    Shell(const Shell&) = delete;
    Shell& operator=(const Shell&) = delete;

    /// What Tab offers after these words; the last one is being typed.
    Words offers(const std::string& words) const
    {
        const std::string script = fmt::format(
            "PATH={}:$PATH; . {}; COMP_WORDS=(belay {}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); "
            "_belay && printf \"%s\\n\" \"${{COMPREPLY[@]}}\"",
            folder_.string(), (top() / "packaging/completion/belay.bash").string(), words);
        std::istringstream lines(output_of(fmt::format("bash -c '{}'", script)));
        Words offered;
        for (std::string line; std::getline(lines, line);) {
            if (!line.empty()) offered.insert(line);
        }
        return offered;
    }

  private:
    std::filesystem::path folder_;
};

TEST_CASE("the completion offers every command with exactly its options")
{
    if (!has_program("bash")) return;
    const Shell shell;
    Words commands;
    std::vector<CommandWords> all = all_commands();
    std::ranges::move(backup_command_words(), std::back_inserter(all));
    std::ranges::move(catalog_command_words(), std::back_inserter(all));
    for (const CommandWords& command : all) {
        const Words known(command.options.begin(), command.options.end());
        CHECK_MESSAGE(shell.offers(command.name + " --") == known, command.name);
        if (!command.name.empty()) commands.insert(command.name.substr(0, command.name.find(' ')));
    }
    Words offered = shell.offers("\"\"");
    std::erase_if(offered, [](const std::string& word) { return word.starts_with("--"); });
    CHECK(offered == commands);
}

TEST_CASE("the completion asks belay for what varies")
{
    if (!has_program("bash")) return;
    const Shell shell;
    CHECK(shell.offers("plan d") == Words{"disk.replace"});
    CHECK(shell.offers("add \"\"") == Words{"7", "disk.replace"});
    CHECK(shell.offers("plan disk.replace --l") == Words{"--label", "--leaving"});
    CHECK(shell.offers("plan disk.replace --m").empty());
    CHECK(shell.offers("plan disk.replace --leaving /dev/s") == Words{"/dev/sdq"});
    CHECK(shell.offers("storage show /dev/s") == Words{"/dev/sdq"});
    CHECK(shell.offers("commit \"\"") == Words{"7"});
    CHECK(shell.offers("show --socket /tmp/none \"\"") == Words{"7"});
}

TEST_CASE("completion and man page name every kind of text that can be parsed")
{
    Words kinds;
    const std::string page = man_page();
    for (const printed::Kind* kind : parse_kinds()) {
        CHECK_MESSAGE(page.find(std::string(kind->name)) != std::string::npos, kind->name);
        std::string escaped;
        for (const char c : kind->name) escaped += c == ' ' ? "\\ " : std::string(1, c);
        kinds.insert(escaped);
    }
    if (!has_program("bash")) return;
    const Shell shell;
    CHECK(shell.offers("parse \"\"") == kinds);
    CHECK(shell.offers("parse mdadm-d") == Words{"mdadm-detail"});
    CHECK(shell.offers("parse \"\\\"iosxe:show bootv\"") == Words{"iosxe:show bootvar"});
    CHECK(shell.offers("parse iosxe : \"show\\\\ bootv\"") == Words{"show\\ bootvar"});
}

}  // namespace
}  // namespace belay::cli
