#include "store/etcd/etcd_watch.h"

namespace belay::store {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t max_changes_at_once = 1000;
constexpr milliseconds longest_patience = std::chrono::hours(24);
/// Before a stream that ended is begun anew, where the one before had not begun either.
constexpr milliseconds pause_after_failure = 50ms;

}  // namespace

EtcdWatch::EtcdWatch(Client& client, const Layout& layout, std::string_view prefix, Revision since)
    : client_(client), layout_(layout), delivered_(since)
{
    layout.set_range(request_, prefix);
    request_.set_progress_notify(true);
    request_.set_fragment(true);
}

Result<std::unique_ptr<Watch>> EtcdWatch::begin(Client& client, const Layout& layout, std::string_view prefix,
                                                Revision since)
{
    std::unique_ptr<EtcdWatch> watch(new EtcdWatch(client, layout, prefix, since));
    try {
        watch->thread_ = std::thread([&watch = *watch] { watch.run(); });
    } catch (const std::system_error& problem) {
        return fail(ErrorKind::unavailable, fmt::format("cannot start a thread: {}", problem.what()));
    }
    std::unique_lock lock(watch->mutex_);
    watch->news_.wait_until(lock, client.deadline(), [&] { return watch->follows_ || watch->failure_; });
    if (watch->failure_) return std::unexpected(*watch->failure_);
    if (watch->follows_) {
        lock.unlock();
        return watch;
    }
    auto outage = watch->outage_ ? watch->outage_->error
                                 : Error{.kind = ErrorKind::unavailable, .what = "etcd does not answer"};
    lock.unlock();
    return std::unexpected(std::move(outage));
}

EtcdWatch::~EtcdWatch()
{
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        if (stream_ != nullptr) stream_->cancel();
    }
    news_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void EtcdWatch::run()
{
    while (true) {
        request_.set_start_revision(delivered_ + 1);
        fragments_.clear();
        const auto stream = client_.watch(request_);
        {
            const std::lock_guard lock(mutex_);
            if (ending_) return;
            stream_ = stream.get();
        }
        Error why = follow(*stream);
        std::unique_lock lock(mutex_);
        stream_ = nullptr;
        if (ending_) return;
        // not_found: forgotten; corrupt: no etcd. Whatever else it is, it may pass.
        if (why.kind == ErrorKind::not_found || why.kind == ErrorKind::corrupt ||
            why.kind == ErrorKind::version) {
            failure_ = std::move(why);
            news_.notify_all();
            return;
        }
        why.kind = ErrorKind::unavailable;
        const bool again = outage_.has_value();
        const Deadline since = again ? outage_->since : steady_clock::now();
        outage_ = {std::move(why), since};
        news_.notify_all();
        lock.unlock();
        stream->leave_endpoint();
        lock.lock();
        if (again) news_.wait_for(lock, pause_after_failure, [this] { return ending_; });
        if (ending_) return;
    }
}

Error EtcdWatch::follow(WatchStream& stream)
{
    // A node that hangs breaks no connection: where nothing has come for a while it is asked for a sign of
    // life. A large response over a slow network looks like that as well, so each time in a row it has
    // longer.
    bool asked = false;
    while (true) {
        etcd::WatchResponse response;
        switch (stream.read(response, client_.time_limit() / 5 * std::min(1 + silences_, 10))) {
            case WatchStream::Heard::end:
                return stream.failure();
            case WatchStream::Heard::nothing:
                if (asked) {
                    ++silences_;
                    return {.kind = ErrorKind::unavailable,
                            .what = "etcd has fallen silent in the middle of a watch"};
                }
                stream.ask();
                asked = true;
                break;
            case WatchStream::Heard::response:
                asked = false;
                if (!response.created()) silences_ = 0;
                if (const auto taken = take_in(response); !taken) return taken.error();
                break;
        }
    }
}

Result<void> EtcdWatch::take_in(etcd::WatchResponse& response)
{
    if (response.canceled()) {
        if (response.compact_revision() > 0)
            return fail(ErrorKind::not_found,
                        fmt::format("what changed after revision {} is forgotten, etcd remembers from {} on",
                                    delivered_, response.compact_revision()));
        return fail(ErrorKind::unavailable,
                    fmt::format("etcd has ended a watch: {}", response.cancel_reason()));
    }
    for (etcd::Event& event : *response.mutable_events()) fragments_.push_back(std::move(event));
    if (response.fragment()) return {};

    Revision whole = delivered_;
    std::vector<Change> changes;
    changes.reserve(fragments_.size());
    for (const etcd::Event& event : fragments_) {
        if (event.kv().mod_revision() <= delivered_) continue;
        whole = std::max<Revision>(whole, event.kv().mod_revision());
        const bool deleted = event.type() == etcd::Event::DELETE;
        Entry entry = TRY(layout_.entry_of(event.kv()));
        changes.push_back({.entry = std::move(entry), .deleted = deleted});
    }
    // Where etcd itself says so (watch_id -1 is the answer to a question) this watch has had all up to there.
    const bool progress = response.events().empty() && !response.created() && response.watch_id() >= 0;
    if (progress && fragments_.empty()) whole = std::max<Revision>(whole, response.header().revision());
    fragments_.clear();
    delivered_ = whole;

    const std::lock_guard lock(mutex_);
    for (Change& change : changes) note(std::move(change));
    follows_ = true;
    outage_.reset();
    news_.notify_all();
    return {};
}

void EtcdWatch::note(Change change)
{
    auto [position, is_new] = by_key_.try_emplace(change.entry.key);
    if (!is_new) by_revision_.erase({position->second.entry.modified, position->first});
    by_revision_.emplace(change.entry.modified, position->first);
    position->second = std::move(change);
}

std::vector<Change> EtcdWatch::take_oldest()
{
    std::vector<Change> changes;
    while (!by_revision_.empty() && changes.size() < max_changes_at_once) {
        const auto found = by_key_.find(by_revision_.begin()->second);
        by_revision_.erase(by_revision_.begin());
        changes.push_back(std::move(found->second));
        by_key_.erase(found);
    }
    return changes;
}

Deadline EtcdWatch::gives_up_at(Deadline entered) const
{
    return outage_ ? std::max(entered, outage_->since) + client_.time_limit() : Deadline::max();
}

Result<std::vector<Change>> EtcdWatch::next(milliseconds patience)
{
    std::unique_lock lock(mutex_);
    const Deadline entered = steady_clock::now();
    const Deadline patient_until = entered + std::clamp(patience, 0ms, longest_patience);
    while (true) {
        if (std::exchange(interrupted_, false)) return std::vector<Change>{};
        if (!by_revision_.empty()) return take_oldest();
        if (failure_) return std::unexpected(*failure_);
        const Deadline now = steady_clock::now();
        if (now >= gives_up_at(entered)) return std::unexpected(outage_->error);
        if (now >= patient_until) return std::vector<Change>{};
        news_.wait_until(lock, std::min(patient_until, gives_up_at(entered)));
    }
}

void EtcdWatch::interrupt()
{
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    news_.notify_all();
}

}  // namespace belay::store
