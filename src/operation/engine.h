#pragma once
// The engine: takes operations through their life, and back. It has no thread and never sleeps: whoever
// serves it calls step() until it says when to come again. So the same code runs in the daemon and in the
// simulation.
//
// For every step: the members are still the same things (identity); inspect: was the goal reached before we
// came?; remember what revert needs; journal the intent; apply; inspect again; the promised topology holds
// (expects); journal the outcome. The outcome of one step and the intent of the next become durable in one
// transaction, before the next step acts. Refused: the intent before the first inspect, for then a crash
// between the two leaves no way to tell "it was so before" from "we did it".
//
// A step that destroys what it changes may name a restore as its way back: what was saved must be whole
// before the step begins, its fingerprint is journaled with the intent, a record is durable before the
// restore writes anything, and the fingerprint must be the same after it (engine_restore.cpp).
//
// A failure before commit goes back by itself, unless a one-way step was begun: then it is held. A failure in
// commit or in abort is tried again a few times and then held; a step of commit that says so goes back then.

#include "operation/journal.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace belay::operation {

struct Settings {
    /// Where the store lives: its room is checked, and operations keep their restore points below it.
    std::string state_folder;
    Bytes reserve = {8 << 20};                     ///< that must be free there
    std::string prefix = {};                       ///< of the ids of its operations
    Milliseconds poll = std::chrono::seconds(1);   ///< between two looks at a long step
    Milliseconds retry = std::chrono::seconds(1);  ///< before a second attempt; doubled for each further one
    int attempts = 3;                              ///< in commit and abort
    /// Called after every change of an operation or its progress, from the thread that made it; must not call
    /// back.
    std::function<void(const Id&)> changed = [](const Id&) {};
};

/// When step() wants to be called again.
struct Next {
    enum class When { now, at, idle } when = When::idle;
    Milliseconds boot{0};  ///< on the boot clock, for `at`
};

/// How a one-shot goes: add, activate, soak, commit, without asking.
struct OneShot {
    bool wanted = false;
    Milliseconds soak{0};
};

struct GateView {
    std::string name;
    std::string title;
    Finding finding;
    std::optional<Milliseconds> broken_for = {};
};

/// An operation as a face shows it.
struct View {
    Operation operation;                 ///< what its steps remembered may be missing
    std::optional<size_t> current = {};  ///< the step that is worked on
    std::optional<Progress> progress = {};
    std::string waits_for = {};             ///< with the progress, in a few words
    std::optional<host::Moment> seen = {};  ///< when this was true
    std::vector<GateView> gates = {};
    std::optional<Error> stuck = {};  ///< why nothing goes on for now: the journal cannot be written
};
void to_json(Json& json, const View& view);

struct TimerChange {
    enum class What { stop, restart, extend } what = What::stop;
    Milliseconds by{0};
};

struct Cleaned {
    std::vector<std::string> removed;  ///< a sentence each
    Bytes freed;
};

/// Threads: any; calls for one operation wait for each other, show() for none.
class Engine {
  public:
    /// Finds what has not ended and writes its timers down for this boot. The references must outlive the
    /// engine. Errors: those of the store; that it is full is none.
    static Result<std::unique_ptr<Engine>> open(store::Store& store, host::Host& host,
                                                const Catalogue& catalogue, Settings settings);

    /// All checks of a plan, the engine's own included. Changes nothing.
    Result<std::vector<Checked>> check(const Plan& plan);
    /// Keeps a plan whose checks pass as a planned operation. Errors: refused with the checks that fail.
    Result<Operation> keep(const Plan& plan, const Asker& asker, OneShot one_shot = {});

    /// Asks an operation to do something; durable when it returns, then carried out by step(). Errors:
    /// refused, busy (a lock is taken), not_found, those of the store.
    Result<Operation> request(const Id& id, Verb verb, const Asker& asker);
    Result<Operation> change_timer(const Id& id, TimerChange change, const Asker& asker);

