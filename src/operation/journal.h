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
//   audit/NNNNNNNNNNNN              who asked for what, and from where; only ever added to
//
// A transaction that writes record N demands that there is none: two engines cannot both go on with one
// operation. Refused: one record that is rewritten in place (after a torn write nobody could say what had
// been), and a state kept beside the records (two truths).

#include "operation/operation.h"
#include "store/store.h"

#include <atomic>

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

    /// Gives an id and writes the plan with its first record. Errors: those of the store.
    Result<Operation> create(const Plan& plan, const Record& planned, const Json& audit);
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

}  // namespace belay::operation
