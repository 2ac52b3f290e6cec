#pragma once
// One member's stream on the controller's side.

#include "site/members/registry.h"
#include "site/remote/controller/conversation.h"

#include <atomic>
#include <belay/v1/membership.grpc.pb.h>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace belay::site {

/// Threads: any. gRPC calls the On... functions. Is kept by itself until gRPC is done with it, and by whoever
/// else holds it.
class MemberStream final : public grpc::ServerBidiReactor<v1::FromMember, v1::ToMember>,
                           public std::enable_shared_from_this<MemberStream> {
  public:
    /// More than this is not kept for a member that does not read.
    static constexpr size_t max_waiting_bytes = 32U << 20;

    struct Events {
        std::function<void(MemberStream&, const v1::Hello&)> greeted;
        std::function<void(MemberStream&, const std::string& why)> ended;
        std::function<Milliseconds()> boot;  ///< the boot clock now
        std::function<void()> cut;           ///< ends the connection without waiting for what is under way
    };

    MemberStream(Member member, Milliseconds certificate_ends, std::string address, Events events);

    /// Begins to read. To be called once, by the one who holds it in a shared pointer.
    void begin();
    void send(v1::ToMember message);
    /// Ends the stream with this status; a member that does not even take that is cut off.
    void end(const grpc::Status& status);

    /// Asks; the conversation ends when the stream does. `parameters`: a JSON object as text. The number of
    /// the question.
    uint64_t ask(std::string_view method, const std::string& parameters, bool more, const std::string& asker,
                 const std::shared_ptr<Conversation>& conversation);
    /// Nobody waits for answers to this question any more. `tell`: the member is to stop.
    void forget(uint64_t question, bool tell);

    const Member& member() const { return member_; }
    Milliseconds certificate_ends() const { return certificate_ends_; }
    const std::string& address() const { return address_; }
    Milliseconds heard_at() const { return Milliseconds(heard_at_ms_); }  ///< boot clock

    void OnReadDone(bool ok) override;
    void OnWriteDone(bool ok) override;
    void OnCancel() override;
    void OnDone() override;

  private:
    void take(const v1::FromMember& message);
    void take_answer(const v1::Answer& answer);

    const Member member_;
    const Milliseconds certificate_ends_;
    const std::string address_;
    const Events events_;
    std::shared_ptr<MemberStream> self_;  ///< until gRPC is done
    v1::FromMember incoming_;
    bool greeted_ = false;  ///< only reads touch it
    std::atomic<int64_t> heard_at_ms_;

    std::mutex mutex_;
    std::deque<v1::ToMember> out_;
    size_t out_bytes_ = 0;
    bool over_ = false;
    std::string why_;
    uint64_t last_question_ = 0;
    std::map<uint64_t, std::shared_ptr<Conversation>> conversations_;
};

}  // namespace belay::site
