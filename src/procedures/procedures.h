#pragma once
// The library of "wiki pages": each procedure reads the machine and returns a plan. What it found and what
// was asked for are resolved into the plan; the engine needs no procedure afterwards.

#include "base/json.h"
#include "operation/action.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace belay::procedures {

/// What a procedure wants to be told. All arguments are texts; the procedure reads them.
struct Argument {
    std::string name;     ///< as "array"
    std::string meaning;  ///< a few words for a person
    std::string example;  ///< as "/dev/md0"
    bool required;
    /// Of Belay to itself: no face shows it to a person.
    bool internal = false;
};

/// An internal argument: a procedure that has it is told the timer of the abort (ms) where one was asked for,
/// since more follows from it than what the plan says itself.
inline constexpr const char* timer_argument = "timer_ms";

/// `make` reads the machine and changes nothing. A plan without steps: it is so already, as the title says.
/// It gets no argument that is not listed here, and every required one. Errors: usage (an argument makes no
/// sense), not_found (it names nothing on this machine), those of the machine. Threads: any.
struct Procedure {
    std::string name;         ///< as "disk.replace"
    std::string summary;      ///< one line
    std::string description;  ///< what is done, what is kept, what the way back is
    std::string source;       ///< the page or manual that it comes from
    std::vector<Argument> arguments;
    std::function<Result<operation::Plan>(host::Host&, const std::map<std::string, std::string>& arguments)>
        make;
    /// Writes down what a plan that is kept will need; called before `make`, and only where the plan is to be
    /// kept. Null: nothing. Threads: any.
    std::function<Result<void>()> before_keeping = nullptr;
};

/// Every procedure of this Belay, by name.
const std::vector<Procedure>& all();

/// Adds the actions, conditions and fingerprints that the plans of all() name.
void fill(operation::Catalogue& catalogue);

/// A sort of gate that a person writes as text, beside those of operation/gates.h. `make` gets what follows
/// the prefix and reads the machine; how often the gate is asked is not its matter. Errors of `make`: those
/// of the machine, not_found. Threads: any.
struct GateKind {
    std::string prefix;  ///< "array:"
    std::function<Result<operation::Gate>(host::Host&, std::string_view rest)> make;
};
const std::vector<GateKind>& gate_kinds();

/// Something that happened to the machine by itself.
struct Alarm {
    std::string event;           ///< stable, as "degraded"
    std::string severity;        ///< "critical", "warning", "note"
    std::string device, member;  ///< "/dev/md0", "/dev/sda1"; may be empty
    std::string text;            ///< one sentence
};

/// What the daemon watches without asking again and again: the kernel says when `file` has changed.
struct Watched {
    std::string file;  ///< poll(2) answers with POLLPRI; empty: nothing is watched
    /// How it stands now. Errors: those of the machine.
    std::function<Result<Json>(host::Host&)> look = nullptr;
    /// What happened between two looks; `before` null: there was none yet. Errors: corrupt, where `before`
    /// makes no sense.
    std::function<Result<std::vector<Alarm>>(const Json& before, const Json& now)> compare = nullptr;
};
const Watched& watched();

/// What a face asks of the machine to show it: nothing is kept, nothing is changed. Errors of `read`: those
/// of the machine.
struct View {
    std::string method;              ///< of docs/protocol.md, as "StorageShow"
    std::vector<std::string> flags;  ///< parameters that may be true
    std::string long_text;           ///< the text of the answer that may be too long for one message
    std::function<Result<Json>(host::Host&, const std::set<std::string>& flags)> read;
};

/// StorageShow: the block graph, as `belay storage show --json`. StorageHealth: what is not as it should be.
/// StorageRecord: {"recording"}, the answers that the two were made from; with the flag "mask", serial
/// numbers are replaced.
const std::vector<View>& views();

/// The view of that name; it is there.
const View& view_named(std::string_view method);

}  // namespace belay::procedures
