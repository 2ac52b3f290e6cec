#pragma once
// A question that somebody asks over the network, and its answers: one Exchange, carried by gRPC.

#include "site/exchange.h"

#include <belay/v1/site.grpc.pb.h>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace belay::site {

/// Threads: gRPC calls the On... functions; begin() and topic_changed() in the loop's. Is kept by itself
/// until gRPC is done with it.
class AskStream final : public grpc::ServerWriteReactor<v1::Answer>,
                        public std::enable_shared_from_this<AskStream> {
  public:
    AskStream(Loop& loop, Workers& workers, const Methods& methods)
        : loop_(loop), workers_(workers), methods_(methods)
    {
    }

    /// To be called once, by the one who holds it in a shared pointer; the rest happens in the loop.
    void begin(const v1::Question& question, Caller caller);
    /// By whose session it is asked, and what that allowed. Before it is added to others.
    struct OfSession {
        std::string token;
        Right right = Right::view;
    };
    void of_session(OfSession session) { session_ = std::move(session); }
    /// Is told where what is asked for is not allowed to the one who asks. Threads: the loop's. Before
    /// begin().
    void when_denied(std::function<void(const Error&)> denied) { denied_ = std::move(denied); }
    const OfSession& session() const { return session_; }
    /// In place of begin(): it ends at once.
    void refuse(const grpc::Status& status);
    void topic_changed(const std::string& topic);
    /// Ends a stream; an answer under way still comes.
    void settle();
    /// Ends it now, with this status. Threads: any.
    void end(const grpc::Status& status);

    void OnWriteDone(bool ok) override;
    void OnCancel() override;
    void OnDone() override;

  private:
    void ask(const v1::Question& question, const Caller& caller);
    void answered(const Result<Json>& answer, bool continues);
    void fail_with(const Error& error);
    void finish(const grpc::Status& status);
    bool finish_once(const grpc::Status& status);
    bool has_finished();

    Loop& loop_;
    Workers& workers_;
    const Methods& methods_;
    std::shared_ptr<AskStream> self_;
    OfSession session_;
    std::function<void(const Error&)> denied_ = [](const Error&) {};
    // Only the loop's thread touches these.
    std::shared_ptr<Exchange> exchange_;
    v1::Answer outgoing_;
    bool continues_ = false;
    std::mutex mutex_;  ///< nothing is written behind the end
    bool finished_ = false;
};

/// Those that are open. Threads: any.
class AskStreams {
  public:
    void add(const std::shared_ptr<AskStream>& stream);
    std::vector<std::shared_ptr<AskStream>> open();

  private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<AskStream>> streams_;
};

}  // namespace belay::site
