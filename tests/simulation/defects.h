#pragma once
// Mistakes that are put in on purpose at the seams, to show that the simulation would find them.

#include "witness.h"

namespace belay::simulation {

enum class Defect {
    none,
    drops_restores,          ///< the store takes no records of what is being restored
    drops_intents,           ///< the store takes no intent records
    forgets_locks,           ///< the store takes no locks
    boot_clock_jumps,        ///< the boot clock is the wall clock
    remains_asks_for_goal,   ///< actions look for their goal, not for what is left of them
    acknowledges_too_early,  ///< the store loses its last commit in a crash
};

/// Leaves writes out of transactions.
class ForgetfulStore final : public PassingStore {
  public:
    using Forgets = bool (*)(const store::Write&);
    ForgetfulStore(store::Store& store, Forgets forgets) : PassingStore(store), forgets_(forgets) {}
    Result<store::Commit> commit(const store::Transaction& transaction) override;

  private:
    Forgets forgets_;
};
bool is_intent(const store::Write& write);
bool is_restoring(const store::Write& write);
bool is_lock(const store::Write& write);

/// Answers from memory, and writes each commit down only with the next one.
class HastyStore final : public PassingStore {
  public:
    HastyStore(store::Store& durable, store::MemoryStore::Data data);
    Result<std::optional<store::Entry>> get(std::string_view key) override { return front_.get(key); }
    Result<std::vector<store::Entry>> list(std::string_view prefix, std::string_view after,
                                           size_t limit) override
    {
        return front_.list(prefix, after, limit);
    }
    Result<store::Commit> commit(const store::Transaction& transaction) override;

  private:
    store::MemoryStore front_;
    std::optional<store::Transaction> late_;
};

/// A machine whose boot clock jumps whenever its wall clock does.
class JumpyHost final : public host::Host {
  public:
    explicit JumpyHost(host::Host& host) : host_(host) {}

    Result<host::Outcome> run(const host::Command& command) override { return host_.run(command); }
    Result<std::string> read(std::string_view path, Bytes limit) override { return host_.read(path, limit); }
    Result<void> write(std::string_view path, std::string_view text) override
    {
        return host_.write(path, text);
    }
    Result<void> replace(std::string_view path, std::string_view text) override
    {
        return host_.replace(path, text);
    }
    Result<void> remove(std::string_view path) override { return host_.remove(path); }
    Result<std::vector<std::string>> list(std::string_view path) override { return host_.list(path); }
    Result<std::string> resolve(std::string_view path) override { return host_.resolve(path); }
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override
    {
        return host_.read_at(path, offset, size);
    }
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override
    {
        return host_.write_at(path, offset, bytes);
    }
    Result<host::Space> space(std::string_view path) override { return host_.space(path); }
    Result<host::Moment> now() override;
    Result<std::string> random(size_t count) override { return host_.random(count); }

  private:
    host::Host& host_;
};

}  // namespace belay::simulation
