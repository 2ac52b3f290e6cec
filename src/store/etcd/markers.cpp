#include "store/etcd/markers.h"

#include <random>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

/// How long the markers of a store outlive it where it could not end their lease. No transaction is on its
/// way for as long: a marker that it compares with may not vanish meanwhile.
constexpr std::chrono::seconds marker_time_to_live = 10min;
constexpr auto renew_after = marker_time_to_live / 4;
/// A process that ends does not wait for an etcd that is away.
constexpr auto time_to_say_goodbye = 200ms;

uint64_t random_number()
{
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
}

}  // namespace

LeaseId new_lease_id()
{
    return static_cast<LeaseId>(random_number() >> 1) | 1;
}

Markers::Markers(Client& client, const Layout& layout)
    : client_(client), prefix_(fmt::format("{}{:016x}-", layout.writers(), random_number()))
{
}

Markers::~Markers()
{
    if (lease_ != 0)
        static_cast<void>(client_.revoke(lease_, std::chrono::steady_clock::now() + time_to_say_goodbye));
}

Result<LeaseId> Markers::live_lease(Deadline deadline)
{
    const std::lock_guard lock(lease_mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (lease_ != 0 && now < renewed_at_ + renew_after) return lease_;
    if (lease_ != 0) {
        const auto kept = client_.keep_alive(lease_, deadline);
        if (!kept && kept.error().kind != ErrorKind::not_found) return std::unexpected(kept.error());
        if (!kept) lease_ = 0;  // the machine slept
    }
    if (lease_ == 0) {
        const LeaseId id = new_lease_id();
        TRY(client_.grant(id, marker_time_to_live, deadline));
        lease_ = id;
    }
    renewed_at_ = now;
    return lease_;
}

Result<Marker> Markers::take(Deadline deadline)
{
    const LeaseId lease = TRY(live_lease(deadline));
    Marker marker;
    {
        const std::lock_guard lock(mutex_);
        while (!free_.empty() && marker.lease != lease) {
            marker = std::move(free_.back());
            free_.pop_back();
        }
        // One under a lease that has ended is gone with it.
        if (marker.lease != lease) marker = {.key = fmt::format("{}{}", prefix_, ++made_), .lease = lease};
    }
    if (marker.revision != 0) return marker;
    const auto placed = place(marker, deadline);
    if (placed) return marker;
    if (placed.error().kind == ErrorKind::not_found) return replace(marker, deadline);
    return std::unexpected(placed.error());
}

Result<Marker> Markers::replace(const Marker& marker, Deadline deadline)
{
    if (std::chrono::steady_clock::now() >= deadline)
        return fail(ErrorKind::unavailable, "the leases of etcd end before they are used");
    forget_lease(marker.lease);
    return take(deadline);
}

void Markers::forget_lease(LeaseId lease)
{
    const std::lock_guard lock(lease_mutex_);
    if (lease_ == lease) lease_ = 0;
}

void Markers::give_back(Marker marker)
{
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(marker));
}

std::string Markers::new_word()
{
    const std::lock_guard lock(mutex_);
    return std::to_string(++words_);
}

Result<void> Markers::place(Marker& marker, Deadline deadline)
{
    etcd::TxnRequest request;
    auto* const absent = request.add_compare();
    absent->set_target(etcd::Compare::CREATE);
    absent->set_key(marker.key);
    absent->set_create_revision(0);
    auto* const put = request.add_success()->mutable_request_put();
    put->set_key(marker.key);
    put->set_lease(marker.lease);
    request.add_failure()->mutable_request_range()->set_key(marker.key);
    bool in_doubt = false;  // made twice it is there as well
    const etcd::TxnResponse response = TRY(client_.txn(request, deadline, in_doubt));
    if (response.succeeded()) {
        marker.revision = response.header().revision();
        return {};
    }
    if (response.responses_size() != 1 || response.responses(0).response_range().kvs_size() != 1)
        return fail(ErrorKind::corrupt, "etcd does not answer what it was asked");
    marker.revision = response.responses(0).response_range().kvs(0).mod_revision();
    return {};
}

}  // namespace belay::store
