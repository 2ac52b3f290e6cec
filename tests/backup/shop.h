#pragma once
// For tests: the command line of `belay backup`, on a scratch repository beside Debian's restic.

#include "cli/backup/run_backup.h"
#include "cli/fakes.h"
#include "cli/terminal.h"
#include "notes.h"

namespace belay::backup {

using Words = std::vector<std::string>;

struct Said {
    int code = 0;
    std::string out, err;
};

/// The built program, with these variables in its environment ("NAME=VALUE").
inline Words program(const Words& environment, const Words& words)
{
    Words argv = {"env"};
    argv.insert(argv.end(), environment.begin(), environment.end());
    argv.insert(argv.end(), {BELAY_PROGRAM, "backup"});
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
}

/// The same in a process of its own, without a terminal.
inline Said run_program(const Words& environment, const Words& words, std::string input = {})
{
    const host::Command command{
        .argv = program(environment, words), .effect = host::Effect::changes, .input = std::move(input)};
    host::Outcome outcome = must(host::real_host()->run(command));
    return {outcome.exit_code, std::move(outcome.out), std::move(outcome.err)};
}

/// The same on a terminal of 100 columns.
class ProgramOnTerminal : public cli::screens::ChildOnTerminal {
  public:
    ProgramOnTerminal(const Words& environment, const Words& words)
        : ChildOnTerminal(100, {}, [&] {
              Words all = program(environment, words);
              std::vector<char*> argv;
              for (std::string& word : all) argv.push_back(word.data());
              argv.push_back(nullptr);
              ::execvp(argv.front(), argv.data());
              return 127;
          })
    {
    }
};

/// A scratch folder with a repository and a tree in it.
class Shop : public Scratch {
  public:
    Shop()
    {
        init(*this);
        make_tree();
    }

    Said belay(Words words) const
    {
        const Words common = {"--repo", path("repository"), "--password-file", path("password")};
        words.insert(words.end(), common.begin(), common.end());
        cli::fakes::TextConsole console;
        Said said;
        said.code = cli::run_backup(words, console);
        said.out = console.said;
        said.err = console.complained;
        return said;
    }
    /// It must succeed; its standard output.
    std::string must_belay(const Words& words) const
    {
        const Said said = belay(words);
        REQUIRE_MESSAGE(said.code == 0, said.out, said.err);
        return said.out;
    }
    Json belay_json(Words words) const
    {
        words.emplace_back("--json");
        return must(parse_json(must_belay(words)));
    }
    /// restic's answer on one line, or its last line.
    Json restic_json(Words words) const
    {
        words.emplace_back("--json");
        return must(parse_json(last_line(restic(std::move(words)))));
    }
    static std::string last_line(std::string text)
    {
        while (text.ends_with('\n')) text.pop_back();
        return text.substr(text.rfind('\n') + 1);
    }
    static std::vector<Json> lines(const std::string& text)
    {
        std::vector<Json> all;
        for (size_t at = 0; at < text.size();) {
            const size_t end = std::min(text.find('\n', at), text.size());
            if (end > at) all.push_back(must(parse_json(text.substr(at, end - at))));
            at = end + 1;
        }
        return all;
    }
};

/// Whether all that restic says is in what Belay says, with the same value.
inline void says_the_same(const Json& ours, const Json& restics)
{
    if (restics.is_object()) {
        for (const auto& [key, value] : restics.items()) {
            REQUIRE_MESSAGE(ours.contains(key), key, " is not in ", ours.dump());
            says_the_same(ours.at(key), value);
        }
    } else if (restics.is_array()) {
        REQUIRE_MESSAGE(ours.size() == restics.size(), ours.dump(), restics.dump());
        for (size_t i = 0; i < restics.size(); ++i) says_the_same(ours.at(i), restics.at(i));
    } else {
        CHECK_MESSAGE(ours == restics, ours.dump(), " ", restics.dump());
    }
}

}  // namespace belay::backup