    /// Keeps a plan as a part of a site operation, once for each key: asked again, it answers with what it
    /// has kept, whatever became of that. Errors: refused (a check fails, another plan has this key, or the
    /// part was given up), usage, those of the store.
    Result<Operation> adopt(const Plan& plan, const Part& part, const Asker& asker);
    /// The operation that was adopted under a key, or that none ever will be. Nothing: the key is free.
    Result<std::optional<Journal::Adopted>> adopted(std::string_view key) { return journal_->adopted(key); }
    /// Nothing will be adopted under this key: whoever comes late with it is refused. Errors: busy where
    /// something was adopted; those of the store.
    Result<void> give_up(std::string_view key, const Asker& asker);
    /// An activated part whose gates hold no longer aborts by itself, neither by its timer nor by a gate:
    /// what becomes of it the site says. A person may still commit or abort it. Asked again, it answers the
    /// same. Errors: refused, those of the store.
    Result<Operation> promise(const Id& id, const Asker& asker);
    /// Takes the promise back: it aborts by itself again, `left` from now. Of what has not promised: nothing.
    Result<Operation> release(const Id& id, Milliseconds left, const Asker& asker);
    /// A running timer is to run for so long at least. Where it does already, or was stopped: nothing.
    Result<Operation> keep_going(const Id& id, Milliseconds left, const Asker& asker);

    /// One piece of work. On an Error nothing is lost: call again later, the world is looked at anew.
    Result<Next> step(const Id& id);
    /// To be called when the wall clock was set.
    Result<void> clock_was_set();

    Result<View> show(const Id& id);
    Result<std::vector<Record>> records(const Id& id) { return journal_->records(id); }
    Result<std::vector<Id>> unfinished() { return journal_->unfinished(); }
    Result<std::vector<Id>> all() { return journal_->all(); }
    Result<std::vector<Json>> audit() { return journal_->audit(); }
    /// Adds to the audit trail what somebody asked for that is no operation: `object` as "host web1".
    Result<void> write_audit(std::string_view verb, std::string_view object, const Asker& asker,
                             std::string_view answer);

    /// Removes what no operation needs any more: data remembered for ended operations, what they keep in
    /// folders of their own (restore points), plans that were made more than a day ago and not added.
    Result<Cleaned> clean(bool dry_run, const Asker& asker);

  private:
    /// What the engine knows of one operation beyond its journal; all of it may be lost in a crash.
    struct Slot {
        std::mutex mutex;
        Operation operation;
        Entry buffer;                ///< records taken in, and not yet durable
        bool applied = false;        ///< the current step was applied by this process
        bool unfinished = false;     ///< and wants to be applied again
        int attempts = 0;            ///< of the current step, failed ones
        Milliseconds not_before{0};  ///< boot clock: when the next attempt may come
        std::optional<Progress> progress;
        std::string waits_for;       ///< with the progress
        Milliseconds progressed{0};  ///< boot clock: when progress last moved
        std::map<std::string, GateView> gates;
        std::map<std::string, Milliseconds> gates_broken_since, gates_due;
        std::optional<Milliseconds> soaked_at;  ///< boot clock: when a one-shot may commit
        bool stale = false;                     ///< a write failed: load again before anything else

        /// What the view's operation has yet to take in. It is never copied again as a whole: after every
        /// step of a long plan that would cost more than the step.
        std::vector<Record> unseen;
        std::mutex view_mutex;
        std::optional<View> view;
    };
    using SlotPointer = std::shared_ptr<Slot>;

    Engine(store::Store& store, host::Host& host, const Catalogue& catalogue, Settings settings)
        : store_(store), host_(host), catalogue_(catalogue), settings_(std::move(settings))
    {
    }

    Result<SlotPointer> slot(const Id& id);
    Result<void> refresh(Slot& slot);
    void publish(Slot& slot, const host::Moment& now);

    // Writing.
    Result<void> take(Slot& slot, const host::Moment& now, Event event, Json detail);
    Result<void> flush(Slot& slot);
    Result<void> move(Slot& slot, const host::Moment& now, State to, std::string reason,
                      const Asker* asker = nullptr);
    Json audit_of(const host::Moment& now, std::string_view verb, const Id& id, const Asker& asker,
                  std::string_view answer) const;

