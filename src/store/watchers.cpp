#include "store/watchers.h"

#include "base/invariant.h"

#include <algorithm>
#include <condition_variable>

namespace belay::store {
namespace {

constexpr size_t max_changes_at_once = 1000;
constexpr std::chrono::milliseconds longest_patience = std::chrono::hours(24);

}  // namespace

class Watchers::Subscription : public Watch {
  public:
    Subscription(Watchers& watchers, std::string_view prefix) : watchers_(watchers), prefix_(prefix)
    {
        watchers_.subscriptions_.insert(this);
    }
    ~Subscription() override
    {
        const std::lock_guard lock(watchers_.mutex_);
        watchers_.subscriptions_.erase(this);
    }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    Result<std::vector<Change>> next(std::chrono::milliseconds patience) override;
    void interrupt() override
    {
        const std::lock_guard lock(watchers_.mutex_);
        interrupted_ = true;
        news_.notify_all();
    }

    void note(std::string_view key, Revision revision);
    void set_failure(const Error& error)
    {
        failure_ = error;
        news_.notify_all();
    }

  private:
    Result<Change> take_oldest();

    Watchers& watchers_;
    const std::string prefix_;
    std::condition_variable news_;
    Changed by_key_;
    std::set<std::pair<Revision, std::string_view>> by_revision_;  // the keys are those of by_key_
    bool interrupted_ = false;
    std::optional<Error> failure_;
};

void Watchers::Subscription::note(std::string_view key, Revision revision)
{
    if (!key.starts_with(prefix_)) return;
    const auto [position, is_new] = by_key_.try_emplace(std::string(key), revision);
    if (!is_new) {
        by_revision_.erase({position->second, position->first});
        position->second = revision;
    }
    by_revision_.emplace(revision, position->first);
    news_.notify_one();
}

Result<Change> Watchers::Subscription::take_oldest()
{
    const auto [revision, key] = *by_revision_.begin();
    auto entry = TRY(watchers_.read_(key));
    Change change = entry ? Change{.entry = std::move(*entry)}
                          : Change{.entry = {.key = std::string(key), .modified = revision}, .deleted = true};
    by_revision_.erase(by_revision_.begin());
    by_key_.erase(by_key_.find(change.entry.key));
    return change;
}

Result<std::vector<Change>> Watchers::Subscription::next(std::chrono::milliseconds patience)
{
    std::unique_lock lock(watchers_.mutex_);
    news_.wait_for(lock, std::min(patience, longest_patience),
                   [this] { return interrupted_ || failure_ || !by_key_.empty(); });
    if (failure_) return std::unexpected(*failure_);
    std::vector<Change> changes;
    if (std::exchange(interrupted_, false)) return changes;
    while (!by_revision_.empty() && changes.size() < max_changes_at_once)
        changes.push_back(TRY(take_oldest()));
    return changes;
}

Watchers::Watchers(std::mutex& mutex, Read read) : mutex_(mutex), read_(std::move(read)) {}

Watchers::~Watchers()
{
    INVARIANT(subscriptions_.empty());
}

std::unique_ptr<Watch> Watchers::add(std::string_view prefix, const Changed& backlog)
{
    auto subscription = std::make_unique<Subscription>(*this, prefix);
    for (const auto& [key, revision] : backlog) subscription->note(key, revision);
    return subscription;
}

void Watchers::changed(std::string_view key, Revision revision)
{
    for (Subscription* subscription : subscriptions_) subscription->note(key, revision);
}

void Watchers::fail_all(const Error& error)
{
    for (Subscription* subscription : subscriptions_) subscription->set_failure(error);
}

}  // namespace belay::store
