// belayd-mortal: belayd with a store that ends or stops the whole process just before or just after its n-th
// commit.
//
//     BELAY_MORTAL="before 7 kill" belayd-mortal ...     SIGKILL before the seventh commit is made
//     BELAY_MORTAL="after 7 stop" belayd-mortal ...      stopped after it, until somebody cuts the power
//
// It says "mortal: now" on standard output when that happens.

#include "daemon/command_line.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace belay {
namespace {

struct Fate {
    bool before = true;
    unsigned at = 0;  ///< counted from 1; 0: never
    int signal = SIGKILL;
};

Fate fate_of(const char* text)
{
    char when[8] = {}, how[8] = {};
    Fate fate;
    if (text == nullptr || std::sscanf(text, "%7s %u %7s", when, &fate.at, how) != 3) return {};
    fate.before = std::string_view(when) == "before";
    fate.signal = std::string_view(how) == "stop" ? SIGSTOP : SIGKILL;
    return fate;
}

class MortalStore final : public store::Store {
  public:
    MortalStore(std::unique_ptr<store::Store> store, Fate fate) : store_(std::move(store)), fate_(fate) {}

    Result<store::Commit> commit(const store::Transaction& transaction) override
    {
        const unsigned number = ++commits_;
        if (fate_.before && number == fate_.at) die();
        Result<store::Commit> commit = store_->commit(transaction);
        if (!fate_.before && number == fate_.at) die();
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
    Result<store::LeaseId> grant(Milliseconds time_to_live) override { return store_->grant(time_to_live); }
    Result<void> keep_alive(store::LeaseId lease) override { return store_->keep_alive(lease); }
    Result<void> revoke(store::LeaseId lease) override { return store_->revoke(lease); }
    Result<void> expire() override { return store_->expire(); }
    Result<std::optional<Milliseconds>> next_expiry() override { return store_->next_expiry(); }

  private:
    void die() const
    {
        std::puts("mortal: now");
        std::fflush(stdout);
        std::raise(fate_.signal);
    }

    std::unique_ptr<store::Store> store_;
    Fate fate_;
    std::atomic<unsigned> commits_ = 0;
};

}  // namespace
}  // namespace belay

int main(int argc, char** argv)
{
    // There is one thread yet.
    const char* wanted = std::getenv("BELAY_MORTAL");  // NOLINT(concurrency-mt-unsafe)
    const belay::Fate fate = belay::fate_of(wanted);
    belay::daemon::Parts parts{belay::procedures::all(), belay::procedures::fill, belay::procedures::views(),
                               belay::procedures::gate_kinds()};
    parts.open_store =
        [fate](const std::string& path) -> belay::Result<std::unique_ptr<belay::store::Store>> {
        return std::make_unique<belay::MortalStore>(TRY(belay::store::open_sqlite(path)), fate);
    };
    return belay::daemon::run(argc, argv, parts);
}