    // Requests.
    Result<Operation> make(const Plan& plan, const Asker& asker, OneShot one_shot, const Part* part);
    template <typename Change>
    Result<Operation> change_part(const Id& id, std::string_view verb, const Asker& asker, Change change);
    Result<void> gates_hold(const Operation& operation);
    Result<void> carry_out(Slot& slot, Verb verb, const Asker& asker, const host::Moment& now);
    Result<void> begin_add(Slot& slot, const Asker& asker, const host::Moment& now);
    Result<void> begin_activate(Slot& slot, const Asker& asker, const host::Moment& now);
    Result<void> clear(Slot& slot, const Asker& asker, const host::Moment& now);
    Result<void> keep_timer(Slot& slot, const host::Moment& now);
    Result<std::vector<Checked>> check(host::Host& host, const Plan& plan) const;
    Result<Fingerprint> fingerprint(host::Host& host, const std::vector<Question>& questions) const;
    std::string folder_of(std::string_view id) const;
    Result<void> clean_kept(const Operation& operation, bool dry_run, Cleaned& cleaned);
    std::vector<Checked> ask_all(host::Host& host, const Plan& plan, bool only_again) const;

    // Work.
    Result<Next> work(Slot& slot, const host::Moment& now);
    Result<Next> work_on_phase(Slot& slot, Phase phase, const host::Moment& now);
    Result<Next> begin_step(Slot& slot, size_t index, const host::Moment& now);
    Result<Next> go_on_with_step(Slot& slot, size_t index, const host::Moment& now);
    Result<Next> apply_step(Slot& slot, size_t index, const host::Moment& now);
    Result<Next> settle_step(Slot& slot, size_t index, const host::Moment& now, const Result<void>& applied);
    Result<Next> wait_for_step(Slot& slot, size_t index, const Inspection& inspection,
                               const host::Moment& now);
    Result<Milliseconds> next_look(Slot& slot, const Step& step, const Inspection& inspection,
                                   const host::Moment& now) const;
    Result<Next> step_done(Slot& slot, size_t index, bool already, const std::string& detail,
                           const host::Moment& now);
    Result<Next> step_failed(Slot& slot, size_t index, const Error& error, const host::Moment& now);
    Result<void> all_hold(const std::vector<Question>& questions, ErrorKind kind, std::string_view what);
    Result<Next> phase_done(Slot& slot, Phase phase, const host::Moment& now);
    Result<Next> soak(Slot& slot, const host::Moment& now);
    struct Watched;
    Result<Watched> watch_gates(Slot& slot, const host::Moment& now);
    Result<void> watch_gate(Slot& slot, const Gate& gate, const host::Moment& now);
    Result<Next> go_back(Slot& slot, const host::Moment& now);
    Result<Next> undo_step(Slot& slot, size_t index, const host::Moment& now);
    Result<Fingerprint> ready_to_restore(const Operation& operation, const Restore& restore);
    Result<Next> restore_step(Slot& slot, size_t index, const host::Moment& now);
    Result<Next> put_back(Slot& slot, size_t index, const host::Moment& now);
    Result<Next> prove_restored(Slot& slot, size_t index, const host::Moment& now);
    Result<Next> undo_failed(Slot& slot, const Step& step, const Error& error, const host::Moment& now);
    Result<Next> verify_and_end(Slot& slot, const host::Moment& now);
    Result<Next> hold_or_retry(Slot& slot, const std::string& what, const Error& error,
                               const host::Moment& now, State then = State::held);
    bool timer_ran_out(const Slot& slot, const host::Moment& now) const;
    Result<bool> obey_timer(Slot& slot, const host::Moment& now);

    store::Store& store_;
    host::Host& host_;
    const Catalogue& catalogue_;
    Settings settings_;
    std::unique_ptr<Journal> journal_;
    std::mutex slots_mutex_;
    std::map<Id, SlotPointer> slots_;
};

}  // namespace belay::operation
