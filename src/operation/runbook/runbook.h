#pragma once
// A runbook: a person's own procedure as a TOML file, described in docs/runbooks.md. This is what was read;
// variables are not filled in yet. Every text knows where it stands, so that a later complaint can say so.

#include "base/units.h"
#include "operation/plan.h"
#include "operation/runbook/problem.h"

#include <optional>

namespace belay::operation::runbook {

constexpr Bytes largest_runbook{1 << 20};
constexpr size_t most_steps = 1000;  ///< after members have become steps of their own

struct Text {
    std::string text = {};
    Place place = {};
};
using Words = std::vector<Text>;  ///< a program with its arguments

/// A command whose answer is yes or no.
struct Probe {
    Words run;
    int expect_exit = 0;
    std::optional<Text> expect_output = {};  ///< a pattern that a line of its output has
    std::optional<Text> expect_text = {};    ///< its whole output, runs of blanks as one
};

struct Variable {
    std::string name;
    Place place;
    Text meaning = {};
    std::string example = {};
    std::optional<Text> fallback = {};  ///< the key `default`
    std::optional<Text> pattern = {};   ///< that the whole value has
};

struct CheckEntry {
    Text title = {};
    Probe probe = {};
    Text mend = {};
    bool again = true;
};

struct Write {
    Text path = {};
    std::optional<Text> text = {}, from = {};  ///< one of them
    std::optional<Text> mode = {};
};

struct WaitFor {
    Probe probe = {};
    Milliseconds timeout = std::chrono::minutes(2);
    Milliseconds every = std::chrono::seconds(1);
};

struct StepEntry {
    Place place = {};
    Text name = {}, title = {};
    Phase phase = Phase::activate;
    std::vector<Text> members = {};
    std::optional<Probe> check = {}, left = {};
    std::optional<Words> run = {}, undo = {}, remember = {};
    std::optional<Text> input = {}, undo_input = {}, one_way = {};
    std::optional<Write> write = {};
    std::optional<WaitFor> wait_for = {};
    Milliseconds takes{0};
    Milliseconds timeout = std::chrono::minutes(5);  ///< of run and of undo, each
};

struct GateEntry {
    Text title = {};
    std::optional<Probe> probe = {};
    std::optional<Text> address = {};  ///< "tcp:HOST:PORT" or a URL
    std::optional<Milliseconds> every = {};
    Milliseconds grace = std::chrono::seconds(30);
};

struct Runbook {
    std::string name, description, source;
    Text summary = {};
    std::vector<Variable> variables = {};
    std::vector<CheckEntry> checks = {};
    std::vector<StepEntry> steps = {};
    std::vector<GateEntry> gates = {};
    std::vector<Text> locks = {}, left_by_abort = {}, afterwards = {};
    std::vector<Text> fingerprint_files = {};
    std::vector<Words> fingerprint_commands = {};
    std::optional<Milliseconds> timer = {};
};

/// A file that was read, with all that is wrong with it in the order of its lines. There is a runbook only
/// where no problem is an error.
struct Linted {
    std::optional<Runbook> runbook = {};
    std::vector<Problem> problems = {};
};

/// Reads and checks a file without looking at the machine. Threads: any.
Linted read_runbook(std::string_view text);

}  // namespace belay::operation::runbook
