#include "supervision_beginnings.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace belay::bench {

Result<Beginnings> Beginnings::make()
{
    host::Descriptor file(memfd_create("beginnings", MFD_CLOEXEC));
    if (!file || ftruncate(file.number(), sizeof(BeginningsPage)) != 0)
        return std::unexpected(system_error("make a page for the components", errno));
    void* const mapped =
        mmap(nullptr, sizeof(BeginningsPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (mapped == MAP_FAILED) return std::unexpected(system_error("map the page of the components", errno));
    return Beginnings(std::move(file), static_cast<BeginningsPage*>(mapped));
}

Beginnings::~Beginnings()
{
    if (page_ != nullptr) munmap(page_, sizeof(BeginningsPage));
}

std::string Beginnings::argument_of(size_t component) const
{
    return fmt::format("/proc/{}/fd/{}:{}", getpid(), file_.number(), component);
}

void Beginnings::forget_all()
{
    std::memset(static_cast<void*>(page_), 0, sizeof(BeginningsPage));
}

Result<void> Beginnings::await(size_t count, Milliseconds limit)
{
    const Nanoseconds until = reading(CLOCK_MONOTONIC) + limit;
    page_->awaited = static_cast<uint32_t>(count);
    while (true) {
        const uint32_t begun = page_->begun;
        if (begun >= count) return {};
        const Nanoseconds left = until - reading(CLOCK_MONOTONIC);
        if (left.count() <= 0)
            return fail(ErrorKind::timeout,
                        fmt::format("{} components have begun, and not {}", begun, count));
        // The one that brings it to the number wakes us; it may have done so already.
        const timespec wait{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
        syscall(SYS_futex, &page_->begun, FUTEX_WAIT, begun, &wait, nullptr, 0);
        if (page_->begun < count) usleep(100);
    }
}

}  // namespace belay::bench
