#include "supervisor/taking.h"

#include "host/application/link.h"
#include "supervisor/giving.h"

#include <algorithm>

namespace belay::supervisor {
namespace {

constexpr Milliseconds counts_for = std::chrono::seconds(3);
constexpr std::chrono::seconds lifetime_of_address{3};
constexpr Milliseconds between_turns = std::chrono::seconds(1);
/// The lease may be on its way.
constexpr Milliseconds until_it_has_the_lease{200};

/// At which calls wait until it takes them.
std::vector<uint16_t> held_ports(const Supervised& supervised, const std::string& address)
{
    std::vector<uint16_t> ports;
    if (!supervised.has_process()) return ports;
    for (const auto& socket : supervised.application().sockets) {
        const bool is_for_all = socket.address.empty() || socket.address == "0.0.0.0" ||
                                socket.address == "::" || socket.address == address;
        if (!socket.datagrams && is_for_all) ports.push_back(socket.port);
    }
    return ports;
}

}  // namespace

Taking::Taking(Ground ground, Supervised& supervised, const Moving& first)
    : ground_(std::move(ground)),
      supervised_(supervised),
      pairing_(*supervised.application().pair),
      token_(first.token),
      first_(first)
{
    asked(first);
    arm();
}

Taking::~Taking()
{
    if (timer_) ground_.loop.cancel(*timer_);
    if (is_abandoned_) return;
    if (address_ && !ground_.serves()) address_->give_up();
    if (detour_) detour_->end();
}

void Taking::answer(Moving::Kind kind, const std::string& reason)
{
    Moving moving{
        .kind = kind, .pair = pairing_.pair, .giver = first_.giver, .token = token_, .reason = reason};
    if (auto own = host::own_addresses(pairing_.interface, pairing_.address.contains(':')))
        moving.addresses = std::move(*own);
    ground_.say(moving);
}

void Taking::asked(const Moving& moving)
{
    until_ = std::max(until_, site::boot_now() + counts_for);
    if (!refused_.empty()) return answer(Moving::Kind::refused, refused_);
    for (int part = 0; part < 2 && !is_set_; ++part) {
        if (const Result<void> done = set(moving); !done) {
            refused_ = done.error().what;
            return answer(Moving::Kind::refused, refused_);
        }
    }
    // Else something has still to come, and the other host asks again.
    if (is_set_) answer(Moving::Kind::ready);
}

Result<void> Taking::set(const Moving& moving)
{
    const std::string number = without_length(pairing_.address);
    if (address_) {
        if (!host::is_reachable_here(number)) return {};
        is_set_ = true;
        return address_->announce();
    }
    const auto older = std::ranges::find_if(moving.addresses, [&](const std::string& address) {
        return host::is_on_link(pairing_.interface, address);
    });
    if (older == moving.addresses.end())
        return fail(ErrorKind::refused,
                    fmt::format("the hosts have no addresses of one network at {}", pairing_.interface));
    if (!host::is_neighbour(pairing_.interface, *older)) {
        host::look_for_neighbour(pairing_.interface, *older);
        return {};
    }
    host::VirtualAddress address = TRY(host::VirtualAddress::of(pairing_.address, pairing_.interface));
    host::Detour detour = TRY(host::Detour::of(supervised_.application().id, number, pairing_.interface));
    ground_.begins();
    TRY(detour.pass_old_on(*older, held_ports(supervised_, number)));
    detour_ = std::move(detour);
    TRY(address.take(lifetime_of_address));
    address_ = std::move(address);
    return {};
}

void Taking::arm()
{
    timer_ = ground_.loop.at(site::boot_now() + between_turns, [this] { time(); });
}

void Taking::time()
{
    timer_.reset();
    if (site::boot_now() >= until_) return ground_.over();
    arm();
    if (!is_set_) return;
    Result<void> done = address_->take(lifetime_of_address);
    if (done) done = address_->announce();
    if (done) done = detour_->renew();
    if (!done) ground_.said(fmt::format("{}: {}", supervised_.application().name, done.error().what));
}

void Taking::end_soon()
{
    until_ = std::min(until_, site::boot_now() + until_it_has_the_lease);
    if (timer_) ground_.loop.cancel(*timer_);
    timer_ = ground_.loop.at(until_, [this] { time(); });
}

}  // namespace belay::supervisor
