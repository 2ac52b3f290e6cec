#pragma once
// One request and its answer, as libcurl does it: by itself (HttpClient), or beside many others
// (HttpQuestions).

#include "backup/backend/http_client.h"

#include <array>

struct curl_slist;  // libcurl's, NOLINT(readability-identifier-naming)

namespace belay::backup {

struct HttpExchange;

/// A handle of libcurl, which keeps its connection. Threads: one at a time.
class HttpTransfer {
  public:
    HttpTransfer();
    ~HttpTransfer();
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;

    /// Makes the handle ready. Request and limits must live until finish().
    void prepare(const HttpOptions& options, const HttpRequest& request, RateLimit& uploads,
                 RateLimit& downloads);
    void* easy() const { return easy_; }
    /// What libcurl's `code` (CURLcode) means. After an error the handle is in no good state: it goes.
    /// `has_answered`: whether the server has ever said anything; noted here.
    Result<HttpAnswer> finish(int code, std::atomic<bool>& has_answered);

  private:
    void set_line(const HttpOptions& options, const std::string& url);
    void set_identity(const HttpOptions& options);
    void set_request();
    void set_callbacks();
    void add_field(const char* line);

    void* easy_;
    curl_slist* fields_ = nullptr;
    std::array<char, 256> problem_{};  ///< CURL_ERROR_SIZE
    std::unique_ptr<HttpExchange> exchange_;
};

}  // namespace belay::backup
