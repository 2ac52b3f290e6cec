#pragma once
// The journal: what was meant and what came of it, each durable before the next thing happens.
//
// Keys in the store, all values JSON:
//   meta/last-operation             the number of the last id that was given
//   open/ID                         there while the operation has not ended
//   operation/ID/plan               the plan, as it was made
//   operation/ID/record/NNNNNNNN    the records, numbered without a hole
//   operation/ID/remembered/STEP    what revert needs; written with the intent
//   lock/RESOURCE                   {operation, title, since}; gone with the record that ends the operation
//   part/KEY                        {operation}: what was adopted under this key; {} if it was given up
//   before audit/NNNNNNNNNNNN              who asked for what, and from where; only ever added to
//
// A transaction that writes record N demands that there is none: two engines cannot both go on with one
// operation. Refused: one record that is rewritten in place (after a torn write nobody could say what had
// been), and a state kept beside the records (two truths).

#include "operation/operation.h"
#include "store/store.h"

#include <atomic>
#include <functional>

namespace belay::operation {

/// Records that become durable together, and what must become so with them.
struct Entry {
    std::vector<Record> records;
    std::map<std::string, Json> remembered = {};  ///< by step name
    bool takes_locks = false;
    bool ends = false;  ///< releases the locks
    std::optional<Json> audit = {};
};

/// Threads: one caller at a time for each operation; different operations at the same time.
class Journal {
  public:
    /// `prefix`: of the ids that it gives, before their number; letters, or empty. Errors: those of the
    /// store.
    static Result<std::unique_ptr<Journal>> open(store::Store& store, std::string prefix = {});

    /// Gives an id and writes the plan of it with its first record, under the key of the part that the record
    /// is of. Errors: busy where the key is in use, those of the store.
    Result<Operation> create(const std::function<Plan(const Id&)>& plan_of, const Record& planned,
                             const Json& audit);
    /// Errors: not_found, corrupt, those of the store.
    Result<Operation> load(const Id& id) const;
    Result<std::vector<Record>> records(const Id& id) const;
    /// The operations that have not ended, and all of them, by number.
    Result<std::vector<Id>> unfinished() const;
    Result<std::vector<Id>> all() const;

    /// Makes the entry durable. `operation` must have been told its records already, so that what was meant
    /// and what is kept cannot part; after an Error it must be loaded anew. Errors: busy where a lock is
    /// taken, naming the holder; those of the store.
    Result<void> append(const Operation& operation, const Entry& entry);

    /// The operation that was adopted under a key, or that none ever will be. Nothing: the key is free.
    struct Adopted {
        std::optional<Id> operation;
    };
    Result<std::optional<Adopted>> adopted(std::string_view key) const;
    /// Nothing will be adopted under this key. Errors: busy where something was; those of the store.
    Result<void> give_up(std::string_view key, const Json& audit);

    /// Who holds which of these locks; empty: all are free.
    Result<std::optional<Error>> held_by_another(const Operation& operation) const;

    /// For a request that was refused, and so left no record.
    Result<void> write_audit(const Json& audit);
    Result<std::vector<Json>> audit() const;

    /// What revert would have needed, in bytes; deleted if `drop`. For operations that have ended.
    Result<Bytes> remembered(const Id& id, bool drop);

  private:
    Journal(store::Store& store, std::string prefix, uint64_t next_audit)
        : store_(store), prefix_(std::move(prefix)), next_audit_(next_audit)
    {
    }
    bool is_id(const Id& id) const;
    void add_audit(store::Transaction& transaction, const Json& audit);

    store::Store& store_;
    const std::string prefix_;
    std::atomic<uint64_t> next_audit_;
};

/// The operation that holds a lock; nothing where nobody does. For actions that write down for whom they act.
Result<std::optional<Id>> holder_of(store::Store& store, std::string_view resource);
/// Who asked for an operation. Errors: not_found, corrupt, those of the store.
Result<Asker> asker_of(store::Store& store, const Id& id);

/// Where an operation stands by its records, without its plan: for actions that work for one.
struct Standing {
    Id id;
    State state = State::planned;
    State held_in = State::planned;
    std::optional<Timer> timer = {};
    std::vector<std::string> begun = {};  ///< steps with an intent, in that order; not those that were undone
    uint64_t next_number = 0;

    /// Whether that step was begun last.
    bool is_at(std::string_view step) const { return !begun.empty() && begun.back() == step; }
    bool has_begun(std::string_view step) const;
    /// Holds as long as it stands there: for a transaction that must not come too late.
    store::Compare unmoved() const;
};
/// Errors: not_found, corrupt, those of the store.
Result<Standing> standing_of(store::Store& store, const Id& id);
/// Takes in what was written since.
Result<void> follow(store::Store& store, Standing& standing);

}  // namespace belay::operation
