#pragma once
// For tests: a store on which one call goes wrong, as FaultyHost does it for a host.

#include "store/store.h"

#include <functional>

namespace belay::store {

struct StoreFault {
    enum class Kind {
        refuse,  ///< not passed on: unavailable
        lost,    ///< passed on, but the answer is thrown away: lost
        dead,    ///< from here on nothing is passed on: dead for ever
    } kind = Kind::refuse;
    size_t at = 0;  ///< the call, counted from 1; 0: none
};

/// The other store is not owned. `written` is called after every commit that was passed on. Threads: one.
class FaultyStore final : public Store {
  public:
    FaultyStore(Store& store, StoreFault fault, std::function<void(const Transaction&)> written)
        : store_(store), fault_(fault), written_(std::move(written))
    {
    }

    size_t calls() const { return calls_; }
    bool dead() const { return dead_; }

    Result<std::optional<Entry>> get(std::string_view key) override
    {
        return pass([&] { return store_.get(key); });
    }
    Result<std::vector<Entry>> list(std::string_view prefix, std::string_view after, size_t limit) override
    {
        return pass([&] { return store_.list(prefix, after, limit); });
    }
    Result<Revision> revision() override
    {
        return pass([&] { return store_.revision(); });
    }
    Result<Commit> commit(const Transaction& transaction) override
    {
        return pass([&] {
            auto done = store_.commit(transaction);
            written_(transaction);
            return done;
        });
    }
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Revision since) override
    {
        return store_.watch(prefix, since);
    }
    Result<LeaseId> grant(std::chrono::milliseconds time) override { return store_.grant(time); }
    Result<void> keep_alive(LeaseId lease) override { return store_.keep_alive(lease); }
    Result<void> revoke(LeaseId lease) override { return store_.revoke(lease); }
    Result<void> expire() override { return store_.expire(); }
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override { return store_.next_expiry(); }

  private:
    template <typename Call>
    auto pass(Call call) -> decltype(call())
    {
        using Kind = StoreFault::Kind;
        if (!dead_ && ++calls_ == fault_.at) {
            if (fault_.kind == Kind::refuse) return fail(ErrorKind::unavailable, "the store does not answer");
            if (fault_.kind == Kind::lost) {
                static_cast<void>(call().has_value());
                return fail(ErrorKind::lost, "the answer of the store was lost");
            }
            dead_ = true;
        }
        if (dead_) return fail(ErrorKind::dead, "this process is dead");
        return call();
    }

    Store& store_;
    const StoreFault fault_;
    const std::function<void(const Transaction&)> written_;
    size_t calls_ = 0;
    bool dead_ = false;
};

}  // namespace belay::store
