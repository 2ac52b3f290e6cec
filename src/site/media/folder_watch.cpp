#include "site/media/folder_watch.h"

#include "base/invariant.h"

#include <array>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace belay::media {
namespace {

constexpr uint32_t changes_of_folder =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

/// But for the number, all of it belongs to whoever waits until that is handed to the loop's thread, to that
/// until it wakes them, and to them again.
struct FolderWatch::Entry {
    int number = -1;  ///< of the kernel's watch
    int socket = -1;
    Milliseconds until{0};
    std::function<void()> woken = nullptr;
    Woken why = Woken::changed;
    bool has_changed = false;  ///< the loop's thread alone, as all that follows
    bool is_armed = false;
    site::Loop::WatchId socket_watch = 0;
    site::Loop::TimerId timer = {};
};

Result<std::unique_ptr<FolderWatch>> FolderWatch::open(size_t most_waiters)
{
    std::unique_ptr<FolderWatch> watch(new FolderWatch(most_waiters));
    FolderWatch* const self = watch.get();
    watch->loop_ = TRY(site::Loop::open());
    watch->events_ = host::Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch->events_) return std::unexpected(system_error("watch folders", errno));
    TRY(watch->loop_->watch(watch->events_.number(), EPOLLIN, [self](uint32_t) { self->take_events(); }));
    watch->thread_ = std::thread([self] {
        const Result<void> ran = self->loop_->run();
        INVARIANT(ran.has_value());
    });
    return watch;
}

FolderWatch::~FolderWatch()
{
    stop();
}

std::unique_ptr<FolderWatch::Waiter> FolderWatch::enter(const host::Descriptor& folder)
{
    const std::lock_guard lock(mutex_);
    if (stops_ || waiters_ >= most_waiters_) return nullptr;
    auto entry = std::make_shared<Entry>();
    // By the descriptor: what the name leads to may be something else by now.
    const std::string path = fmt::format("/proc/self/fd/{}", folder.number());
    entry->number = ::inotify_add_watch(events_.number(), path.c_str(), changes_of_folder);
    if (entry->number < 0) return nullptr;
    folders_[entry->number].insert(entry);
    ++waiters_;
    return std::make_unique<Waiter>(*this, std::move(entry));
}

void FolderWatch::leave(const std::shared_ptr<Entry>& entry)
{
    const std::lock_guard lock(mutex_);
    --waiters_;
    const auto found = folders_.find(entry->number);
    if (found == folders_.end()) return;
    found->second.erase(entry);
    if (!found->second.empty()) return;
    // Fails where the folder has gone, and the watch with it.
    static_cast<void>(::inotify_rm_watch(events_.number(), entry->number));
    folders_.erase(found);
}

void FolderWatch::arm(const std::shared_ptr<Entry>& entry)
{
    const auto gone =
        loop_->watch(entry->socket, EPOLLRDHUP, [this, entry](uint32_t) { wake(entry, Woken::hung_up); });
    // Without that nobody would see it go.
    entry->socket_watch = gone ? *gone : 0;
    entry->timer = loop_->at(entry->until, [this, entry] { wake(entry, Woken::time_is_over); });
    entry->is_armed = true;
    if (!gone) return wake(entry, Woken::hung_up);
    if (entry->has_changed) wake(entry, Woken::changed);
}

void FolderWatch::wake(const std::shared_ptr<Entry>& entry, Woken why)
{
    if (!std::exchange(entry->is_armed, false)) return;
    loop_->forget(entry->socket_watch);
    loop_->cancel(entry->timer);
    entry->has_changed = false;
    entry->why = why;
    const std::function<void()> woken = std::exchange(entry->woken, nullptr);
    woken();
}

void FolderWatch::take_events()
{
    alignas(inotify_event) std::array<char, 16 << 10> room{};
    for (;;) {
        const ssize_t count = ::read(events_.number(), room.data(), room.size());
        if (count <= 0) return;
        std::set<std::shared_ptr<Entry>> met;
        {
            const std::lock_guard lock(mutex_);
            for (ssize_t at = 0; at < count;) {
                const auto* const event = reinterpret_cast<const inotify_event*>(room.data() + at);
                at += static_cast<ssize_t>(sizeof *event + event->len);
                // Some were lost: whoever waits looks.
                const bool is_all = (event->mask & IN_Q_OVERFLOW) != 0;
                for (const auto& [number, entries] : folders_)
                    if (is_all || number == event->wd) met.insert(entries.begin(), entries.end());
            }
        }
        for (const std::shared_ptr<Entry>& entry : met) {
            entry->has_changed = true;
            wake(entry, Woken::changed);
        }
    }
}

void FolderWatch::end()
{
    std::vector<std::shared_ptr<Entry>> all;
    {
        const std::lock_guard lock(mutex_);
        stops_ = true;
        for (const auto& [number, entries] : folders_) all.insert(all.end(), entries.begin(), entries.end());
    }
    for (const std::shared_ptr<Entry>& entry : all) wake(entry, Woken::ending);
    loop_->stop();
}

void FolderWatch::stop()
{
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stops_ = true;
    }
    // Those that were handed over before have been armed by then.
    loop_->post([this] { end(); });
    thread_.join();
}

FolderWatch::Waiter::~Waiter()
{
    watch_.leave(entry_);
}

void FolderWatch::Waiter::wait(int socket, Milliseconds until, std::function<void()> woken)
{
    {
        const std::lock_guard lock(watch_.mutex_);
        if (!watch_.stops_) {
            entry_->socket = socket;
            entry_->until = until;
            entry_->woken = std::move(woken);
            watch_.loop_->post([watch = &watch_, entry = entry_] { watch->arm(entry); });
            return;
        }
    }
    entry_->why = Woken::ending;
    woken();
}

FolderWatch::Woken FolderWatch::Waiter::why() const
{
    return entry_->why;
}

}  // namespace belay::media
