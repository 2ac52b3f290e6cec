#pragma once
// HTTP as a repository's place needs it: whole bodies with limits, and connections that are kept. libcurl
// does the work.

#include "backup/backend/rate_limit.h"
#include "base/result.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::backup {

struct HttpOptions {
    std::string user = {};  ///< empty: nobody is named to the server
    std::string password = {};
    std::string ca_file = {};           ///< PEM; trusted in the place of the system's certificates
    std::string certificate_file = {};  ///< PEM; certificate and key by which the server knows us
    bool trusts_any_server = false;     ///< no certificate is looked at
    std::chrono::seconds connects_within{30};
    /// Not a byte came or went for so long; looked at once a second.
    std::chrono::milliseconds stalled_after = std::chrono::minutes(5);
    uint64_t upload_limit = 0;  ///< KiB per second of all transfers together; 0: none
    uint64_t download_limit = 0;
};

enum class HttpMethod { get, head, post, remove };

struct ByteRange {
    uint64_t offset = 0;
    uint64_t length = 0;  ///< 0: all that follow
};

struct HttpRequest {
    HttpMethod method = HttpMethod::get;
    std::string url;
    std::string_view body = {};  ///< of a post; must live until the answer is there
    std::optional<ByteRange> range = {};
    uint64_t largest_answer = 64 << 10;
    std::vector<std::string> fields = {};  ///< of the header, as "Prefer: wait=50"
    std::chrono::seconds ends_within{0};   ///< all of it; 0: as long as it moves
};

/// What a server said, good or bad. Header fields that it did not send are empty.
struct HttpAnswer {
    long status = 0;
    std::string body;           ///< of an answer that says yes (2xx); else empty
    bool is_too_large = false;  ///< the body went on behind the largest; what came is not in `body`
    std::optional<uint64_t> content_length;
    std::string content_type, content_range, location, server, etag, preference_applied;
    std::chrono::seconds retry_after{0};

    bool is_good() const { return status >= 200 && status < 300; }
};

class HttpTransfer;

/// Threads: any; as many connections as threads that send at once.
class HttpClient {
  public:
    explicit HttpClient(HttpOptions options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// One request and its answer; no redirect is followed. Errors: unavailable, where another try may help;
    /// usage (a URL or file of a certificate that makes no sense), permission (the server's certificate is
    /// not trusted), corrupt (this is not HTTP), io. Nothing in them is secret.
    Result<HttpAnswer> send(const HttpRequest& request);

  private:
    std::unique_ptr<HttpTransfer> take();
    void give_back(std::unique_ptr<HttpTransfer> connection);

    HttpOptions options_;
    RateLimit uploads_, downloads_;
    std::atomic<bool> has_answered_ = false;
    std::mutex mutex_;
    std::vector<std::unique_ptr<HttpTransfer>> idle_;
};

}  // namespace belay::backup
