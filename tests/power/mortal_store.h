#pragma once
// For tests: a store that ends or stops the whole process just before or just after its n-th commit.
//
// It says "mortal: now" on standard output when that happens, and in the line before what the commit is.

#include "store/store.h"

#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>

namespace belay {

/// In one write: other threads print as well.
inline void say_to_lab(const std::string& line)
{
    const ssize_t written = write(STDOUT_FILENO, line.data(), line.size());
    static_cast<void>(written);  // where nobody listens any more the test has ended
}

/// When the process ends or stops. Threads: any.
class Fate {
  public:
    struct Order {
        bool before = true;
        unsigned at = 0;  ///< counted from 1; 0: never
        int signal = SIGKILL;
    };
    /// "before 7 kill", "after 7 stop"; anything else: never.
    static Order order_in(const char* text)
    {
        char when[8] = {}, how[8] = {};
        Order order;
        if (text == nullptr || std::sscanf(text, "%7s %u %7s", when, &order.at, how) != 3) return {};
        order.before = std::string_view(when) == "before";
        order.signal = std::string_view(how) == "stop" ? SIGSTOP : SIGKILL;
        return order;
    }

    /// Counts from here on.
    void set(Order order)
    {
        const std::lock_guard lock(mutex_);
        order_ = order;
        commits_ = 0;
    }
    unsigned count()
    {
        const std::lock_guard lock(mutex_);
        return ++commits_;
    }
    unsigned counted()
    {
        const std::lock_guard lock(mutex_);
        return commits_;
    }
    void meet(bool before, unsigned number, const std::string& what)
    {
        int signal = 0;
        {
            const std::lock_guard lock(mutex_);
            if (before != order_.before || number != order_.at) return;
            signal = order_.signal;
            order_ = {};
        }
        say_to_lab("mortal: at " + what + "\nmortal: now\n");
        std::raise(signal);
    }

  private:
    std::mutex mutex_;
    Order order_;
    unsigned commits_ = 0;
};

/// The fate outlives it.
class MortalStore final : public store::Store {
  public:
    /// What a commit is, in a few words; empty: it does not count.
    using Describe = std::function<std::string(const store::Transaction&)>;

    MortalStore(std::unique_ptr<store::Store> store, Fate& fate, Describe describe)
        : store_(std::move(store)), fate_(fate), describe_(std::move(describe))
    {
    }

    Result<store::Commit> commit(const store::Transaction& transaction) override
    {
        const std::string what = describe_(transaction);
        if (what.empty()) return store_->commit(transaction);
        const unsigned number = fate_.count();
        fate_.meet(true, number, what);
        Result<store::Commit> commit = store_->commit(transaction);
        fate_.meet(false, number, what);
        return commit;
    }

    Result<std::optional<store::Entry>> get(std::string_view key) override { return store_->get(key); }
    Result<std::vector<store::Entry>> list(std::string_view prefix, std::string_view after,
                                           size_t limit) override
    {
        return store_->list(prefix, after, limit);
    }
    Result<store::Revision> revision() override { return store_->revision(); }
    Result<std::unique_ptr<store::Watch>> watch(std::string_view prefix, store::Revision since) override
    {
        return store_->watch(prefix, since);
    }
    Result<store::LeaseId> grant(std::chrono::milliseconds time_to_live) override
    {
        return store_->grant(time_to_live);
    }
    Result<void> keep_alive(store::LeaseId lease) override { return store_->keep_alive(lease); }
    Result<void> revoke(store::LeaseId lease) override { return store_->revoke(lease); }
    Result<void> expire() override { return store_->expire(); }
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override { return store_->next_expiry(); }

  private:
    std::unique_ptr<store::Store> store_;
    Fate& fate_;
    const Describe describe_;
};

}  // namespace belay
