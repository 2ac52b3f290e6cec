#pragma once
// What belay-vty is told on its standard input, one JSON object. Secrets are in it, and nowhere else: not on
// a command line, not in an environment.
//
//     {"address", "port", "user", "password", "private_key", "host_keys": ["ssh-ed25519 AAAA...",
//     "SHA256:..."],
//      "enable_password", "transcript": "/path", "patience_ms": {"connect", "prompt"},
//      "lines": [{"line", "limit_ms", "replies": [{"asked", "say"}]}]
//      or "carry": {"file": "/path", "to": "flash:x.bin"}}
//
// It answers on its standard output, a JSON object a line:
//
//     {"typing": 0}                       the line with this number is typed now
//     {"says": "..."}                     what the device shows, a few lines a second at most
//     {"answer": 0, "text": "..."}        without echo, prompt and log
//     {"carried": 4096, "of": 8192}       bytes
//     {"lost": 0, "text", "why"}          the line went away before its prompt came back; the last one
//     {"refused": "...", "mend", "kind"}  a sentence; kind as in base/result.h; the last one
//
// and ends with 0 (all was typed), 1 (not, and the last line says why) or 2 (the request makes no sense).

#include "base/wipe.h"
#include "host/ssh/session.h"
#include "upgrade/iosxe/terminal.h"

namespace belay::upgrade::iosxe::vty {

struct Request {
    host::ssh::Server server;
    host::ssh::Login login;
    std::string enable_password = {};
    std::string transcript = {};  ///< empty: none
    Milliseconds connect{20'000}, prompt{30'000};
    std::vector<Line> lines = {};
    std::string file = {}, to = {};  ///< empty: lines are typed

    Request() = default;
    Request(Request&&) = default;
    Request& operator=(Request&&) = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() { wipe(enable_password); }
};

/// Wipes the text, and what was read of it, but for what it gives back. Errors: usage, without a word of the
/// text itself.
Result<Request> read_request(std::string& text);

}  // namespace belay::upgrade::iosxe::vty
