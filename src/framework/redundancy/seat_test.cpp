// Pairs and their voters in a world of its own: messages are lost, late, doubled and overtake each other,
// hosts are cut off, frozen and started anew, and no two clocks agree. There are never two who may serve.

#include "framework/redundancy/seat.h"

#include <doctest/doctest.h>
#include <memory>
#include <queue>
#include <random>

namespace belay::framework::redundancy {
namespace {

using namespace std::chrono_literals;

constexpr PairId the_pair = 7;
constexpr ApplicationId first_application = 1, second_application = 2;
constexpr Microseconds world_lease = 150ms;

/// Who may serve, in the time of the world.
struct Served {
    ApplicationId application = 0;
    uint64_t token = 0;
    Microseconds from{0}, until{0};
};

class World;

/// A host with a clock of its own.
class Machine final : public SeatHands {
  public:
    Machine(World& world, HostId id, std::vector<ApplicationId> own, double rate, Microseconds offset)
        : world_(world), id_(id), own_(std::move(own)), rate_(rate), offset_(offset)
    {
    }

    Microseconds clock(Microseconds world) const
    {
        return offset_ + Microseconds(static_cast<int64_t>(static_cast<double>(world.count()) * rate_));
    }
    Microseconds world_time(Microseconds clock) const
    {
        return Microseconds(static_cast<int64_t>(static_cast<double>((clock - offset_).count()) / rate_));
    }
    Terms terms() const
    {
        return {.pair = the_pair,
                .epoch = epoch,
                .self = id_,
                .members = members,
                .lease = world_lease,
                .is_automatic = is_automatic,
                .returns = returns,
                .preferred = first_application,
                .other = second_application,
                .own = own_};
    }
    void boot(bool remembers);
    void serve_no_more(ApplicationId application);

    void send(HostId to, const Message& message) override;
    void gained(ApplicationId application, uint64_t token, Microseconds until) override;
    void extended(ApplicationId application, Microseconds until) override;
    void step_down(ApplicationId application) override;
    void lost(ApplicationId application) override { serve_no_more(application); }
    void voted(const Vote& vote) override { vote_ = vote; }
    uint64_t wall() override;

    bool is_automatic = true, returns = false;
    uint64_t epoch = 1;
    std::vector<HostId> members = {1, 2, 3};
    std::unique_ptr<Seat> seat;
    Microseconds frozen_until{0};
    std::map<HostId, bool> cut;

