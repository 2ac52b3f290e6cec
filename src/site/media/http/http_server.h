#pragma once
// HTTP/1.1 over TLS for many clients at once, by libmicrohttpd: a thread for each processor serves
// connections and never waits for a disk; what may wait is done by jobs, and the connection rests meanwhile.

#include "host/descriptor.h"
#include "site/log.h"
#include "site/media/http.h"
#include "site/media/http/certificate.h"
#include "site/media/jobs.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

struct MHD_Daemon;      // NOLINT(readability-identifier-naming): the library's
struct MHD_Connection;  // NOLINT(readability-identifier-naming)

namespace belay::media {

class Exchange;

/// Threads: that which has started it, but for connections().
class HttpServer {
  public:
    struct Options {
        host::Descriptor listener;                                 ///< bound, and listening
        std::shared_ptr<const Certificate> certificate = nullptr;  ///< none: without TLS
        unsigned threads = 1;
        unsigned most_connections = 16'384;
        unsigned most_of_one_address = 0;  ///< 0: as many
        std::chrono::seconds stranger_may_idle{15};
        std::chrono::seconds client_may_idle{60};
    };

    /// The handler, the jobs and the log outlive it. Errors: failed.
    static Result<std::unique_ptr<HttpServer>> start(Options options, Handler& handler, Jobs& quick,
                                                     Jobs& slow, site::Log& log);
    ~HttpServer();

    /// To those who come from now on; who is there notices nothing. Threads: any. Only where it has TLS.
    void show(std::shared_ptr<const Certificate> certificate);

    /// Takes no new connections, and answers one more request of each that there is.
    void quiesce();
    /// The same, gives those requests that are under way so long, and ends.
    void stop(std::chrono::milliseconds patience);

    unsigned connections() const;

  private:
    friend class Exchange;
    friend struct HttpCallbacks;

    HttpServer(Options options, Handler& handler, Jobs& quick, Jobs& slow, site::Log& log);
    Result<void> begin();
    bool has_tls() const { return options_.certificate != nullptr; }

    Options options_;
    std::mutex certificate_mutex_;
    std::shared_ptr<const Certificate> certificate_;  ///< guarded by the mutex
    Handler& handler_;
    Jobs& quick_;
    Jobs& slow_;
    site::Log& log_;
    std::atomic<bool> is_ending_ = false;    ///< each request that is answered is its connection's last
    std::atomic<bool> is_stopping_ = false;  ///< no connection rests any more
    std::atomic<unsigned> under_way_ = 0;
    MHD_Daemon* daemon_ = nullptr;
};

}  // namespace belay::media
