#pragma once
// Answers of devices, written by hand in the form in which they print them: answers/*.txt, "@@@ COMMAND" over
// each.

#include "base/testing/must.h"
#include "upgrade/iosxe/show/kinds.h"

#include <fstream>

namespace belay::upgrade::iosxe::show::testing {

struct WrittenAnswer {
    std::string command, text;

    /// The kind of `belay parse` that it is.
    const printed::Kind& kind() const
    {
        const printed::Kind* found = kind_named("iosxe:" + command);
        REQUIRE_MESSAGE(found != nullptr, command);
        return *found;
    }
};

/// All of them, in the order of the files.
inline std::vector<WrittenAnswer> written_answers()
{
    std::vector<WrittenAnswer> all;
    for (const char* name : {"show.txt", "install.txt"}) {
        std::ifstream file(fmt::format("{}/{}", BELAY_ANSWERS, name));
        REQUIRE_MESSAGE(file, name);
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("@@@ "))
                all.push_back({.command = line.substr(4), .text = {}});
            else
                all.back().text += line + '\n';
        }
    }
    return all;
}

/// The one with this number (from 0) of those of a command.
inline std::string written_answer(std::string_view command, size_t number = 0)
{
    for (const WrittenAnswer& answer : written_answers())
        if (answer.command == command && number-- == 0) return answer.text;
    FAIL("no such answer of " << command);
    return {};
}

/// `text` with `from`, which must be in it, as `to`.
inline std::string with(std::string text, std::string_view from, std::string_view to)
{
    const size_t at = text.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    return text.replace(at, from.size(), to);
}

}  // namespace belay::upgrade::iosxe::show::testing
