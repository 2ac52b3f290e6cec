#include "site/remote/controller/distributor.h"

#include "framework/configuration/reader.h"
#include "site/remote/controller/preparation.h"
#include "site/remote/controller/receivers.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace belay::site {

using framework::configuration::ConfigurationReader;
using framework::configuration::Follower;
using framework::configuration::HistoryEntry;
using framework::configuration::Point;
using framework::configuration::point_of;
using framework::configuration::Taken;
using framework::configuration::taken_from;

namespace {

constexpr std::string_view take_method = "ConfigTake";
constexpr Milliseconds longest_wait = std::chrono::hours(1);
constexpr Milliseconds pause_after_failure = std::chrono::seconds(1);

}  // namespace

/// The thread, and all that answers come to: it stays until the last of them has come.
class Distributor::Work : public std::enable_shared_from_this<Work> {
  public:
    Work(Hub& hub, store::Store& store, const DistributorOptions& options)
        : hub_(hub),
          store_(store),
          preparation_(store),
          receivers_(options.bytes_under_way, options.slow_after)
    {
    }

    void start()
    {
        thread_ = std::thread([this] { run(); });
        for (const std::string& member : hub_.attached()) presence_changed(member);
    }

    void presence_changed(const std::string& member)
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        const Presence::State state = hub_.presence(member).state;
        if (state == Presence::State::gone) receivers_.gone(member);
        if (state == Presence::State::attached) receivers_.attached(member);
        if (receivers_.is_somebodys_turn()) wake();
    }

    Distribution distribution() const
    {
        const std::lock_guard lock(mutex_);
        return {.newest = receivers_.newest().version,
                .members = receivers_.members(),
                .current = receivers_.current(),
                .problem = problem_};
    }

    std::optional<Received> received_by(const std::string& member) const
    {
        const std::lock_guard lock(mutex_);
        const Receivers::Receiver* receiver = receivers_.find(member);
        if (receiver == nullptr || !receiver->at) return std::nullopt;
        return Received{.version = receiver->at->version,
                        .current = *receiver->at == receivers_.newest(),
                        .problem = receiver->problem};
    }

    void stop()
    {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            wake();
        }
        if (thread_.joinable()) thread_.join();
        follower_.reset();
    }

  private:
    void run();
    bool attend();
    Result<void> follow();
    Result<void> wait_for_changes();
    bool ask_next();
    void answered(const std::string& member, uint64_t question, const Result<Json>& answer);
    void take_newest(const Point& newest);

    /// The thread has something to do. With the mutex held.
    void wake()
    {
        if (std::exchange(woken_, true)) return;
        if (follower_) follower_->interrupt();
        woken_changed_.notify_all();
    }

    Hub& hub_;
    store::Store& store_;
    Preparation preparation_;  ///< only the thread touches it
    std::thread thread_;

    mutable std::mutex mutex_;
    std::condition_variable woken_changed_;
    bool woken_ = false;
    bool stopped_ = false;
    std::unique_ptr<Follower> follower_;  ///< made and ended by the thread, which alone waits by it
    Receivers receivers_;
    std::optional<Error> problem_;
};

void Distributor::Work::run()
{
    while (attend()) {
        Result<void> went = follower_ ? Result<void>() : follow();
        if (went) {
            while (ask_next()) {
            }
            went = wait_for_changes();
        }
        std::unique_lock lock(mutex_);
        problem_ = went ? std::nullopt : std::optional(went.error());
        if (went || went.error().kind == ErrorKind::unavailable) continue;
        // It begins anew: by then the store may know what it has forgotten, or be whole again.
        follower_.reset();
        woken_changed_.wait_for(lock, pause_after_failure, [this] { return stopped_; });
    }
}

/// Whether to go on.
bool Distributor::Work::attend()
{
    const std::lock_guard lock(mutex_);
    woken_ = false;
    if (receivers_.is_idle()) preparation_.forget();
    return !stopped_;
}

Result<void> Distributor::Work::follow()
{
    const Point newest = TRY(preparation_.newest());
    std::unique_ptr<Follower> follower = TRY(ConfigurationReader(store_).follow(newest.version));
    {
        const std::lock_guard lock(mutex_);
        follower_ = std::move(follower);
    }
    take_newest(newest);
    return {};
}

Result<void> Distributor::Work::wait_for_changes()
{
    Milliseconds patience = longest_wait;
    {
        const std::lock_guard lock(mutex_);
        if (woken_) return {};
        const std::optional<Milliseconds> time = receivers_.next_time();
        if (time) patience = std::clamp(*time - boot_now(), Milliseconds{1}, longest_wait);
    }
    const std::vector<HistoryEntry> entries = TRY(follower_->next(patience));
    if (entries.empty()) return {};
    const Point newest = point_of(entries.back());
    bool is_news = false;
    {
        const std::lock_guard lock(mutex_);
        is_news = newest.version > receivers_.newest().version;
    }
    if (is_news) take_newest(newest);
    return {};
}

void Distributor::Work::take_newest(const Point& newest)
{
    preparation_.forget();
    hub_.set_configuration(newest.version);
    const std::lock_guard lock(mutex_);
    receivers_.set_newest(newest);
}

/// False: it is nobody's turn.
bool Distributor::Work::ask_next()
{
    std::optional<std::string> member;
    Receivers::Receiver receiver;
    Point newest;
    {
        const std::lock_guard lock(mutex_);
        member = receivers_.next(boot_now());
        if (!member || stopped_) return false;
        receiver = *receivers_.find(*member);
        newest = receivers_.newest();
    }
    std::optional<Point> ahead;
    const Result<Prepared> prepared = preparation_.question_to(receiver, ahead);
    if (ahead && ahead->version > newest.version) {
        hub_.set_configuration(ahead->version);
        const std::lock_guard lock(mutex_);
        receivers_.set_newest(*ahead);
    }
    if (prepared && !prepared->text) return true;
    uint64_t question = 0;
    {
        const std::lock_guard lock(mutex_);
        if (prepared)
            question = receivers_.asked(*member, prepared->text->size(), prepared->whole, boot_now());
        else
            receivers_.put_off(*member, prepared.error(), boot_now() + pause_after_failure);
    }
    if (question == 0) return true;
    hub_.ask(*member, take_method, *prepared->text, "the configuration",
             [self = shared_from_this(), member = *member, question](const Result<Json>& answer) {
                 self->answered(member, question, answer);
             });
    return true;
}

void Distributor::Work::answered(const std::string& member, uint64_t question, const Result<Json>& answer)
{
    const Result<Taken> taken = answer ? taken_from(*answer) : Result<Taken>(std::unexpected(answer.error()));
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    receivers_.answered(member, question, taken, boot_now());
    // When all is done, what was prepared can go.
    if (receivers_.is_somebodys_turn() || receivers_.is_idle()) wake();
}

Distributor::Distributor(Hub& hub, store::Store& store, const DistributorOptions& options)
    : work_(std::make_shared<Work>(hub, store, options))
{
    work_->start();
}

Distributor::~Distributor() = default;

void Distributor::presence_changed(const std::string& member)
{
    work_->presence_changed(member);
}

Distribution Distributor::distribution() const
{
    return work_->distribution();
}

std::optional<Received> Distributor::received_by(const std::string& member) const
{
    return work_->received_by(member);
}

void Distributor::stop()
{
    work_->stop();
}

}  // namespace belay::site
