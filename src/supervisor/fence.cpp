#include "supervisor/fence.h"

#include "supervisor/vote_file.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <ctime>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

using framework::redundancy::Message;
using framework::redundancy::message_from;
using framework::redundancy::moving_from;
using framework::redundancy::Seat;
using framework::redundancy::Terms;
using framework::redundancy::Vote;

constexpr int priority = 10;
constexpr size_t longest_letter = 1500;
constexpr Microseconds longest_sleep = std::chrono::hours(1);

/// It does not wait for the disk because its memory was written there. Others than root have a limit, beyond
/// which they would get no memory at all.
void stay_in_memory()
{
    if (geteuid() == 0) mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

uint64_t wall_microseconds()
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

std::string votes_of(const std::string& run_folder, PairId pair)
{
    return fmt::format("{}/pair-{}.vote", run_folder, pair);
}

}  // namespace

/// One pair at this host.
class Fence::Place final : public framework::redundancy::SeatHands {
  public:
    Place(Fence& fence, const Terms& terms)
        : fence_(fence),
          votes_(votes_of(fence.options_.run_folder, terms.pair)),
          seat_(*this, terms, votes_.vote_or({.silent_until = host::lease_clock() + terms.lease}))
    {
    }

    Seat& seat() { return seat_; }
    std::set<ApplicationId>& ended() { return ended_; }

    void set_peers(const std::vector<Peer>& peers)
    {
        peers_.clear();
        for (const Peer& peer : peers) {
            if (const Result<void> met = fence_.letters_.meet(seat_.terms().self, peer.host, peer.public_key);
                !met)
                fence_.options_.said(met.error().what);
            peers_[peer.host] = peer.at;
        }
    }

    host::LeasePage* page(ApplicationId application)
    {
        const auto known = pages_.find(application);
        if (known != pages_.end()) return &known->second;
        auto opened = host::LeasePage::open(page_of(fence_.options_.run_folder, application));
        if (!opened) {
            fence_.options_.said(opened.error().what);
            return nullptr;
        }
        return &pages_.emplace(application, std::move(*opened)).first->second;
    }

    void send(HostId to, const Message& message) override { send_text(to, to_bytes(message)); }

    void send_text(HostId to, std::string_view text)
    {
        const auto peer = peers_.find(to);
        if (peer == peers_.end() || peer->second.sin6_port == 0) return;
        const std::string letter = fence_.letters_.seal(to, text);
        // One that is lost is asked for again.
        if (!letter.empty())
            static_cast<void>(sendto(fence_.socket_.number(), letter.data(), letter.size(),
                                     MSG_DONTWAIT | MSG_NOSIGNAL,
                                     reinterpret_cast<const sockaddr*>(&peer->second), sizeof(sockaddr_in6)));
    }

    void gained(ApplicationId application, uint64_t token, Microseconds until) override
    {
        if (host::LeasePage* const at = page(application)) at->set(until, token);
        fence_.options_.page_begun();
        fence_.options_.gained(application);
    }
    void extended(ApplicationId application, Microseconds until) override
    {
        if (host::LeasePage* const at = page(application)) at->set(until, seat_.token_of(application));
    }
    void step_down(ApplicationId application) override { fence_.options_.step_down(application); }
    void lost(ApplicationId application) override
    {
        if (host::LeasePage* const at = page(application)) {
            if (at->kill()) ended_.insert(application);
            at->set(Microseconds{0}, seat_.token_of(application));
        }
        fence_.options_.lost(application);
    }
    void voted(const Vote& vote) override { votes_.set(vote); }
    uint64_t wall() override { return wall_microseconds(); }

  private:
    Fence& fence_;
    VoteFile votes_;
    std::map<HostId, sockaddr_in6> peers_;
    std::map<ApplicationId, host::LeasePage> pages_;
    std::set<ApplicationId> ended_;
    Seat seat_;
};

Result<std::unique_ptr<Fence>> Fence::open(Options options)
{
    Letters letters = TRY(Letters::open(options.key_file));
    std::unique_ptr<Fence> fence(new Fence(std::move(options), std::move(letters)));
    TRY(fence->listen());
    fence->thread_ = std::thread([at = fence.get()] { at->serve(); });
    return fence;
}

Fence::Fence(Options options, Letters letters) : options_(std::move(options)), letters_(std::move(letters)) {}

Fence::~Fence()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
}

std::string Fence::page_of(const std::string& run_folder, ApplicationId application)
{
    return fmt::format("{}/{}.lease", run_folder, application);
}

