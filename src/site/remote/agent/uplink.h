#pragma once
// A member's way to the controller that leads: dialled from here, held open, and dialled again by itself.

#include "base/result.h"
#include "base/units.h"
#include "site/exchange.h"
#include "site/identity/membership_file.h"
#include "site/loop.h"
#include "site/method.h"
#include "site/workers.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace grpc {
class Channel;
class Status;
}  // namespace grpc

namespace belay::v1 {
class ToMember;
class Question;
class Welcome;
}  // namespace belay::v1

namespace belay::site {

class ControllerStream;

/// How the link stands, for `belay status`.
struct LinkState {
    bool attached = false;
    std::string controller;        ///< HOST:PORT that it is attached to, or dials
    Milliseconds since{0};         ///< boot clock
    std::optional<Error> problem;  ///< why it is not attached
};

struct UplinkOptions {
    std::string host_name, boot_id;
    /// How long a controller has to answer when it is first dialled, before the next one is.
    Milliseconds connect_timeout = std::chrono::seconds(20);
    std::function<Milliseconds()> wall;  ///< the wall clock now
    const Methods* methods =
        nullptr;  ///< what the controller may ask; outlives the uplink and the workers' jobs
    /// As MembershipFile::next_key(). Threads: any, one at a time.
    std::function<Result<std::string>()> next_key;
    /// The membership has changed, and is to be kept: other controllers, a new certificate. Threads: the
    /// loop's.
    std::function<void(const Membership&)> changed;
    /// state() says something else now. Threads: the loop's.
    std::function<void()> moved = [] {};
    /// A controller was heard, and this was the newest version of its configuration; nothing: it did not say.
    /// Threads: the loop's.
    std::function<void(std::optional<int64_t> configuration)> heard = [](std::optional<int64_t>) {};
};

/// Renews its certificate when a third of its life is left. Threads: that of the loop. Is destroyed after
/// stop(), when the workers are idle.
class Uplink {
  public:
    static constexpr Milliseconds first_pause = std::chrono::milliseconds(100);
    static constexpr Milliseconds longest_pause = std::chrono::seconds(10);
    /// After it was told that it is no member: it asks seldom.
    static constexpr Milliseconds refused_pause = std::chrono::seconds(60);
    /// A controller that many dial at the same time may be slow to answer: who gives up and dials anew makes
    /// it slower still. So the patience doubles up to this.
    static constexpr Milliseconds longest_welcome_patience = std::chrono::seconds(120);
    /// After a new certificate was not given.
    static constexpr Milliseconds renewal_pause = std::chrono::hours(1);

    Uplink(Loop& loop, Workers& workers, Membership membership, UplinkOptions options);
    ~Uplink();
    Uplink(const Uplink&) = delete;
    Uplink& operator=(const Uplink&) = delete;

    void start();
    void stop();
    void topic_changed(const std::string& topic);
    LinkState state() const { return state_; }
    /// Of the controller that it is attached to, for fetch_file(); null: it is not.
    std::shared_ptr<grpc::Channel> channel() const { return state_.attached ? channel_ : nullptr; }

  private:
    void dial();
    Milliseconds spread(Milliseconds span);
    std::string next_address();
    void came(const v1::ToMember& message);
    void welcomed(const v1::Welcome& welcome);
    void asked(const v1::Question& question);
    void ended(const grpc::Status& status);
    void beat();
    void send_answer(uint64_t question, const Result<Json>& answer, bool continues);
    void cut_off(const Error& problem);
    void renew_when_due();
    void renew();
    void renewed(const Result<Membership>& renewed);

    Loop& loop_;
    Workers& workers_;
    Membership membership_;
    const UplinkOptions options_;
    LinkState state_;
    std::shared_ptr<grpc::Channel> channel_;
    std::shared_ptr<ControllerStream> stream_;
    uint64_t attempt_ = 0;            ///< events of earlier ones no longer count
    std::deque<std::string> hinted_;  ///< where the leader was said to be
    std::minstd_rand random_{std::random_device{}()};
    size_t next_ = 0;  ///< in the list of controllers
    Milliseconds pause_ = first_pause;
    Milliseconds patience_;  ///< for the welcome
    std::optional<Loop::TimerId> renewal_;
    bool renewing_ = false;
    std::optional<Loop::TimerId> timer_;  ///< of the next attempt, the welcome's patience, or the heartbeat
    Milliseconds heartbeat_{0}, timeout_{0}, heard_at_{0};
    uint64_t beats_ = 0;
    std::optional<Error> problem_;  ///< that we ended the stream for
    std::map<uint64_t, std::shared_ptr<Exchange>> exchanges_;
    bool stopped_ = false;
    const std::shared_ptr<bool> there_ = std::make_shared<bool>(true);  ///< as long as this object is
};

}  // namespace belay::site
