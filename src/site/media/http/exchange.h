#pragma once
// One request and its answer, between the library's threads, which must not wait, and the jobs, which may.

#include "site/media/http/http_server.h"

#include <microhttpd.h>
#include <mutex>

namespace belay::media {

/// Shared by the library, as long as the connection is at this request, and by a job that works on it.
/// Threads: any.
class Exchange : public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(HttpServer& server, MHD_Connection* connection, Request request);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// Called by the library: with the head alone, with each piece of the body, and when all is there.
    MHD_Result step(const char* bytes, size_t* size);
    /// The next part of the answer's stream.
    ssize_t send(uint64_t position, char* room, size_t size);
    /// The connection is at something else, or gone.
    void end();

  private:
    enum class Stage : uint8_t { head, begun, body, whole };

    MHD_Result take(std::string_view bytes);
    bool is_cut() const;
    MHD_Result answer();
    /// The connection rests until resume(); then `job` is run. The mutex is held.
    bool rest(Jobs& jobs, void (Exchange::*job)());
    void resume();
    void begin();
    void write();
    void prepare();
    /// The connection rests on, until there is an answer.
    void await();
    void look();

    HttpServer& server_;
    MHD_Connection* const connection_;
    const int socket_;  ///< the connection's
    const Request request_;
    std::mutex mutex_;
    Stage stage_ = Stage::head;
    bool rests_ = false, is_gone_ = false, is_written_ = false;
    std::unique_ptr<Body> body_;
    std::unique_ptr<Awaited> awaited_;  ///< nobody else is at it while the connection rests
    std::optional<Answer> answer_;
    std::string pending_;
    uint64_t received_ = 0, thrown_away_ = 0;
    /// Of the stream; the answer's, which the library has by then.
    std::unique_ptr<Stream> stream_;
    std::optional<Error> problem_;
    uint64_t wanted_ = 0;
};

}  // namespace belay::media
