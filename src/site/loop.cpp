#include "site/loop.h"

#include "base/invariant.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace belay::site {
namespace {

/// Empties an eventfd or a timerfd: what counts is that it was readable.
void drain(int descriptor)
{
    eventfd_t count = 0;
    eventfd_read(descriptor, &count);
}

}  // namespace

Milliseconds boot_now()
{
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::duration_cast<Milliseconds>(std::chrono::seconds(now.tv_sec) +
                                                    std::chrono::nanoseconds(now.tv_nsec));
}

Result<std::unique_ptr<Loop>> Loop::open()
{
    std::unique_ptr<Loop> loop(new Loop);
    loop->epoll_ = host::Descriptor(epoll_create1(EPOLL_CLOEXEC));
    loop->wake_ = host::Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    loop->clock_ = host::Descriptor(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!loop->epoll_ || !loop->wake_ || !loop->clock_)
        return std::unexpected(system_error("wait for events", errno));
    Loop* self = loop.get();
    TRY(loop->watch(loop->wake_.number(), EPOLLIN, [self](uint32_t) {
        drain(self->wake_.number());
        self->run_posted();
    }));
    TRY(loop->watch(loop->clock_.number(), EPOLLIN, [self](uint32_t) {
        drain(self->clock_.number());
        self->armed_ = {};
    }));
    return loop;
}

Result<Loop::WatchId> Loop::watch(int descriptor, uint32_t events, Ready ready)
{
    const WatchId id = ++last_id_;
    epoll_event event{.events = events, .data = {.u64 = id}};
    if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0)
        return std::unexpected(system_error("wait for a descriptor", errno));
    watched_.emplace(id, Watched{descriptor, std::make_shared<Ready>(std::move(ready))});
    return id;
}

void Loop::change(WatchId watch, uint32_t events)
{
    epoll_event event{.events = events, .data = {.u64 = watch}};
    INVARIANT(epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, watched_.at(watch).descriptor, &event) == 0);
}

void Loop::forget(WatchId watch)
{
    const auto found = watched_.find(watch);
    if (found == watched_.end()) return;
    INVARIANT(epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, found->second.descriptor, nullptr) == 0);
    watched_.erase(found);
}

Loop::TimerId Loop::at(Milliseconds boot, Callback callback)
{
    const TimerId id{boot, ++last_id_};
    timers_.emplace(id, std::move(callback));
    return id;
}

void Loop::cancel(TimerId timer)
{
    timers_.erase(timer);
}

void Loop::post(Callback callback)
{
    {
        const std::lock_guard lock(posted_mutex_);
        posted_.push_back(std::move(callback));
    }
    // Fails only where the counter is full, and then the loop is awake already.
    eventfd_write(wake_.number(), 1);
}

Result<void> Loop::run()
{
    stopped_ = false;
    while (!stopped_) {
        run_due();
        if (stopped_) break;
        TRY(wait_once());
    }
    return {};
}

Result<void> Loop::wait_once()
{
    arm();
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_.number(), events.data(), events.size(), -1);
    if (count < 0 && errno != EINTR) return std::unexpected(system_error("wait for events", errno));
    for (int i = 0; i < count; ++i) {
        // An earlier callback may have closed this one, and may have been given its number anew.
        const WatchId watch = events[i].data.u64;  // a copy: the kernel packs its events, so it may lie askew
        const auto found = watched_.find(watch);
        if (found == watched_.end()) continue;
        const std::shared_ptr<Ready> ready = found->second.ready;
        (*ready)(events[i].events);
    }
    return {};
}

void Loop::run_posted()
{
    std::vector<Callback> callbacks;
    {
        const std::lock_guard lock(posted_mutex_);
        callbacks.swap(posted_);
    }
    for (const Callback& callback : callbacks) callback();
}

void Loop::run_due()
{
    while (!timers_.empty() && timers_.begin()->first.first <= boot_now()) {
        const Callback callback = std::move(timers_.begin()->second);
        timers_.erase(timers_.begin());
        callback();
    }
}

void Loop::arm()
{
    const Milliseconds earliest = timers_.empty() ? Milliseconds{0} : timers_.begin()->first.first;
    if (earliest == armed_) return;
    itimerspec when{};
    when.it_value.tv_sec = earliest.count() / 1000;
    when.it_value.tv_nsec = (earliest.count() % 1000) * 1'000'000;
    INVARIANT(timerfd_settime(clock_.number(), TFD_TIMER_ABSTIME, &when, nullptr) == 0);
    armed_ = earliest;
}

}  // namespace belay::site
