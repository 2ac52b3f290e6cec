#pragma once
// What the engine asks of the domains: actions that change one thing and can undo it, conditions that answer
// one question about the world, fingerprints that describe a part of it. A plan names them; the catalogue
// finds them.

#include "host/host.h"
#include "operation/plan.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace belay::operation {

/// How far a long step is. `unit` is of `done` and `total`: "bytes", "blocks", "hosts".
struct Progress {
    uint64_t done = 0;
    uint64_t total = 0;
    uint64_t per_second = 0;  ///< 0: not known
    std::string unit = "bytes";

    /// What is left at this speed; nothing where the speed is not known.
    std::optional<Milliseconds> left() const;
};

/// What is there of an action's goal.
struct Inspection {
    enum class Found {
        absent,      ///< nothing
        partial,     ///< begun, and nobody is working on it
        running,     ///< somebody (the kernel, a tool that outlives us) is working on it
        done,        ///< the goal is reached
        unseen,      ///< nothing shows whether it is: what apply() says has to do
        unfinished,  ///< on its way, and apply() carries it on: it is called again at each look
    } found = Found::absent;
    std::string detail = {};  ///< a few words for a person
    std::optional<Progress> progress = {};
    Milliseconds look_again{0};  ///< while running or unfinished: when to look next; 0: as the engine is set
};

/// Whether apply may run again when nobody knows if it ran.
enum class Repeat { safe, never };

/// Changes one thing and can undo it. Stateless; all knowledge is in the arguments, in the world, and in what
/// remember() returned before the first change. Threads: any, but one operation's calls come one after
/// another.
class Action {
  public:
    virtual ~Action() = default;

    virtual Repeat repeat() const { return Repeat::safe; }

    /// Looks, and changes nothing.
    virtual Result<Inspection> inspect(host::Host& host, const Json& arguments) const = 0;

    /// What revert() will need and what is gone after apply(): an old partition table, an old setting.
    /// Journaled with the intent. Changes nothing.
    virtual Result<Json> remember(host::Host&, const Json&) const { return Json::object(); }

    /// Does it. May meet a half-done state that a crash left. Starts what takes long and comes back at once.
    virtual Result<void> apply(host::Host& host, const Json& arguments) const = 0;

    /// What there still is of ours, in a few words; empty: nothing, however far apply() had come.
    virtual Result<std::string> remains(host::Host& host, const Json& arguments,
                                        const Json& remembered) const = 0;

    /// Whether remains() can see what there is. Where it cannot, a step that was done is always reverted, and
    /// revert() alone says whether that came about.
    virtual bool sees_remains(const Json&) const { return true; }

    /// Undoes whatever remains() finds. May run twice, and on a half-done state. Never called for a one-way
    /// step. Starts what takes long and comes back at once; going_back() then tells how far that is.
    virtual Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const = 0;

    /// Sees to it that a power cut does not take back what apply() or revert() has done; called before the
    /// journal says that it is done, or undone. May run twice. Nothing to do where what they call is durable
    /// when it comes back.
    virtual Result<void> make_durable(host::Host&, const Json&) const { return {}; }

    /// Where somebody (the kernel, a tool that outlives us) is taking away what remains() finds: how far that
    /// is. Nothing where nobody is, and revert() has to act. Changes nothing.
    virtual Result<std::optional<Inspection>> going_back(host::Host&, const Json&, const Json&) const
    {
        return std::optional<Inspection>();
    }
};

enum class Verdict { pass, warn, fail };
std::string_view name_of(Verdict verdict);

/// The answer to a question: what was found, what was wanted, how to mend it.
struct Finding {
    Verdict verdict = Verdict::pass;
    std::string found;
    std::string wanted = {};
    std::string mend = {};
    bool is_final = false;  ///< it will not hold again by itself: a gate does not wait for that
};

/// Threads: any. An Error means that the question could not be answered.
using Condition = std::function<Result<Finding>(host::Host&, const Json& arguments)>;

/// A part of the world in canonical form: sorted names with values; equal worlds give equal lines.
using Fingerprint = std::map<std::string, std::string>;
/// A sentence for each line that differs; empty: the same.
std::vector<std::string> differences_of(const Fingerprint& before, const Fingerprint& after);
/// Errors: unavailable, where what is looked at cannot be asked now and may be soon: an abort waits for it.
using FingerprintMaker = std::function<Result<Fingerprint>(host::Host&, const Json& arguments)>;

/// All actions, conditions and fingerprints that plans may name. Filled once at the start, then only read.
class Catalogue {
  public:
    void add(std::string name, std::unique_ptr<Action> action);
    void add_condition(std::string name, Condition condition);
    void add_fingerprint(std::string name, FingerprintMaker maker);

    /// Errors of all three: version ("this Belay has no action called x").
    Result<const Action*> action(std::string_view name) const;
    Result<Finding> ask(host::Host& host, const Question& question) const;
    Result<Fingerprint> fingerprint(host::Host& host, const Question& question) const;

    /// Every name in the plan is known. Errors: version.
    Result<void> covers(const Plan& plan) const;

  private:
    std::map<std::string, std::unique_ptr<Action>, std::less<>> actions_;
    std::map<std::string, Condition, std::less<>> conditions_;
    std::map<std::string, FingerprintMaker, std::less<>> fingerprints_;
};

}  // namespace belay::operation
