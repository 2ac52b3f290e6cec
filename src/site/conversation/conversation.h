#pragma once
// One conversation with a server of somebody else's, by libcurl: who it is is checked by certificates, no
// proxy of the environment and no password file is asked, and it ends within a time.

#include "base/invariant.h"
#include "base/result.h"
#include "base/units.h"

#include <array>
#include <curl/curl.h>
#include <memory>
#include <string>

namespace belay::site {

/// Threads: one at a time.
class Conversation {
  public:
    /// `ca`: a file of certificates by which the server's is checked; empty: those of the system.
    Conversation(Milliseconds limit, const std::string& ca);

    template <typename Value>
    void give(CURLoption option, Value value)
    {
        // Only no memory, or a library without TLS, is a reason for it to say no.
        INVARIANT(::curl_easy_setopt(easy_.get(), option, value) == CURLE_OK);
    }
    /// Errors: refused, where it will be so the next time as well; unavailable. Without the name of the
    /// server.
    Result<void> perform();
    /// The code of the answer; 0: there was none.
    long answered() const;
    CURL* easy() const { return easy_.get(); }

    /// What libcurl says of it, as an error.
    Error error_of(CURLcode code) const;

  private:
    struct Cleanup {
        void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
    };
    std::unique_ptr<std::array<char, CURL_ERROR_SIZE>> says_;
    std::unique_ptr<CURL, Cleanup> easy_;
};

/// Headers of a request, addresses of a mail: lines for libcurl.
struct LineList {
    struct Free {
        void operator()(curl_slist* lines) const { ::curl_slist_free_all(lines); }
    };
    std::unique_ptr<curl_slist, Free> list = {};

    void add(const std::string& line);
};

/// Posts `body`, and follows no redirect. The code of the answer, 200 to 299. Errors: refused (never),
/// unavailable (not now), naming the URL. `answer`: where to the beginning of the answer's text goes; null:
/// nowhere.
Result<long> post(Conversation& conversation, const std::string& url, const LineList& headers,
                  const std::string& body, const std::string& bearer, std::string* answer);

}  // namespace belay::site