Result<void> Fence::listen()
{
    wake_ = host::Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    socket_ = host::Descriptor(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!wake_ || !socket_) return std::unexpected(system_error("open a socket for pairs", errno));
    const int no = 0;
    setsockopt(socket_.number(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    sockaddr_in6 here{};
    here.sin6_family = AF_INET6;
    here.sin6_addr = in6addr_any;
    const std::string mapped =
        options_.address.contains(':') ? options_.address : "::ffff:" + options_.address;
    if (!options_.address.empty() && inet_pton(AF_INET6, mapped.c_str(), &here.sin6_addr) != 1)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no IP address", options_.address));
    TRY(bind_to(here));
    socklen_t size = sizeof here;
    getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&here), &size);
    port_ = ntohs(here.sin6_port);
    return {};
}

/// The others are told which it is, so any will do; but a firewall may let only that one through.
Result<void> Fence::bind_to(sockaddr_in6& here) const
{
    const auto* const at = reinterpret_cast<const sockaddr*>(&here);
    for (const uint16_t port : options_.ports) {
        here.sin6_port = htons(port);
        if (bind(socket_.number(), at, sizeof here) == 0) return {};
        options_.said(system_error(fmt::format("listen at UDP port {}", port), errno).what);
    }
    here.sin6_port = 0;
    if (bind(socket_.number(), at, sizeof here) == 0) return {};
    return std::unexpected(system_error("listen at a UDP port for pairs", errno));
}

void Fence::wake() const
{
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t done = write(wake_.number(), &one, sizeof one);
}

Fence::Place* Fence::find(PairId pair) const
{
    const auto found = places_.find(pair);
    return found == places_.end() ? nullptr : found->second.get();
}

void Fence::act(PairId pair, const std::function<void(Place&, Microseconds)>& what)
{
    {
        const std::lock_guard lock(mutex_);
        Place* const place = find(pair);
        if (place == nullptr) return;
        what(*place, host::lease_clock());
    }
    wake();
}

void Fence::set(const Pair& pair)
{
    {
        const std::lock_guard lock(mutex_);
        std::unique_ptr<Place>& place = places_[pair.terms.pair];
        if (!place) place = std::make_unique<Place>(*this, pair.terms);
        place->set_peers(pair.peers);
        if (place->seat().terms() != pair.terms) place->seat().set_terms(pair.terms, host::lease_clock());
    }
    wake();
}

void Fence::forget(PairId pair)
{
    const std::lock_guard lock(mutex_);
    Place* const place = find(pair);
    if (place == nullptr) return;
    for (const ApplicationId application : place->seat().terms().own) {
        if (host::LeasePage* const page = place->page(application)) page->set(Microseconds{0}, page->token());
    }
    places_.erase(pair);
}

void Fence::resume(PairId pair, ApplicationId application)
{
    act(pair, [&](Place& place, Microseconds now) {
        host::LeasePage* const page = place.page(application);
        if (page == nullptr || page->until().count() == 0) return;
        if (page->until() > now) return place.seat().resume(application, page->token(), page->until(), now);
        page->kill();
        page->set(Microseconds{0}, page->token());
    });
}

void Fence::set_fitness(PairId pair, ApplicationId application, Fitness fitness)
{
    act(pair, [&](Place& place, Microseconds now) {
        const auto& own = place.seat().terms().own;
        const auto known = [&] {
            return own.size() < 2
                       ? Fitness::absent
                       : place.seat().other_of(own.front() == application ? own.back() : own.front()).fitness;
        };
        const Fitness before = known();
        place.seat().set_fitness(application, fitness, now);
        // Both are on this host: nobody sends a message.
        if (known() != before) options_.changed();
    });
}

void Fence::set_process(PairId pair, ApplicationId application, const host::ProcessName& process,
                        const std::string& control_group)
{
    act(pair, [&](Place& place, Microseconds) {
        place.ended().erase(application);
        if (host::LeasePage* const page = place.page(application)) page->set_process(process, control_group);
    });
}

void Fence::ended(PairId pair, ApplicationId application)
{
    act(pair, [&](Place& place, Microseconds now) {
        place.seat().ended(application, now);
        host::LeasePage* const page = place.page(application);
        if (page != nullptr && !place.seat().is_held(application)) page->set(Microseconds{0}, page->token());
    });
}

bool Fence::has_ended(PairId pair, ApplicationId application) const
{
    const std::lock_guard lock(mutex_);
    Place* const place = find(pair);
    if (place == nullptr) return false;
    // The guard may have been the first.
    const host::LeasePage* const page = place->page(application);
    const bool is_over =
        page != nullptr && page->until().count() != 0 && page->until() <= host::lease_clock();
    return is_over || place->ended().contains(application);
}

