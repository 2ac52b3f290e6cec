#pragma once
// An SSH server by libssh: it lets people log in and hands what their channels carry to whoever stands behind
// them. It knows nothing of the device, but it can do to its connections what a network and a reload do.

#include "host/descriptor.h"
#include "iosxe/host_key.h"

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ssh_event_struct;    // libssh's, NOLINT(readability-identifier-naming)
struct ssh_session_struct;  // NOLINT(readability-identifier-naming)

namespace belay::lab::iosxe {

/// Who stands behind a channel.
class Party {
  public:
    virtual ~Party() = default;
    virtual void receive(std::string_view bytes) = 0;
    virtual std::string take_output() = 0;
    /// The exit code, once it has said all.
    virtual std::optional<int> ended() const = 0;
    /// The other end sends nothing more.
    virtual void input_ended() = 0;
};

/// What a channel was opened for: a shell (no command) with so many rows, or one command.
struct Opening {
    std::string user;
    std::optional<std::string> command = {};
    int rows = 24;
};

struct Logins {
    std::string user;
    std::string password;           ///< empty: none will do
    std::vector<std::string> keys;  ///< lines of an authorized_keys file
};

/// How the address behaves.
enum class Reach {
    answers,
    refuses,  ///< nobody listens
    silent,   ///< connections come about, and then nothing
};

/// Threads: one. SIGPIPE is to be ignored.
class SshServer {
  public:
    using Opened = std::function<std::unique_ptr<Party>(const Opening&)>;

    /// Listens at `address` (IPv4) and `port`; 0: a free one. `opened` gives whoever stands behind a channel;
    /// null: it is refused. Errors: those of the system.
    static Result<std::unique_ptr<SshServer>> make(const std::string& address, int port, HostKey key,
                                                   Logins logins, Opened opened);
    ~SshServer();
    SshServer(const SshServer&) = delete;
    SshServer& operator=(const SshServer&) = delete;

    int port() const { return port_; }
    const HostKey& host_key() const { return key_; }
    void set_host_key(HostKey key) { key_ = std::move(key); }

    /// Waits for the network or for one of the `also` descriptors, at most that long, and does what has come.
    Result<void> poll(int milliseconds);
    /// Another descriptor to wake up for; `ready` is called when it can be read.
    void watch(int descriptor, std::function<void()> ready);
    void unwatch(int descriptor);
    /// Sends what the parties have to say, and forgets connections that have ended.
    void flush();

    /// Errors: those of the system, where the address cannot be had again.
    Result<void> set_reach(Reach reach);
    /// Every connection breaks, as seen from the other end: reset.
    void reset_all();
    /// Every connection of now stays open and says nothing more, until thaw().
    void freeze_all();
    /// The frozen ones go on (`resume`), or break.
    void thaw(bool resume);
    size_t connections() const { return connections_.size(); }

  private:
    struct Connection;
    struct Watch;

    SshServer(std::string address, HostKey key, Logins logins, Opened opened);
    Result<void> listen();
    void accept();
    void listen_for_connections(bool on);
    void send(Connection& connection);
    void forget(Connection& connection);

    std::string address_;
    int port_ = 0;
    HostKey key_;
    Logins logins_;
    Opened opened_;
    Reach reach_ = Reach::answers;
    host::Descriptor listener_;
    bool listening_ = false;
    std::unique_ptr<ssh_event_struct, void (*)(ssh_event_struct*)> event_;
    std::list<std::unique_ptr<Connection>> connections_;
    std::list<std::unique_ptr<Watch>> watches_;
};

}  // namespace belay::lab::iosxe
