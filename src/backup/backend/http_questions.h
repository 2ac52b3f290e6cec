#pragma once
// Questions to many servers at once, by one thread that has other things to wait for too. An answer may take
// as long as the server likes.

#include "backup/backend/http_client.h"

#include <map>
#include <span>

namespace belay::backup {

/// Threads: one at a time.
class HttpQuestions {
  public:
    using Clock = std::chrono::steady_clock;

    HttpQuestions();
    ~HttpQuestions();
    HttpQuestions(const HttpQuestions&) = delete;
    HttpQuestions& operator=(const HttpQuestions&) = delete;

    /// Speeds are not limited. No question by this key may be open.
    void ask(uint64_t key, const HttpOptions& options, HttpRequest request);
    /// Nobody waits for the answer any more.
    void drop(uint64_t key);

    struct Answered {
        uint64_t key = 0;
        Result<HttpAnswer> answer;  ///< as HttpClient::send()
    };
    /// Waits for the first answers. None: `until` is past, or one of `descriptors` can be read.
    std::vector<Answered> wait(std::span<const int> descriptors, Clock::time_point until);

  private:
    struct Question;
    std::vector<Answered> take_answers();

    void* multi_;
    RateLimit unlimited_{0};
    std::map<uint64_t, std::unique_ptr<Question>> questions_;
};

}  // namespace belay::backup
