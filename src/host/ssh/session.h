#pragma once
// A client's session over SSH, by libssh, with a server whose host key is known before.
//
// No file of a person's is read: no ~/.ssh, no known_hosts, no agent. A host key that is not among those
// given ends it before anything secret is sent.

#include "base/result.h"
#include "base/units.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ssh_session_struct;  // libssh's, NOLINT(readability-identifier-naming)
struct ssh_channel_struct;  // NOLINT(readability-identifier-naming)

namespace belay::host::ssh {

struct Server {
    std::string address;  ///< a name or an address
    uint16_t port = 22;
    /// Its keys: lines of a public key ("ssh-ed25519 AAAA..."), or fingerprints ("SHA256:...").
    std::vector<std::string> host_keys;
};

/// Who we are, and what proves it. Wiped when it goes.
struct Login {
    std::string user;
    std::string password = {};     ///< empty: none
    std::string private_key = {};  ///< PEM or OpenSSH's form, without a passphrase; empty: none

    Login() = default;
    Login(Login&&) = default;
    Login& operator=(Login&&) = default;
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;
    ~Login();
};

class Cutoff;
struct KnownKeys;

/// One channel of a session, which must outlive it. Threads: one.
class Channel {
  public:
    ~Channel();
    Channel(Channel&&) noexcept;
    Channel& operator=(Channel&&) = delete;

    /// What comes next, at most 64 KiB; empty: nothing came in that time; nothing: the channel has ended.
    /// Errors: unavailable (the connection is lost).
    Result<std::optional<std::string>> hear(Milliseconds limit);
    /// Sends all of it. Errors: unavailable, timeout (the other side takes nothing).
    Result<void> say(std::string_view bytes, Milliseconds limit);
    /// Waits until the other side takes bytes: how many now. 0: it has said something first, or has ended.
    /// Errors: timeout.
    Result<size_t> await_room(Milliseconds limit);
    /// Nothing more will be said. Errors: unavailable.
    Result<void> end_saying();

  private:
    friend class Session;
    Channel(ssh_session_struct* session, ssh_channel_struct* channel, Cutoff& cutoff)
        : session_(session), channel_(channel), cutoff_(&cutoff)
    {
    }

    ssh_session_struct* session_;
    ssh_channel_struct* channel_;
    Cutoff* cutoff_;
};

/// Threads: one.
class Session {
  public:
    /// Connects, verifies the host key, logs in; all of it within `limit`. Errors: usage (a host key or the
    /// private key cannot be read), unavailable (nobody there), timeout, refused (another host key),
    /// permission (the login is not taken).
    static Result<std::unique_ptr<Session>> open(const Server& server, const Login& login,
                                                 Milliseconds limit);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The fingerprint of the server's key, as "SHA256:...".
    const std::string& host_key() const { return host_key_; }

    /// A terminal's line: a shell on a terminal of 512 columns, which does not wrap what is typed. Errors:
    /// unavailable, timeout, refused.
    Result<Channel> open_line(Milliseconds limit);

    /// Is told the bytes that were sent; an error ends it, and is given back.
    using Progress = std::function<Result<void>(uint64_t done, uint64_t total)>;
    /// Sends a file of this host by SCP. `to`: letters, digits and ._-:/+ alone. `patience`: with a server
    /// that takes nothing. Errors: usage, not_found and io (of the file), unavailable, timeout, no_space,
    /// refused (what the server says), those of `progress`. What was sent of it stays there.
    Result<void> send_file(const std::string& path, const std::string& to, Milliseconds patience,
                           const Progress& progress);

  private:
    Session(Server server, std::unique_ptr<Cutoff> cutoff, ssh_session_struct* session);

    Result<void> greet();
    Result<void> verify_host_key(const KnownKeys& known);
    Result<void> log_in(const Login& login);
    Result<int> log_in_by_key(const Login& login);
    int log_in_by_questions(const Login& login);
    Result<Channel> open_channel();
    Error broken(std::string_view doing) const;

    const Server server_;
    std::unique_ptr<Cutoff> cutoff_;
    ssh_session_struct* session_;
    std::string host_key_;
};

}  // namespace belay::host::ssh
