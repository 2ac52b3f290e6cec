#include "site_configuration.h"

#include "bare_etcd.h"
#include "framework/configuration/reader.h"
#include "samples.h"
#include "site_sample.h"
#include "store/etcd/etcd.h"
#include "store/sqlite.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace belay::bench {
namespace {

using framework::configuration::ConfigurationReader;
using framework::configuration::Follower;
using framework::configuration::HistoryEntry;
using framework::configuration::Register;
using framework::configuration::Version;

constexpr size_t hosts_of_site = 50;
constexpr size_t changes_in_round = 10;
constexpr Nanoseconds most_write = std::chrono::microseconds(500);
constexpr Nanoseconds most_delivery = std::chrono::milliseconds(1);

struct Spans {
    std::vector<Nanoseconds> write, delivery;  ///< both from the beginning of the write
};

/// A watcher in a thread of its own, which waits as an agent would.
class Watching {
  public:
    explicit Watching(std::unique_ptr<Follower> follower) : follower_(std::move(follower))
    {
        thread_ = std::thread([this] { run(); });
    }
    ~Watching()
    {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        follower_->interrupt();
        thread_.join();
    }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

    /// When it had this version.
    Result<Nanoseconds> had(Version version)
    {
        std::unique_lock lock(mutex_);
        const bool came = changed_.wait_for(lock, std::chrono::seconds(30),
                                            [&] { return version_ >= version || problem_; });
        if (problem_) return std::unexpected(*problem_);
        if (!came) return fail(ErrorKind::timeout, "a watcher was not told of a change");
        return at_;
    }

  private:
    void run()
    {
        while (true) {
            const Result<std::vector<HistoryEntry>> entries = follower_->next(std::chrono::hours(1));
            const Nanoseconds now = reading(CLOCK_MONOTONIC);
            const std::lock_guard lock(mutex_);
            if (!entries) problem_ = entries.error();
            if (stopped_ || problem_) break;
            if (entries->empty()) continue;
            version_ = entries->back().version;
            at_ = now;
            changed_.notify_all();
        }
        changed_.notify_all();
    }

    std::unique_ptr<Follower> follower_;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
    std::optional<Error> problem_;
    Version version_ = 0;
    Nanoseconds at_{0};
};

/// A site in a store, and one who watches it.
class Measured {
  public:
    static Result<std::unique_ptr<Measured>> open(std::unique_ptr<store::Store> store)
    {
        std::unique_ptr<Measured> measured(new Measured(std::move(store)));
        TRY(make_site(measured->site_, hosts_of_site));
        measured->watching_ =
            std::make_unique<Watching>(TRY(ConfigurationReader(*measured->store_).follow(1)));
        return measured;
    }

    Result<void> take_round()
    {
        for (size_t i = 0; i < changes_in_round; ++i) {
            const Nanoseconds begun = reading(CLOCK_MONOTONIC);
            const Version version = TRY(change_site(site_, ++changes_));
            const Nanoseconds made = reading(CLOCK_MONOTONIC);
            const Nanoseconds had = TRY(watching_->had(version));
            taken_.write.push_back(made - begun);
            taken_.delivery.push_back(had - begun);
        }
        return {};
    }
    const Spans& taken() const { return taken_; }
    Result<size_t> bytes() { return bytes_of_change(*store_, static_cast<Version>(changes_) + 1); }

  private:
    explicit Measured(std::unique_ptr<store::Store> store) : store_(std::move(store)), site_(*store_) {}

    std::unique_ptr<store::Store> store_;
    Register site_;
    std::unique_ptr<Watching> watching_;
    Spans taken_;
    size_t changes_ = 0;
};

Result<void> take_round(BareEtcd& bare, const std::string& value, Spans& taken)
{
    for (size_t i = 0; i < changes_in_round; ++i) {
        const BareEtcd::Times times = TRY(bare.put(value));
        taken.write.push_back(times.put - times.begun);
        taken.delivery.push_back(times.watched - times.begun);
    }
    return {};
}

std::string ratio_of(const std::vector<Nanoseconds>& peer, const std::vector<Nanoseconds>& ours)
{
    return fmt::format("{:.2f}", seconds(median(peer)) / seconds(median(ours)));
}

}  // namespace

Result<std::vector<Row>> measure_configuration(const ScratchFolder& folder, size_t rounds)
{
    const Etcd etcd = TRY(Etcd::start(folder.path()));
    const auto on_sqlite = TRY(Measured::open(TRY(store::open_sqlite(folder / "belay.db"))));
    const auto on_etcd = TRY(Measured::open(TRY(store::open_etcd({.endpoints = {etcd.endpoint()}}))));
    const auto bare = TRY(BareEtcd::open(etcd.endpoint()));
    TRY(on_sqlite->take_round());
    const std::string value(TRY(on_sqlite->bytes()), 'x');
    Spans alone;
    for (size_t round = 0; round < rounds; ++round) {
        TRY(on_sqlite->take_round());
        TRY(take_round(*bare, value, alone));
        TRY(on_etcd->take_round());
    }
    const Spans& sqlite = on_sqlite->taken();
    const Spans& site = on_etcd->taken();
    return std::vector<Row>{{.name = "configuration on SQLite: a change is written",
                             .ours = to_text(median(sqlite.write)),
                             .peer = to_text(median(alone.write)),
                             .ratio = ratio_of(alone.write, sqlite.write),
                             .mark = "at most 0.5 ms",
                             .reached = median(sqlite.write) <= most_write},
                            {.name = "configuration on SQLite: a watcher has it",
                             .ours = to_text(median(sqlite.delivery)),
                             .peer = to_text(median(alone.delivery)),
                             .ratio = ratio_of(alone.delivery, sqlite.delivery),
                             .mark = "at most 1 ms",
                             .reached = median(sqlite.delivery) <= most_delivery},
                            {.name = "configuration on etcd: a change is written",
                             .ours = to_text(median(site.write)),
                             .peer = to_text(median(alone.write)),
                             .ratio = ratio_of(alone.write, site.write)},
                            {.name = "configuration on etcd: a watcher has it",
                             .ours = to_text(median(site.delivery)),
                             .peer = to_text(median(alone.delivery)),
                             .ratio = ratio_of(alone.delivery, site.delivery)}};
}

}  // namespace belay::bench
