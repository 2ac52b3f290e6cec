#pragma once
// The leases of this host's pairs: a thread that asks for them and gives its votes, by datagrams to the other
// hosts of each pair, and ends an application by force in the instant in which its lease does. It runs with
// real-time priority where it may, so that busy processors do not make a lease late.

#include "framework/redundancy/moving.h"
#include "framework/redundancy/seat.h"
#include "host/application/lease_page.h"
#include "host/descriptor.h"
#include "host/real_time.h"
#include "supervisor/letters.h"

#include <functional>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <thread>

namespace belay::supervisor {

using framework::redundancy::ApplicationId;
using framework::redundancy::Fitness;
using framework::redundancy::Microseconds;
using framework::redundancy::Moving;
using framework::redundancy::PairId;

/// Threads: any.
class Fence {
  public:
    struct Options {
        std::string run_folder;
        std::string key_file;
        std::string address = {};          ///< an IP address to listen at; empty: all
        std::vector<uint16_t> ports = {};  ///< UDP, one of them; where all are taken, any
        std::function<void(const std::string&)> said;
        // What a pair's application is to do. In a thread of the fence's or of who has asked it for
        // something, and under its lock.
        std::function<void(ApplicationId)> gained, step_down, lost;
        std::function<void()> changed;              ///< something else is known of the other one
        std::function<void(const Moving&)> moving;  ///< another host of the pair says that
        std::function<void()> page_begun;           ///< for the guard: there is a page that it may not know
    };
    /// Errors: those of the system and of Letters::open().
    static Result<std::unique_ptr<Fence>> open(Options options);
    ~Fence();
    Fence(const Fence&) = delete;
    Fence& operator=(const Fence&) = delete;

    const std::string& public_key() const { return letters_.public_key(); }
    uint16_t port() const { return port_; }

    struct Peer {
        HostId host = 0;
        std::string public_key;
        sockaddr_in6 at{};  ///< port 0: not known
    };
    struct Pair {
        framework::redundancy::Terms terms;
        std::vector<Peer> peers;
    };
    /// The pair is there from now on, or has these terms.
    void set(const Pair& pair);
    /// There is no such pair any more: its applications go on as any other does.
    void forget(PairId pair);
    /// Takes up the lease of the application's process, which was begun by a supervisor before this one;
    /// where that is over, ends the process.
    void resume(PairId pair, ApplicationId application);

    void set_fitness(PairId pair, ApplicationId application, Fitness fitness);
    void set_process(PairId pair, ApplicationId application, const host::ProcessName& process,
                     const std::string& control_group);
    void ended(PairId pair, ApplicationId application);
    /// Its process was ended by force because its lease was over.
    bool has_ended(PairId pair, ApplicationId application) const;
    Result<void> hand_over(PairId pair, ApplicationId application);
    void stepped_down(PairId pair, ApplicationId application);
    /// It is not handed over after all.
    void keep(PairId pair, ApplicationId application);
    void take_over(PairId pair, ApplicationId application);
    /// To the other hosts of the pair; one that is lost is not said again.
    void say(const Moving& moving);

    struct Standing {
        bool is_held = false;
        bool is_handed_over = false;  ///< it is still held, and is to go to the other
        uint64_t token = 0;
        ApplicationId served_by = 0;  ///< whom our vote is given to; 0: nobody
        framework::redundancy::Other other = {};
    };
    Standing standing(PairId pair, ApplicationId application) const;

    static std::string page_of(const std::string& run_folder, ApplicationId application);

  private:
    class Place;
    Fence(Options options, Letters letters);
    Result<void> listen();
    Result<void> bind_to(sockaddr_in6& here) const;
    void serve();
    void take_letters();
    void take_moving(HostId from, std::string_view text) const;
    Place* find(PairId pair) const;
    void act(PairId pair, const std::function<void(Place&, Microseconds)>& what);
    void wake() const;

    const Options options_;
    mutable host::InheritingMutex mutex_;
    Letters letters_;
    host::Descriptor socket_, wake_;
    uint16_t port_ = 0;
    std::map<PairId, std::unique_ptr<Place>> places_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace belay::supervisor