  private:
    World& world_;
    HostId id_;
    std::vector<ApplicationId> own_;
    double rate_;
    Microseconds offset_;
    Vote vote_;
};

class World {
  public:
    explicit World(uint64_t seed) : dice_(seed)
    {
        const auto rate = [&] { return 0.98 + static_cast<double>(below(40)) / 1000; };
        const auto offset = [&] { return Microseconds(1'000'000 + below(1'000'000'000)); };
        for (const HostId id : {1, 2, 3, 4}) {
            std::vector<ApplicationId> own;
            if (id < 3) own.push_back(id);
            machines[id] = std::make_unique<Machine>(*this, id, own, rate(), offset());
        }
        for (const auto& [id, machine] : machines) machine->boot(false);
    }

    uint64_t below(uint64_t limit) { return std::uniform_int_distribution<uint64_t>(0, limit - 1)(dice_); }

    void post(HostId from, HostId to, const Message& message)
    {
        if (machines[from]->cut[to] || below(1000) < loss) return;
        const uint64_t copies = below(20) == 0 ? 2 : 1;
        for (uint64_t copy = 0; copy < copies; ++copy) {
            const Microseconds delay(20 + below(below(50) == 0 ? slow : 2000));
            mail_.push({now + delay, ++number_, from, to, *message_from(to_bytes(message))});
        }
    }

    void run(Microseconds span)
    {
        const Microseconds end = now + span;
        while (now < end) {
            Microseconds next = end;
            if (!mail_.empty()) next = std::min(next, mail_.top().at);
            for (const auto& [id, machine] : machines) {
                const Microseconds due =
                    machine->world_time(machine->seat->next_deadline(machine->clock(now)));
                next = std::min(next, std::max({due + 1us, now + 1us, machine->frozen_until}));
            }
            now = std::max(now, next);
            deliver();
            for (const auto& [id, machine] : machines) {
                if (now >= machine->frozen_until) machine->seat->time(machine->clock(now));
            }
        }
    }

    /// The next step on the way to another third voter: none, when both of the pair know that, and then the
    /// other one. One of the four hears of how far that has come.
    void exchange_voter()
    {
        const bool both_know = machines[1]->epoch == epoch_ && machines[2]->epoch == epoch_;
        if (both_know) {
            const bool has_third = members_.size() == 3;
            if (has_third) third_ = members_.back() == 3 ? 4 : 3;
            members_ = has_third ? std::vector<HostId>{1, 2} : std::vector<HostId>{1, 2, third_};
            ++epoch_;
        }
        const auto id = static_cast<HostId>(1 + below(4));
        Machine& machine = *machines[id];
        const bool votes = std::ranges::find(members_, id) != members_.end();
        if (now < machine.frozen_until || !votes) return;
        machine.epoch = epoch_;
        machine.members = members_;
        machine.seat->set_terms(machine.terms(), machine.clock(now));
    }
    /// Everybody hears of it.
    void tell_all()
    {
        for (const HostId id : members_) {
            machines[id]->epoch = epoch_;
            machines[id]->members = members_;
            machines[id]->seat->set_terms(machines[id]->terms(), machines[id]->clock(now));
        }
    }

    /// Who may serve now.
    ApplicationId server() const
    {
        for (const Served& one : served) {
            if (one.from <= now && now < one.until) return one.application;
        }
        return 0;
    }

    Microseconds now{1s};
    uint64_t loss = 0;  ///< of a thousand
    uint64_t slow = 2000;
    std::map<HostId, std::unique_ptr<Machine>> machines;
    std::vector<Served> served;

  private:
    struct Letter {
        Microseconds at;
        uint64_t number;
        HostId from, to;
        Message message;
        bool operator>(const Letter& other) const
        {
            return std::pair(at, number) > std::pair(other.at, other.number);
        }
    };

    void deliver()
    {
        std::vector<Letter> later;
        while (!mail_.empty() && mail_.top().at <= now) {
            const Letter letter = mail_.top();
            mail_.pop();
            Machine& machine = *machines[letter.to];
            if (now < machine.frozen_until) {
                later.push_back(letter);
                later.back().at = machine.frozen_until;
                continue;
            }
            machine.seat->received(letter.from, letter.message, machine.clock(now));
        }
        for (const Letter& letter : later) mail_.push(letter);
    }

    std::mt19937_64 dice_;
    uint64_t epoch_ = 1;
    std::vector<HostId> members_ = {1, 2, 3};
    HostId third_ = 3;
    std::priority_queue<Letter, std::vector<Letter>, std::greater<>> mail_;
    uint64_t number_ = 0;
};

void Machine::boot(bool remembers)
{
    for (const ApplicationId application : own_) serve_no_more(application);
    const Microseconds here = clock(world_.now);
    if (!remembers) vote_ = {.silent_until = here + world_lease};
    seat = std::make_unique<Seat>(*this, terms(), vote_);
    for (const ApplicationId application : own_) seat->set_fitness(application, Fitness::ready, here);
}

void Machine::serve_no_more(ApplicationId application)
{
    for (Served& one : world_.served) {
        if (one.application == application) one.until = std::min(one.until, world_.now);
    }
}

uint64_t Machine::wall()
{
    return static_cast<uint64_t>(world_.now.count() + 10'000 * id_);
}

void Machine::send(HostId to, const Message& message)
{
    world_.post(id_, to, message);
}

void Machine::gained(ApplicationId application, uint64_t token, Microseconds until)
{
    world_.served.push_back(
        {.application = application, .token = token, .from = world_.now, .until = world_time(until)});
}

void Machine::extended(ApplicationId application, Microseconds until)
{
    // It has stepped down, and keeps the lease until it says so.
    if (seat->is_handed_over(application)) return;
    CHECK(world_.served.back().application == application);
    world_.served.back().until = world_time(until);
}

void Machine::step_down(ApplicationId application)
{
    // Not within its call.
    serve_no_more(application);
}

/// Those that were told to step down have done so.
void settle(World& world)
{
    for (const auto& [id, machine] : world.machines) {
        for (const ApplicationId application : {first_application, second_application}) {
            if (world.now >= machine->frozen_until && machine->seat->is_handed_over(application))
                machine->seat->stepped_down(application, machine->clock(world.now));
        }
    }
}

void check_that_one_serves(const World& world, uint64_t seed)
{
    CAPTURE(seed);
    const Served* before = nullptr;
    size_t two_serve = 0, lower_tokens = 0;
    for (const Served& one : world.served) {
        if (before != nullptr) {
            const bool overlaps = one.from < before->until && one.application != before->application;
            if (overlaps) ++two_serve;
            if (one.token <= before->token) ++lower_tokens;
        }
        before = &one;
    }
    CHECK(two_serve == 0);
    CHECK(lower_tokens == 0);
}

void something_happens(World& world)
{
    Machine& machine = *world.machines[static_cast<HostId>(1 + world.below(4))];
    const auto other = static_cast<HostId>(1 + world.below(4));
    const Microseconds here = machine.clock(world.now);
    switch (world.below(14)) {
        case 0:
            machine.frozen_until = world.now + Microseconds(world.below(600'000));
            break;
        case 1:
            machine.cut[other] = true;
            break;
        case 2:
        case 3:
            machine.cut.clear();
            break;
        case 4:
            machine.boot(true);
            break;
        case 5:
            machine.boot(false);
            break;
        case 6:
            world.loss = world.below(3) == 0 ? world.below(700) : 0;
            break;
        case 7:
            world.slow = world.below(2) == 0 ? 400'000 : 2000;
            break;
        case 8:
            for (const ApplicationId application : {first_application, second_application}) {
                if (world.now >= machine.frozen_until)
                    static_cast<void>(machine.seat->hand_over(application, here).has_value());
            }
            break;
        case 9:
            for (const ApplicationId application : {first_application, second_application}) {
                machine.serve_no_more(application);
                machine.seat->ended(application, here);
            }
            break;
        default:
            world.exchange_voter();
            break;
    }
}

/// Counts what it is asked for.
class Asks final : public SeatHands {
  public:
    void send(HostId, const Message& message) override { asks += message.kind == Message::Kind::ask ? 1 : 0; }
    void gained(ApplicationId, uint64_t, Microseconds) override {}
    void extended(ApplicationId, Microseconds) override {}
    void step_down(ApplicationId) override {}
    void lost(ApplicationId) override {}
    void voted(const Vote&) override {}
    uint64_t wall() override { return 100; }

    int asks = 0;
};

TEST_CASE("redundancy/one whose program is renewed while the other lets go asks when its vote is free")
{
    const auto asks_after = [](const Vote& vote) {
        Asks hands;
        const Terms terms{.pair = 1,
                          .epoch = 1,
                          .self = 2,
                          .members = {1, 2, 3},
                          .lease = 150ms,
                          .preferred = 1,
                          .other = 2,
                          .own = {2}};
        Seat seat(hands, terms, vote);
        const Microseconds begun = 10s;
        seat.set_fitness(2, Fitness::ready, begun);
        seat.received(
            1, {.kind = Message::Kind::status, .pair = 1, .epoch = 1, .about = 1, .fitness = Fitness::ready},
            begun);
        seat.time(begun + 200ms);
        return hands.asks > 0;
    };
    CHECK(asks_after({.candidate = 1, .token = 7, .highest = 7, .until = 10s + 150ms}));
    CHECK(asks_after({.highest = 7}));
    // At the very beginning the preferred one goes first.
    CHECK_FALSE(asks_after({}));
}

}  // namespace

TEST_CASE("redundancy/whatever happens to hosts, clocks and messages, never two serve")
{
    size_t leases = 0;
    for (uint64_t seed = 1; seed <= 300; ++seed) {
        World world(seed);
        for (const auto& [id, machine] : world.machines) machine->returns = seed % 3 == 0;
        for (int turn = 0; turn < 60; ++turn) {
            world.run(Microseconds(1 + world.below(200'000)));
            settle(world);
            something_happens(world);
        }
        check_that_one_serves(world, seed);
        // All is well again: then somebody serves.
        for (const auto& [id, machine] : world.machines) machine->cut.clear();
        world.loss = 0;
        world.slow = 2000;
        world.run(600ms);
        world.tell_all();
        for (int turn = 0; turn < 200; ++turn) {
            world.run(50ms);
            settle(world);
        }
        // It may just be handed over.
        for (int turn = 0; turn < 20 && world.server() == 0; ++turn) {
            world.run(50ms);
            settle(world);
        }
        CHECK_MESSAGE(world.server() != 0, seed);
        check_that_one_serves(world, seed);
        leases += world.served.size();
    }
    MESSAGE(leases << " leases");
    CHECK(leases > 1000);
}

TEST_CASE(
    "redundancy/the preferred one serves first, and the other as soon as the lease of a lost one is over")
{
    World world(5);
    world.run(3s);
    CHECK(world.server() == first_application);
    CHECK(world.served.size() == 1);
    const Microseconds cut_at = world.now;
    world.machines[1]->frozen_until = world.now + 3600s;
    world.run(1s);
    REQUIRE(world.served.size() == 2);
    CHECK(world.served.back().application == second_application);
    CHECK(world.served.back().from - cut_at < 170ms);
    // It is back, and is no longer the one.
    world.machines[1]->frozen_until = world.now;
    world.machines[1]->boot(false);
    world.run(30s);
    CHECK(world.server() == second_application);
    CHECK(world.served.size() == 2);
}

TEST_CASE("redundancy/one that is cut off serves no more before the other begins; without the third as well")
{
    World world(6);
    world.run(3s);
    world.machines[1]->cut = {{2, true}, {3, true}};
    world.run(1s);
    CHECK(world.server() == second_application);
    world.machines[1]->cut.clear();
    world.run(1s);
    // With the third alone gone nothing changes.
    world.machines[3]->frozen_until = world.now + 3600s;
    const size_t before = world.served.size();
    world.run(10s);
    CHECK(world.served.size() == before);
    // And then one is no majority.
    world.machines[1]->frozen_until = world.now + 3600s;
    world.run(10s);
    CHECK(world.server() == 0);
}

TEST_CASE("redundancy/an end lets the other serve at once, a hand-over in good order")
{
    World world(7);
    world.run(3s);
    Machine& first = *world.machines[1];
    first.serve_no_more(first_application);
    const Microseconds ended_at = world.now;
    first.seat->ended(first_application, first.clock(world.now));
    world.run(100ms);
    REQUIRE(world.server() == second_application);
    CHECK(world.served.back().from - ended_at < 10ms);
    Machine& second = *world.machines[2];
    CHECK_FALSE(first.seat->hand_over(first_application, first.clock(world.now)).has_value());
    world.run(2s);
    CHECK(second.seat->hand_over(second_application, second.clock(world.now)).has_value());
    settle(world);
    world.run(100ms);
    CHECK(world.server() == first_application);
    // The other is not ready: it goes on with its next process.
    second.seat->set_fitness(second_application, Fitness::absent, second.clock(world.now));
    world.run(100ms);
    CHECK_FALSE(first.seat->hand_over(first_application, first.clock(world.now)).has_value());
    first.seat->set_fitness(first_application, Fitness::coming, first.clock(world.now));
    first.seat->ended(first_application, first.clock(world.now));
    world.run(2s);
    CHECK(world.server() == first_application);
}

TEST_CASE("redundancy/one that has just let the other serve takes over as soon as any when that one is lost")
{
    World world(9);
    world.run(3s);
    Machine& first = *world.machines[1];
    first.serve_no_more(first_application);
    first.seat->ended(first_application, first.clock(world.now));
    world.run(200ms);
    REQUIRE(world.server() == second_application);
    const Microseconds lost_at = world.now;
    world.machines[2]->frozen_until = world.now + 3600s;
    world.run(300ms);
    REQUIRE(world.server() == first_application);
    CHECK(world.served.back().from - lost_at < 170ms);
}

TEST_CASE("redundancy/where a person decides, the other takes over when it is told to, and not before")
{
    World world(8);
    for (const auto& [id, machine] : world.machines) {
        machine->is_automatic = false;
        machine->boot(false);
    }
    world.run(5s);
    CHECK(world.server() == first_application);
    world.machines[1]->frozen_until = world.now + 3600s;
    world.run(10s);
    CHECK(world.server() == 0);
    Machine& second = *world.machines[2];
    second.seat->take_over(second_application, second.clock(world.now));
    world.run(100ms);
    CHECK(world.server() == second_application);
    world.machines[1]->frozen_until = world.now;
    world.machines[1]->boot(false);
    world.run(5s);
    CHECK(world.server() == second_application);
    REQUIRE(second.seat->hand_over(second_application, second.clock(world.now)).has_value());
    settle(world);
    world.run(100ms);
    CHECK(world.server() == first_application);
}

TEST_CASE("redundancy/a message is read as it was written, and nothing else is one")
{
    const Message message{.kind = Message::Kind::vote,
                          .pair = 3,
                          .epoch = 4,
                          .candidate = 5,
                          .token = 1'764'000'000'000'000,
                          .sent = 123456789012us,
                          .lease = 150ms,
                          .given = true,
                          .highest = 6,
                          .remaining = 7us,
                          .holder = 8,
                          .about = 9,
                          .fitness = Fitness::coming};
    CHECK(message_from(to_bytes(message)) == message);
    for (const char* bad : {"", "[]", "{}", "[9,1,1,1,1,1,1,true,1,1,1,1,1]", "[0,1,1,1,1,1,1,1,1,1,1,1,1]",
                            "[0,-1,1,1,1,1,1,true,1,1,1,1,1]", "[0,1,1,1,1,1,1,true,1,1,1,1,7]"})
        CHECK_FALSE(message_from(bad).has_value());
}

}  // namespace belay::framework::redundancy
