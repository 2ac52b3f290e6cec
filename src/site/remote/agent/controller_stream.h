#pragma once
// The member's end of its stream to a controller.

#include <belay/v1/membership.grpc.pb.h>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace belay::site {

/// Threads: any. gRPC calls the On... functions, and they call the events. Is kept by itself until gRPC is
/// done with it.
class ControllerStream final : public grpc::ClientBidiReactor<v1::FromMember, v1::ToMember>,
                               public std::enable_shared_from_this<ControllerStream> {
  public:
    struct Events {
        std::function<void(v1::ToMember)> came;
        std::function<void(grpc::Status)> ended;  ///< the last one, and called once
    };

    /// The channel must be held elsewhere until `ended` was called: gRPC must not be the one to let go of it,
    /// for it would wait for the thread that it does so in.
    ControllerStream(const std::shared_ptr<grpc::Channel>& channel, Events events);

    /// Begins. To be called once, by the one who holds it in a shared pointer.
    void begin();
    void send(const v1::FromMember& message);
    /// Hangs up.
    void cut();
    /// Returns when the last event has come. After cut() that is a moment.
    void wait();

    void OnReadDone(bool ok) override;
    void OnWriteDone(bool ok) override;
    void OnDone(const grpc::Status& status) override;

  private:
    void let_go();

    std::unique_ptr<v1::Membership::Stub> stub_;
    const Events events_;
    grpc::ClientContext context_;
    std::shared_ptr<ControllerStream> self_;
    v1::ToMember incoming_;

    std::mutex mutex_;
    std::condition_variable done_changed_;
    std::deque<v1::FromMember> out_;
    bool over_ = false;
    bool done_ = false;
};

}  // namespace belay::site
