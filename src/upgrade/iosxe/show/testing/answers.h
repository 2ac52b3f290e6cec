#pragma once
// Answers of devices, written by hand in the form in which they print them: answers/*.txt, "@@@ COMMAND" over
// each.

#include "base/testing/must.h"
#include "upgrade/iosxe/show/kinds.h"

#include <algorithm>
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

/// Whether all that `part` says `whole` says as well; of a list perhaps not all of it.
inline bool is_part_of(const Json& part, const Json& whole)
{
    if (part.is_object() && whole.is_object())
        return std::ranges::all_of(part.items(), [&](const auto& item) {
            return whole.contains(item.key()) && is_part_of(item.value(), whole.at(item.key()));
        });
    if (!part.is_array() || !whole.is_array()) return part == whole;
    return std::ranges::all_of(part, [&](const Json& one) {
        return std::ranges::any_of(whole, [&](const Json& other) { return is_part_of(one, other); });
    });
}

}  // namespace belay::upgrade::iosxe::show::testing
