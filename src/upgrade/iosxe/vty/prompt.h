#pragma once
// What IOS XE shows on a line besides answers: its prompt and its questions.

#include <optional>
#include <string>
#include <string_view>

namespace belay::upgrade::iosxe::vty {

/// "C9500#", "C9500-stby>", "Switch(recovery-mode)>".
struct Prompt {
    std::string host;            ///< without what follows
    std::string mode = {};       ///< what stands in parentheses: "config", "recovery-mode"
    bool is_standby = false;     ///< the line of the member that stands by
    bool is_privileged = false;  ///< "#"

    bool operator==(const Prompt&) const = default;
};

/// The prompt that this whole line is. Nothing: it is none.
std::optional<Prompt> read_prompt(std::string_view line);

/// Whether an unfinished line wants an answer from a person.
bool asks(std::string_view line);
/// For a password alone: a name and a one-time code are questions that no password answers.
bool asks_for_password(std::string_view line);
/// Whether it is where an output waits for a key.
bool waits_for_key(std::string_view line);

}  // namespace belay::upgrade::iosxe::vty
