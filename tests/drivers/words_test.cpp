// What is said of belay-driver where a person looks: its man page and the shell's completion name every
// option, and none that there is not.

#include "daemon/testing/run.h"

#include <set>
#include <sstream>

namespace belay {
namespace {

using daemon::testing::Ran;
using daemon::testing::run_to_end;
using Words = std::set<std::string>;

const std::vector<std::string> kinds = {"postgresql", "keepalived", "haproxy", "nginx"};

std::vector<std::string> kinds_and_run()
{
    std::vector<std::string> all = kinds;
    all.emplace_back("run");
    return all;
}

/// Everything in it that looks like an option, but for those of every program.
Words options_in(const std::string& text)
{
    Words options;
    for (size_t at = 0; (at = text.find("--", at)) != std::string::npos;) {
        size_t end = at + 2;
        while (end < text.size() &&
               (std::islower(static_cast<unsigned char>(text[end])) != 0 || text[end] == '-'))
            ++end;
        if (end > at + 2) options.insert(text.substr(at, end - at));
        at = end;
    }
    for (const char* const common : {"--help", "--version"}) options.erase(common);
    return options;
}

Words options_of(const std::string& kind)
{
    const Ran help = run_to_end({TEST_DRIVER, kind, "--help"});
    CHECK(help.code == 0);
    return options_in(help.out);
}

TEST_CASE("the completion of belay-driver offers each kind with exactly its options")
{
    const auto offers = [](const std::string& words) {
        const Ran ran = run_to_end(
            {"/bin/bash", "-c",
             fmt::format(". {}; COMP_WORDS=(belay-driver {}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); "
                         "_belay_driver && printf \"%s\\n\" \"${{COMPREPLY[@]}}\"",
                         TEST_COMPLETION, words)});
        CHECK_MESSAGE(ran.code == 0, ran.said);
        std::istringstream lines(ran.out);
        Words offered;
        for (std::string line; std::getline(lines, line);) offered.insert(line);
        return offered;
    };
    for (const std::string& kind : kinds_and_run()) {
        Words known = options_of(kind);
        known.insert("--help");
        CHECK_MESSAGE(offers(kind + " --") == known, kind);
    }
    Words first(kinds.begin(), kinds.end());
    first.insert({"check", "run", "--help", "--version"});
    CHECK(offers("\"\"") == first);
    CHECK(offers("postgresql st") == Words{"stand-by"});
}

TEST_CASE("the man page of belay-driver names every option, and is set without a warning")
{
    std::string page;
    std::ifstream file(TEST_MAN_PAGE);
    for (std::string line; std::getline(file, line);) page += line + '\n';
    CHECK(page.find("belay " BELAY_VERSION) != std::string::npos);
    for (size_t at = 0; (at = page.find("\\-", at)) != std::string::npos;) page.erase(at, 1);
    Words known, named = options_in(page);
    for (const std::string& kind : kinds_and_run()) known.merge(options_of(kind));
    named.erase("--whatever");  // of the example's own driver
    CHECK(named == known);
    if (access("/usr/bin/man", X_OK) != 0 || access("/usr/bin/groff", X_OK) != 0) return;
    CHECK(run_to_end(
              {"/bin/sh", "-c", "man --warnings -E UTF-8 -l -Tutf8 -Z \"$0\" 2>&1 >/dev/null", TEST_MAN_PAGE},
              "", {"LC_ALL=C.UTF-8", daemon::testing::plain_path})
              .out == "");
}

}  // namespace
}  // namespace belay
