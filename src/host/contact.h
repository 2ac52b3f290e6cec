#pragma once
// One contact with the machine as a value: what was asked, and what came back.

#include "host/host.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace belay::host {

/// The calls of Host, by its names.
enum class Call { run, read, write, replace, remove, list, resolve, read_at, write_at, space, now, random };

/// The name in host.h, as "read_at".
std::string_view name_of(Call call);

/// What a call asked. Two questions are the same where they ask the machine the same thing: limits on time
/// and size belong to the asker and are left out.
struct Question {
    Call call = Call::now;
    Effect effect = Effect::reads;
    std::vector<std::string> argv = {};
    std::string path = {};
    std::string input = {};  ///< of a command, or what is written
    Bytes offset = {};
    Bytes size = {};

    auto operator<=>(const Question&) const = default;
};

namespace question {

Question run(const Command& command);
Question at(Call call, std::string_view path);  ///< read, remove, list, resolve, space
Question writing(Call call, std::string_view path, std::string_view text, Bytes offset = {});
Question read_at(std::string_view path, Bytes offset, Bytes size);
Question now();
Question random(size_t count);

}  // namespace question

/// One line for a person: "run mdadm --detail /dev/md0", "read_at /dev/sda from 4096, 512 B".
std::string to_text(const Question& question);

/// run: Outcome. read, resolve, read_at, random: string. list: names. space: Space. now: Moment.
using Answer = std::variant<Outcome, std::string, std::vector<std::string>, Space, Moment>;

struct Contact {
    Question question;
    Result<Answer> answer;
};

}  // namespace belay::host
