#pragma once
// The two seams at which a run looks at everything and lets things go wrong: between the engine and the
// machine, and between the journal and its store.

#include "host/contact.h"
#include "store/memory.h"

namespace belay::simulation {

/// What becomes of one contact or one commit.
enum class Fate {
    pass,
    refuse,       ///< not done: io or failed for a contact, no_space for a commit
    lost,         ///< done, and the answer is thrown away; of a contact only
    dead_before,  ///< not done, and the process dies here
    dead_after,   ///< done for good, and the process dies here
};

class Witness {
  public:
    virtual ~Witness() = default;
    virtual Fate contact(host::Call call, host::Effect effect, std::string_view what) = 0;
    virtual Fate commit(const store::Transaction& transaction) = 0;
    /// The contact is about to reach the machine and to change it.
    virtual void changes(std::string_view what) = 0;
    /// The transaction is on the disk.
    virtual void durable(const store::Transaction& transaction) = 0;
};

/// The process that the engine lives in. When it has died, nothing answers it any more.
struct Process {
    bool dead = false;
};

/// Passes calls on as the witness wants it.
class WitnessHost final : public host::Host {
  public:
    WitnessHost(host::Host& host, Witness& witness, Process& process)
        : host_(host), witness_(witness), process_(process)
    {
    }

    Result<host::Outcome> run(const host::Command& command) override;
    Result<std::string> read(std::string_view path, Bytes limit) override;
    Result<void> write(std::string_view path, std::string_view text) override;
    Result<void> replace(std::string_view path, std::string_view text) override;
    Result<void> remove(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view path) override;
    Result<std::string> resolve(std::string_view path) override;
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override;
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override;
    Result<host::Space> space(std::string_view path) override;
    Result<host::Moment> now() override;
    Result<std::string> random(size_t count) override;

  private:
    template <typename Pass>
    auto meet(host::Call call, host::Effect effect, std::string_view what, Pass pass) -> decltype(pass());

    host::Host& host_;
    Witness& witness_;
    Process& process_;
};

/// A store whose reads and commits pass to another one, as the base of all that stand in between.
class PassingStore : public store::Store {
  public:
    explicit PassingStore(store::Store& store) : store_(store) {}

    Result<std::optional<store::Entry>> get(std::string_view key) override { return store_.get(key); }
    Result<std::vector<store::Entry>> list(std::string_view prefix, std::string_view after,
                                           size_t limit) override
    {
        return store_.list(prefix, after, limit);
    }
    Result<store::Revision> revision() override { return store_.revision(); }
    Result<store::Commit> commit(const store::Transaction& transaction) override
    {
        return store_.commit(transaction);
    }
    Result<std::unique_ptr<store::Watch>> watch(std::string_view prefix, store::Revision since) override
    {
        return store_.watch(prefix, since);
    }
    Result<store::LeaseId> grant(std::chrono::milliseconds time) override { return store_.grant(time); }
    Result<void> keep_alive(store::LeaseId lease) override { return store_.keep_alive(lease); }
    Result<void> revoke(store::LeaseId lease) override { return store_.revoke(lease); }
    Result<void> expire() override { return store_.expire(); }
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override { return store_.next_expiry(); }

  protected:
    store::Store& store_;
};

/// Commits as the witness wants it, and tells it what became durable. It hands out no watches and no leases:
/// the engine uses none.
class WitnessStore final : public PassingStore {
  public:
    WitnessStore(store::Store& store, Witness& witness, Process& process)
        : PassingStore(store), witness_(witness), process_(process)
    {
    }

    Result<std::optional<store::Entry>> get(std::string_view key) override;
    Result<std::vector<store::Entry>> list(std::string_view prefix, std::string_view after,
                                           size_t limit) override;
    Result<store::Commit> commit(const store::Transaction& transaction) override;

  private:
    Witness& witness_;
    Process& process_;
};

}  // namespace belay::simulation
