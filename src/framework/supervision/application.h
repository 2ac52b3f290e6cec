#pragma once
// What a supervisor knows of an application that it starts and keeps running: everything resolved, so that
// it needs nobody else to start it again.

#include "base/json.h"
#include "base/units.h"

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace belay::framework::supervision {

/// That of its configured object.
using ApplicationId = int64_t;

/// How somebody finds out how an application is.
struct Question {
    enum class Kind {
        running,  ///< its process is there
        notify,   ///< it says so itself, by sd_notify(3)
        port,     ///< a TCP port takes a connection
        http,     ///< a request is answered with 2xx
        command,  ///< a program ends with 0
    };
    Kind kind = Kind::running;
    std::string address = {};  ///< of port and http: an IP address
    uint16_t port = 0;
    std::string path = {};                  ///< of http
    std::vector<std::string> command = {};  ///< argv; a path or a bare name
    Milliseconds interval = std::chrono::seconds(5);
    Milliseconds timeout = std::chrono::seconds(2);
    uint32_t failures = 3;  ///< so many bad answers in a row count

    bool operator==(const Question&) const = default;
};
std::string_view name_of(Question::Kind kind);

/// Something of its own host that must be there before it is started.
struct Gate {
    enum class Kind { file, port, application };
    Kind kind = Kind::file;
    std::string path = {};              ///< of a file, absolute
    std::string valid_until = {};       ///< of a file: "2027-01-31", or empty
    bool restart_when_renewed = false;  ///< of a file: whoever was started with it is started anew
    std::string address = {};           ///< of a port
    uint16_t port = 0;
    ApplicationId application = 0;             ///< it must be started
    std::string name = {};                     ///< of that application
    std::optional<Milliseconds> timeout = {};  ///< how long it is waited for; nothing: for ever

    bool operator==(const Gate&) const = default;
};
std::string to_text(const Gate& gate);

/// A socket that the supervisor listens at on its behalf and hands over as descriptor 3 and following
/// (sd_listen_fds(3)).
struct HeldSocket {
    std::string name = {};     ///< in LISTEN_FDNAMES
    std::string address = {};  ///< an IP address; empty: all
    uint16_t port = 0;
    bool datagrams = false;    ///< UDP; else TCP
    bool nonblocking = false;  ///< O_NONBLOCK

    bool operator==(const HeldSocket&) const = default;
};

struct Limits {
    std::optional<uint64_t> memory = {};      ///< bytes, of all its processes
    std::optional<uint64_t> processor = {};   ///< percent of one processor
    std::optional<uint64_t> processes = {};   ///< threads count as well
    std::optional<uint64_t> open_files = {};  ///< of each process

    bool operator==(const Limits&) const = default;
};

struct Sandbox {
    bool no_new_privileges = true;
    std::optional<std::vector<std::string>> capabilities = {};  ///< those that it keeps; nothing: as they are
    bool private_tmp = false;
    std::vector<std::string> read_only = {};  ///< absolute paths

    bool operator==(const Sandbox&) const = default;
};

enum class Autorestart { always, on_failure, never };

/// "6/10s": so many failures in so long are ridden out.
struct Nonstop {
    uint32_t failures = 6;  ///< 0: the first counts
    Milliseconds within = std::chrono::seconds(10);

    bool operator==(const Nonstop&) const = default;
};

/// Which of a pair it is; the word that it is told.
enum class Role { none, primary, backup };
std::string_view name_of(Role role);

/// What an application is told while it runs.
enum class Word {
    primary,  ///< it serves
    backup,   ///< it stands by
    drain,    ///< it finishes what it has, and takes nothing new
    serve,    ///< that is taken back
};
std::string_view name_of(Word word);

/// How it is told.
struct Orders {
    enum class Kind {
        none,
        pipe,     ///< a line each, by the descriptor $BELAY_ORDERS_FD
        signals,  ///< those below; 0: it is not told that
        command,  ///< a program, with the word as its last argument
    };
    Kind kind = Kind::none;
    int primary = 0, backup = 0, drain = 0, serve = 0;
    std::vector<std::string> command = {};

    bool operator==(const Orders&) const = default;
};

/// The pair that it is one of: who of the two serves is agreed on between their hosts.
struct Pairing {
    int64_t pair = 0;
    ApplicationId other = 0;
    bool is_cold = false;        ///< the one that stands by is not started
    std::string address = {};    ///< "192.0.2.7/24": of the host of who serves; empty: none
    std::string interface = {};  ///< that has the address
    bool overlaps = false;       ///< the other serves while this one still finishes what it has

    bool operator==(const Pairing&) const = default;
};

/// The image that its program is a part of, as it is installed on this host.
struct Image {
    std::string name, version;
    std::string folder;  ///< absolute: where its files are

    bool operator==(const Image&) const = default;
};

struct Application {
    ApplicationId id = 0;
    std::string name;
    std::vector<std::string> command;  ///< argv; a path or a bare name
    std::optional<Image> image = {};
    std::string working_directory = "/";
    std::string user = {};                                              ///< empty: that of the supervisor
    std::vector<std::pair<std::string, std::string>> environment = {};  ///< may have secrets in it
    std::vector<HeldSocket> sockets = {};
    std::vector<Gate> gates = {};
    Question readiness = {};
    Question health = {};
    std::optional<Milliseconds> heartbeat = {};  ///< it says so often that it lives, by sd_notify(3)
    bool restart_when_hung = true;               ///< else that is said, and no more
    Autorestart autorestart = Autorestart::on_failure;
    Nonstop nonstop = {};
    Milliseconds restart_delay = std::chrono::milliseconds(100);
    Milliseconds restart_delay_most = std::chrono::seconds(30);
    Milliseconds start_timeout = std::chrono::seconds(90);
    Milliseconds drain_timeout{0};  ///< 0: it is stopped without being drained
    Milliseconds shutdown_timeout = std::chrono::seconds(30);
    int stop_signal = SIGTERM;
    std::vector<std::string> stop_command = {};  ///< in place of the signal
    int reload_signal = 0;                       ///< 0: none
    Orders orders = {};
    std::optional<Pairing> pair = {};
    Limits limits = {};
    Sandbox sandbox = {};

    bool operator==(const Application&) const = default;
    /// Whether it is told by a socket of its own ($NOTIFY_SOCKET) what happens.
    bool notifies() const;
    /// What a running one need not be started anew for.
    bool differs_for_next_start(const Application& other) const;
};

using ApplicationPointer = std::shared_ptr<const Application>;

void to_json(Json& json, const Application& application);
/// Errors: corrupt, naming what it cannot be.
Result<Application> application_from(const Json& json);

}  // namespace belay::framework::supervision
