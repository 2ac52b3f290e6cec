#pragma once
// Requests and answers of HTTP, as those who answer them see them; what carries them is http_server.h.

#include "base/result.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace belay::media {

struct Request {
    std::string method;
    std::string path;                             ///< before '?', as it was sent
    bool creates = false;                         ///< "?create=true"
    std::string range = {}, accept = {};          ///< headers; empty: there is none
    std::string if_none_match = {}, prefer = {};  ///< also where one is said in several lines
    std::optional<uint64_t> length = {};          ///< of the body, where it was said
    bool has_body = false;
    bool awaits_word = false;    ///< "Expect: 100-continue": its body comes when it is told to go on
    bool is_ambiguous = false;   ///< it says twice how long its body is
    std::string user, password;  ///< empty: none was given
    std::string peer;            ///< the address that it comes from
};

/// A body that is made while it is sent.
class Stream {
  public:
    virtual ~Stream() = default;

    /// Puts into `room` what follows from `position` on, and waits for nothing: how many bytes; 0: prepare()
    /// comes first. Nothing: that was all. Errors: those of what is read.
    virtual Result<std::optional<size_t>> take(uint64_t position, std::span<char> room) = 0;
    /// Sees to it that the next take() has something. May wait for a disk.
    virtual Result<void> prepare(uint64_t position) = 0;
};

struct Answer {
    unsigned status = 200;
    std::string text = {};
    std::string type = "text/plain; charset=utf-8";
    std::unique_ptr<Stream> stream = nullptr;  ///< in place of a text
    std::optional<uint64_t> length = {};       ///< of the stream, where it is known
    std::vector<std::pair<std::string, std::string>> headers = {};
    /// Nobody of ours, who need not send a whole body before he is told.
    bool is_for_stranger = false;
};

/// The body of a request on its way in. Destroyed before finish(): it never came. Threads: one at a time.
class Body {
  public:
    virtual ~Body() = default;
    /// An answer ends it; what still comes is thrown away.
    virtual std::optional<Answer> add(std::string_view bytes) = 0;
    /// All of it is there.
    virtual Answer finish() = 0;
};

/// An answer that is given when something has changed, or when its time is over. Threads: one at a time.
class Awaited {
  public:
    virtual ~Awaited() = default;
    /// Calls `woken` once, when it is time to look: in any thread, perhaps before this returns. Also where
    /// the client, whose connection is `socket`, hangs up.
    virtual void wake(int socket, std::function<void()> woken) = 0;
    /// Nothing: there is none yet. May wait for a disk.
    virtual std::optional<Answer> look() = 0;
};

/// What comes of the head of a request.
using Begun = std::variant<Answer, std::unique_ptr<Body>, std::unique_ptr<Awaited>>;

/// Threads: any, many at the same time.
class Handler {
  public:
    virtual ~Handler() = default;
    /// Whether begin() takes a processor for as long as it takes to check a password.
    virtual bool is_slow(const Request& request) = 0;
    /// May wait for a disk. An answer that came before the body is given after it.
    virtual Begun begin(const Request& request) = 0;
};

}  // namespace belay::media
