#include "host/ssh/session.h"

#include "base/wipe.h"
#include "host/descriptor.h"
#include "host/ssh/connect.h"
#include "host/ssh/cutoff.h"
#include "host/ssh/host_keys.h"

#include <algorithm>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <poll.h>

namespace belay::host::ssh {
namespace {

constexpr int columns = 512, rows = 24;
// As libssh has them by itself, and at the end what IOS XE before 17 may have alone. Nobody finds a collision
// of SHA-1 while a connection begins, HMAC does not depend on collisions, and who the device is its host key
// says.
constexpr const char* key_exchanges =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
    "diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
    "diffie-hellman-group14-sha256,diffie-hellman-group14-sha1";
constexpr const char* macs =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";
constexpr int most_rounds = 8;
constexpr uint32_t most_at_once = 64 << 10;
constexpr Milliseconds to_part(2000);

int library_timeout(Milliseconds limit)
{
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(limit).count()) + 1;
}

/// What libssh says may hold what the server said: on one line, and of a length that a person reads.
std::string one_line(std::string_view text)
{
    constexpr size_t most = 300;
    std::string line;
    for (const char c : text.substr(0, most))
        line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    return line;
}

}  // namespace

Login::~Login()
{
    wipe(password);
    wipe(private_key);
}

// --- the session ---

Session::Session(Server server, std::unique_ptr<Cutoff> cutoff, ssh_session_struct* session)
    : server_(std::move(server)), cutoff_(std::move(cutoff)), session_(session)
{
}

Session::~Session()
{
    cutoff_->in(to_part);
    if (ssh_is_connected(session_) != 0) ssh_disconnect(session_);
    ssh_free(session_);
}

Error Session::broken(std::string_view doing) const
{
    if (cutoff_->has_ended())
        return {.kind = ErrorKind::timeout,
                .what = fmt::format("{} took too long to {}", server_.address, doing)};
    return {.kind = ErrorKind::unavailable,
            .what = fmt::format("cannot {} with {}: {}", doing, server_.address,
                                one_line(ssh_get_error(session_)))};
}