Result<void> Fence::hand_over(PairId pair, ApplicationId application)
{
    Result<void> done = fail(ErrorKind::refused, "the hosts of its pair are not known here yet");
    act(pair, [&](Place& place, Microseconds now) { done = place.seat().hand_over(application, now); });
    return done;
}

void Fence::stepped_down(PairId pair, ApplicationId application)
{
    act(pair, [&](Place& place, Microseconds now) {
        if (host::LeasePage* const page = place.page(application)) page->set(Microseconds{0}, page->token());
        place.seat().stepped_down(application, now);
    });
}

void Fence::keep(PairId pair, ApplicationId application)
{
    act(pair, [&](Place& place, Microseconds) { place.seat().keep(application); });
}

void Fence::say(const Moving& moving)
{
    const std::lock_guard lock(mutex_);
    Place* const place = find(moving.pair);
    if (place == nullptr) return;
    Moving of_now = moving;
    of_now.epoch = place->seat().terms().epoch;
    const std::string text = to_bytes(of_now);
    for (const HostId member : place->seat().terms().members) {
        if (member != place->seat().terms().self) place->send_text(member, text);
    }
}

void Fence::take_over(PairId pair, ApplicationId application)
{
    act(pair, [&](Place& place, Microseconds now) { place.seat().take_over(application, now); });
}

Fence::Standing Fence::standing(PairId pair, ApplicationId application) const
{
    const std::lock_guard lock(mutex_);
    Place* const place = find(pair);
    if (place == nullptr) return {};
    const Seat& seat = place->seat();
    return {.is_held = seat.is_held(application),
            .is_handed_over = seat.is_handed_over(application),
            .token = seat.token_of(application),
            .served_by = seat.given_to(host::lease_clock()),
            .other = seat.other_of(application)};
}

// --- its thread ---

void Fence::take_letters()
{
    std::array<char, longest_letter> room;  // NOLINT: it is filled by recv()
    while (true) {
        const ssize_t size = recv(socket_.number(), room.data(), room.size(), MSG_DONTWAIT);
        if (size <= 0) return;
        const auto letter = letters_.open(std::string_view(room.data(), static_cast<size_t>(size)));
        if (!letter) continue;
        if (letter->wants_answer) {
            for (const auto& [id, place] : places_) {
                const auto& members = place->seat().terms().members;
                if (std::ranges::find(members, letter->from) == members.end()) continue;
                place->send_text(letter->from, "");
                break;
            }
        }
        if (letter->text.empty()) continue;
        const Result<Message> message = message_from(letter->text);
        if (!message) take_moving(letter->from, letter->text);
        Place* const place = message ? find(message->pair) : nullptr;
        if (place == nullptr) continue;
        const auto others = [&] {
            const auto& own = place->seat().terms().own;
            return own.empty() ? Fitness::absent : place->seat().other_of(own.front()).fitness;
        };
        const Fitness before = others();
        place->seat().received(letter->from, *message, host::lease_clock());
        if (others() != before) options_.changed();
    }
}

void Fence::take_moving(HostId from, std::string_view text) const
{
    const Result<Moving> moving = moving_from(text);
    Place* const place = moving ? find(moving->pair) : nullptr;
    if (place == nullptr || moving->epoch != place->seat().terms().epoch) return;
    const auto& members = place->seat().terms().members;
    if (std::ranges::find(members, from) != members.end()) options_.moving(*moving);
}

void Fence::serve()
{
    host::run_before_others(priority);
    stay_in_memory();
    while (true) {
        Microseconds next = longest_sleep;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
            take_letters();
            const Microseconds now = host::lease_clock();
            for (const auto& [id, place] : places_) {
                place->seat().time(now);
                next = std::min(next, std::max(place->seat().next_deadline(now) - now, Microseconds{0}));
            }
        }
        const timespec sleep{.tv_sec = next.count() / 1'000'000, .tv_nsec = next.count() % 1'000'000 * 1000};
        std::array<pollfd, 2> waits = {pollfd{socket_.number(), POLLIN, 0},
                                       pollfd{wake_.number(), POLLIN, 0}};
        ppoll(waits.data(), waits.size(), &sleep, nullptr);
        uint64_t count = 0;
        [[maybe_unused]] const ssize_t done = read(wake_.number(), &count, sizeof count);
    }
}

}  // namespace belay::supervisor
