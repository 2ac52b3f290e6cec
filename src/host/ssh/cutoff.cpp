#include "host/ssh/cutoff.h"

#include <sys/socket.h>

namespace belay::host::ssh {

Cutoff::Cutoff(Descriptor connection)
    : connection_(std::move(connection)), thread_([this](const std::stop_token& stop) { watch(stop); })
{
}

Cutoff::~Cutoff()
{
    thread_.request_stop();
    thread_.join();
}

void Cutoff::in(Milliseconds span)
{
    const std::lock_guard lock(mutex_);
    due_ = Clock::now() + span;
    changed_.notify_all();
}

void Cutoff::never()
{
    const std::lock_guard lock(mutex_);
    due_.reset();
    changed_.notify_all();
}

bool Cutoff::has_ended() const
{
    const std::lock_guard lock(mutex_);
    return has_ended_;
}

void Cutoff::watch(const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (due_ && Clock::now() >= *due_) {
            shutdown(connection_.number(), SHUT_RDWR);
            has_ended_ = true;
            return;
        }
        // The copy: whoever gives another time changes due_ while this waits.
        const auto due = due_;
        const auto is_changed = [&] { return due_ != due; };
        if (due)
            changed_.wait_until(lock, stop, *due, is_changed);
        else
            changed_.wait(lock, stop, is_changed);
    }
}

}  // namespace belay::host::ssh