Result<std::unique_ptr<Session>> Session::open(const Server& server, const Login& login, Milliseconds limit)
{
    const auto begun = std::chrono::steady_clock::now();
    const KnownKeys known = TRY(read_known_keys(server.host_keys));
    Descriptor connection = TRY(connect_to(server.address, server.port, limit));
    Descriptor same(fcntl(connection.number(), F_DUPFD_CLOEXEC, 0));  // libssh closes its own
    if (!same) return std::unexpected(system_error("keep a connection", errno));
    const ssh_session raw = ssh_new();
    if (raw == nullptr) return fail(ErrorKind::io, "libssh has no memory for a session");
    std::unique_ptr<Session> session(
        new Session(server, std::make_unique<Cutoff>(std::move(connection)), raw));
    const auto used = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
    session->cutoff_->in(std::max(limit - used, Milliseconds{1}));

    // No file of whoever runs this says how it is done.
    const bool no = false;
    const long seconds = library_timeout(limit);
    const int socket = same.number();
    const std::string kinds = wanted_kinds(known);
    const std::pair<ssh_options_e, const void*> options[] = {
        {SSH_OPTIONS_PROCESS_CONFIG, &no},
        {SSH_OPTIONS_SSH_DIR, "/nonexistent"},
        {SSH_OPTIONS_KNOWNHOSTS, "/dev/null"},
        {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
        {SSH_OPTIONS_HOST, server.address.c_str()},
        {SSH_OPTIONS_USER, login.user.c_str()},
        {SSH_OPTIONS_KEY_EXCHANGE, key_exchanges},
        {SSH_OPTIONS_HMAC_C_S, macs},
        {SSH_OPTIONS_HMAC_S_C, macs},
        {SSH_OPTIONS_HOSTKEYS, kinds.c_str()},
        {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, kinds.c_str()},
        {SSH_OPTIONS_TIMEOUT, &seconds},
        {SSH_OPTIONS_FD, &socket},
    };
    for (const auto& [option, value] : options) {
        if (ssh_options_set(raw, option, value) == SSH_OK) continue;
        return fail(ErrorKind::usage, fmt::format("libssh takes no option {}: {}", std::to_underlying(option),
                                                  one_line(ssh_get_error(raw))));
    }
    static_cast<void>(same.release());
    TRY(session->greet());
    TRY(session->verify_host_key(known));
    TRY(session->log_in(login));
    session->cutoff_->never();
    return session;
}

Result<void> Session::greet()
{
    if (ssh_connect(session_) != SSH_OK) return std::unexpected(broken("begin to speak SSH"));
    return {};
}

Result<void> Session::verify_host_key(const KnownKeys& known)
{
    ssh_key shown = nullptr;
    if (ssh_get_server_publickey(session_, &shown) != SSH_OK)
        return std::unexpected(broken("learn the host key"));
    const Key key(shown);
    host_key_ = TRY(fingerprint_of(key.get()));
    if (std::ranges::find(known.fingerprints, host_key_) != known.fingerprints.end()) return {};
    return fail(ErrorKind::refused,
                fmt::format("{} shows the {} host key {}, which is not the one that is known",
                            server_.address, ssh_key_type_to_char(ssh_key_type(key.get())), host_key_),
                "find out on the device itself (show ip ssh) whether that key is its own; only then put it "
                "into the configuration");
}

Result<int> Session::log_in_by_key(const Login& login)
{
    ssh_key read = nullptr;
    if (ssh_pki_import_privkey_base64(login.private_key.c_str(), nullptr, nullptr, nullptr, &read) != SSH_OK)
        return fail(ErrorKind::usage,
                    fmt::format("the private key of {} cannot be read: it is no key, or has a passphrase",
                                login.user));
    const Key key(read);
    return ssh_userauth_publickey(session_, nullptr, key.get());
}

/// The first question that is not shown as it is answered is the one for the password; whatever else is asked
/// (again, a new one, a second factor) has no answer here.
int Session::log_in_by_questions(const Login& login)
{
    int said = ssh_userauth_kbdint(session_, nullptr, nullptr);
    bool is_given = false;
    for (int round = 0; said == SSH_AUTH_INFO && round < most_rounds; ++round) {
        const int questions = ssh_userauth_kbdint_getnprompts(session_);
        if (questions > 1) return SSH_AUTH_DENIED;
        if (questions == 1) {
            char is_shown = 0;
            ssh_userauth_kbdint_getprompt(session_, 0, &is_shown);
            if (is_shown != 0 || std::exchange(is_given, true)) return SSH_AUTH_DENIED;
            if (ssh_userauth_kbdint_setanswer(session_, 0, login.password.c_str()) < 0) return SSH_AUTH_ERROR;
        }
        said = ssh_userauth_kbdint(session_, nullptr, nullptr);
    }
    return said;
}

/// A password is tried once, and not by each way that there is: an account may be locked after a few.
Result<void> Session::log_in(const Login& login)
{
    int said = ssh_userauth_none(session_, nullptr);
    std::string ways = "neither a key nor a password is given";
    if (said != SSH_AUTH_SUCCESS && said != SSH_AUTH_ERROR && !login.private_key.empty()) {
        said = TRY(log_in_by_key(login));
        ways = "it does not take the private key";
    }
    if (said != SSH_AUTH_SUCCESS && said != SSH_AUTH_ERROR && !login.password.empty()) {
        const bool is_second = said == SSH_AUTH_PARTIAL;
        ways = login.private_key.empty() || is_second ? "it does not take the password"
                                                      : "it takes neither the private key nor the password";
        const int methods = ssh_userauth_list(session_, nullptr);
        const bool by_password = (methods & SSH_AUTH_METHOD_PASSWORD) != 0;
        if (by_password) said = ssh_userauth_password(session_, nullptr, login.password.c_str());
        const bool goes_on = !by_password || said == SSH_AUTH_PARTIAL;
        if (goes_on && (ssh_userauth_list(session_, nullptr) & SSH_AUTH_METHOD_INTERACTIVE) != 0)
            said = log_in_by_questions(login);
    }
    if (said == SSH_AUTH_SUCCESS) return {};
    if (said == SSH_AUTH_ERROR || said == SSH_AUTH_AGAIN) return std::unexpected(broken("log in"));
    return fail(ErrorKind::permission,
                fmt::format("{} does not let {} in: {}", server_.address, login.user, ways),
                "hold user and secrets in the configuration against what the device has");
}

Result<Channel> Session::open_channel()
{
    Channel channel(session_, ssh_channel_new(session_), *cutoff_);
    if (channel.channel_ == nullptr || ssh_channel_open_session(channel.channel_) != SSH_OK)
        return std::unexpected(broken("open a channel"));
    return channel;
}

Result<Channel> Session::open_line(Milliseconds limit)
{
    cutoff_->in(limit);
    Channel channel = TRY(open_channel());
    if (ssh_channel_request_pty_size(channel.channel_, "vt100", columns, rows) != SSH_OK ||
        ssh_channel_request_shell(channel.channel_) != SSH_OK)
        return std::unexpected(broken("open a terminal's line"));
    cutoff_->never();
    return channel;
}

// --- a channel ---

Channel::Channel(Channel&& other) noexcept
    : session_(other.session_), channel_(std::exchange(other.channel_, nullptr)), cutoff_(other.cutoff_)
{
}

Channel::~Channel()
{
    if (channel_ == nullptr) return;
    cutoff_->in(to_part);
    ssh_channel_free(channel_);
    cutoff_->never();
}

Result<std::optional<std::string>> Channel::hear(Milliseconds limit)
{
    const auto lost = [&] {
        return fail(ErrorKind::unavailable,
                    fmt::format("the connection is lost: {}", one_line(ssh_get_error(session_))));
    };
    const int there = ssh_channel_poll_timeout(channel_, static_cast<int>(limit.count()), 0);
    if (there == SSH_EOF) return std::optional<std::string>();
    if (there < 0) return lost();
    if (there == 0) {
        if (ssh_channel_is_closed(channel_) != 0) return std::optional<std::string>();
        return std::optional(std::string());
    }
    std::string bytes(std::min(static_cast<uint32_t>(there), most_at_once), '\0');
    const int got =
        ssh_channel_read_nonblocking(channel_, bytes.data(), static_cast<uint32_t>(bytes.size()), 0);
    if (got < 0) return lost();
    bytes.resize(static_cast<size_t>(got));
    return std::optional(std::move(bytes));
}

Result<void> Channel::say(std::string_view bytes, Milliseconds limit)
{
    cutoff_->in(limit);
    while (!bytes.empty()) {
        const auto count = static_cast<uint32_t>(std::min<size_t>(bytes.size(), most_at_once));
        const int sent = ssh_channel_write(channel_, bytes.data(), count);
        if (sent <= 0) {
            if (cutoff_->has_ended()) return fail(ErrorKind::timeout, "the other side takes nothing");
            return fail(ErrorKind::unavailable,
                        fmt::format("the connection is lost: {}", one_line(ssh_get_error(session_))));
        }
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    cutoff_->never();
    return {};
}

Result<size_t> Channel::await_room(Milliseconds limit)
{
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        // This takes in what has come: room, words, the end.
        if (ssh_channel_poll(channel_, 0) != 0 || ssh_channel_is_closed(channel_) != 0) return 0;
        if (const uint32_t room = ssh_channel_window_size(channel_); room > 0) return room;
        const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left <= Milliseconds{0}) return fail(ErrorKind::timeout, "the other side takes nothing");
        pollfd event{.fd = ssh_get_fd(session_), .events = POLLIN, .revents = 0};
        static_cast<void>(poll(&event, 1, static_cast<int>(left.count())));
    }
}

Result<void> Channel::end_saying()
{
    if (ssh_channel_send_eof(channel_) == SSH_OK) return {};
    return fail(ErrorKind::unavailable,
                fmt::format("the connection is lost: {}", one_line(ssh_get_error(session_))));
}

}  // namespace belay::host::ssh
