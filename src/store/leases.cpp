#include "store/leases.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace belay::store {
namespace {

std::string boot_id()
{
    char id[37] = {};
    FILE* file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == nullptr) return {};
    const size_t length = fread(id, 1, sizeof id - 1, file);
    (void)fclose(file);
    return {id, length};
}

std::unexpected<Error> ended(LeaseId id)
{
    return fail(ErrorKind::not_found, fmt::format("the lease {} has ended", id));
}

}  // namespace

BootClock this_boot()
{
    return {.boot = boot_id(), .now = [] {
                timespec time{};
                clock_gettime(CLOCK_BOOTTIME, &time);
                return std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
            }};
}

void Leases::grant(LeaseId id, std::chrono::milliseconds time_to_live, std::chrono::milliseconds now)
{
    leases_[id] = {.time_to_live = time_to_live, .deadline = now + time_to_live};
}

Result<void> Leases::keep_alive(LeaseId id, std::chrono::milliseconds now)
{
    TRY(check_alive(id, now));
    Lease& lease = leases_.at(id);
    lease.deadline = now + lease.time_to_live;
    return {};
}

Result<void> Leases::check_alive(LeaseId id, std::chrono::milliseconds now) const
{
    const auto found = leases_.find(id);
    if (found == leases_.end() || found->second.deadline <= now) return ended(id);
    return {};
}

void Leases::reattach(std::string_view key, LeaseId id)
{
    if (id == 0) {
        keys_.erase(std::string(key));
    } else {
        keys_[std::string(key)] = id;
    }
}

std::vector<std::string> Leases::keys_of(LeaseId id) const
{
    std::vector<std::string> keys;
    for (const auto& [key, lease] : keys_) {
        if (lease == id) keys.push_back(key);
    }
    std::ranges::sort(keys);
    return keys;
}

std::vector<LeaseId> Leases::all() const
{
    std::vector<LeaseId> ids;
    ids.reserve(leases_.size());
    for (const auto& [id, lease] : leases_) ids.push_back(id);
    return ids;
}

std::vector<LeaseId> Leases::run_out(std::chrono::milliseconds now) const
{
    std::vector<LeaseId> ids;
    for (const auto& [id, lease] : leases_) {
        if (lease.deadline <= now) ids.push_back(id);
    }
    return ids;
}

std::optional<std::chrono::milliseconds> Leases::next_expiry(std::chrono::milliseconds now) const
{
    std::optional<std::chrono::milliseconds> next;
    for (const auto& [id, lease] : leases_) {
        const auto left = std::max(lease.deadline - now, std::chrono::milliseconds::zero());
        if (!next || left < *next) next = left;
    }
    return next;
}

void Leases::restart(std::chrono::milliseconds now)
{
    for (auto& [id, lease] : leases_) lease.deadline = now + lease.time_to_live;
}

}  // namespace belay::store
