#include "host/ssh/session.h"

#include "host/ssh/connect.h"
#include "host/ssh/host_keys.h"
#include "host/ssh/testing/sshd.h"

#include <doctest/doctest.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netdb.h>
#include <thread>

using namespace belay;
using namespace belay::host::ssh;
using namespace std::chrono_literals;
using belay::host::ssh::testing::Listener;
using belay::host::ssh::testing::listener_on_free_port;
using belay::host::ssh::testing::Sshd;

namespace {

constexpr Milliseconds generous = 60s;

Login login_of(const Sshd& sshd)
{
    Login login;
    login.user = Sshd::user();
    login.private_key = sshd.user_key();
    return login;
}

Server server_of(const Sshd& sshd)
{
    return {.address = "127.0.0.1", .port = sshd.port(), .host_keys = {sshd.host_key()}};
}

/// All that comes until it ends.
std::string rest_of(Channel& channel)
{
    std::string all;
    while (true) {
        const auto more = channel.hear(generous);
        REQUIRE(more);
        if (!*more) return all;
        REQUIRE_FALSE((*more)->empty());
        all += **more;
    }
}

/// A server that takes a connection and never says a word.
class Mute {
  public:
    uint16_t port() const { return listener_.port; }
    void close() { listener_.socket.close(); }

  private:
    Listener listener_ = listener_on_free_port();
};

/// A server that asks for the password by questions, again and again, and takes none.
class AskingServer {
  public:
    AskingServer()
    {
        ssh_key made = nullptr;
        REQUIRE(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &made) == SSH_OK);
        key_.reset(made);
        thread_ = std::thread([this] { serve(); });
    }
    ~AskingServer()
    {
        if (thread_.joinable()) ended();
    }
    AskingServer(const AskingServer&) = delete;
    AskingServer& operator=(const AskingServer&) = delete;

    uint16_t port() const { return listener_.port; }
    std::string host_key() const
    {
        const auto fingerprint = fingerprint_of(key_.get());
        REQUIRE(fingerprint);
        return *fingerprint;
    }
    /// Every answer that it has got, once whoever was there has left.
    std::vector<std::string> ended()
    {
        shutdown(listener_.socket.number(), SHUT_RDWR);  // where nobody came
        thread_.join();
        return answers_;
    }

  private:
    void serve()
    {
        const int connection = accept4(listener_.socket.number(), nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        ssh_bind bind = ssh_bind_new();
        const bool no = false;
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, ssh_key_dup(key_.get()));
        ssh_session session = ssh_new();
        if (ssh_bind_accept_fd(bind, session, connection) == SSH_OK) {
            ssh_set_auth_methods(session, SSH_AUTH_METHOD_INTERACTIVE);
            if (ssh_handle_key_exchange(session) == SSH_OK) talk(session);
        }
        ssh_disconnect(session);
        ssh_free(session);
        ssh_bind_free(bind);
    }
    void talk(ssh_session session)
    {
        while (ssh_message message = ssh_message_get(session)) {
            const bool is_login = ssh_message_type(message) == SSH_REQUEST_AUTH &&
                                  ssh_message_subtype(message) == SSH_AUTH_METHOD_INTERACTIVE;
            if (is_login && ssh_message_auth_kbdint_is_response(message) != 0)
                for (int i = 0; i < ssh_userauth_kbdint_getnanswers(session); ++i)
                    answers_.emplace_back(ssh_userauth_kbdint_getanswer(session, static_cast<unsigned>(i)));
            const char* questions[] = {"Password: "};
            char is_shown[] = {0};
            if (is_login)
                ssh_message_auth_interactive_request(message, "", "", 1, questions, is_shown);
            else
                ssh_message_reply_default(message);
            ssh_message_free(message);
        }
    }

    Listener listener_ = listener_on_free_port();
    Key key_;
    std::vector<std::string> answers_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("a line of a real server: what is said comes back by its terminal, which is wide")
{
    const Sshd sshd("stty size; read line; echo \"heard $line\"\n");
    const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
    REQUIRE_MESSAGE(session, session.error().what);
    CHECK((*session)->host_key().starts_with("SHA256:"));
    auto channel = (*session)->open_line(generous);
    REQUIRE(channel);
    REQUIRE(channel->say("hello\n", generous));
    const std::string all = rest_of(*channel);
    CHECK(all.find("24 512\r\n") != std::string::npos);
    CHECK(all.find("heard hello\r\n") != std::string::npos);
}

TEST_CASE("a device of IOS XE 16, which has no more than these")
{
    const Sshd sshd("echo in\n", "rsa",
                    "KexAlgorithms diffie-hellman-group14-sha1\nHostKeyAlgorithms ssh-rsa\n"
                    "Ciphers aes128-ctr\nMACs hmac-sha1\n");
    const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
    REQUIRE_MESSAGE(session, session.error().what);
    auto channel = (*session)->open_line(generous);
    REQUIRE(channel);
    CHECK(rest_of(*channel).find("in\r\n") != std::string::npos);
}

TEST_CASE("the fingerprint does as well as the key")
{
    const Sshd sshd("echo in\n");
    const auto known = read_known_keys({sshd.host_key()});
    REQUIRE(known);
    Server server = server_of(sshd);
    server.host_keys = {"SHA256:" + std::string(43, 'A'), known->fingerprints.at(0)};
    const auto session = Session::open(server, login_of(sshd), generous);
    REQUIRE_MESSAGE(session, session.error().what);
}

TEST_CASE("a server with another key than the known one is told nothing")
{
    const Sshd sshd("echo in > \"$(dirname \"$0\")/was-in\"\n"), other("");
    Server server = server_of(sshd);
    server.host_keys = {other.host_key()};
    const auto session = Session::open(server, login_of(sshd), generous);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::refused);
    CHECK(session.error().what.find("ssh-ed25519 host key SHA256:") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(sshd.path("was-in")));
}

TEST_CASE("without a known key nobody is connected to")
{
    const Sshd sshd("");
    Server server = server_of(sshd);
    for (const char* wrong : {"", "ssh-ed25519", "ssh-ed25519 AAAA", "SHA256:short", "nonsense AAAA"}) {
        CAPTURE(wrong);
        server.host_keys = {wrong};
        const auto session = Session::open(server, login_of(sshd), generous);
        REQUIRE_FALSE(session);
        CHECK(session.error().kind == ErrorKind::usage);
    }
    server.host_keys.clear();
    CHECK_FALSE(Session::open(server, login_of(sshd), generous));
    CHECK(sshd.connections() == 0);
}

TEST_CASE("a login that is not taken: permission, and no secret in the sentence")
{
    const Sshd sshd(""), other("");
    Login login = login_of(sshd);
    login.private_key = other.user_key();
    auto session = Session::open(server_of(sshd), login, generous);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::permission);
    CHECK(session.error().what.find("does not take the private key") != std::string::npos);

    Login by_password;
    by_password.user = Sshd::user();
    by_password.password = "hunter2-hunter2";
    session = Session::open(server_of(sshd), by_password, generous);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::permission);
    CHECK(session.error().what.find("hunter2") == std::string::npos);

    login.private_key = "no key at all";
    session = Session::open(server_of(sshd), login, generous);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::usage);
}

TEST_CASE("a server that says nothing is left at the limit")
{
    const Mute mute;
    const Server server{
        .address = "127.0.0.1", .port = mute.port(), .host_keys = {"SHA256:" + std::string(43, 'A')}};
    Login login;
    login.user = "belay";
    const auto session = Session::open(server, login, 300ms);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::timeout);
}

TEST_CASE("an address that swallows everything leaves time to the next one")
{
    const auto address_of = [](const Listener& listener) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(listener.port);
        return address;
    };
    const Listener full = listener_on_free_port(), open = listener_on_free_port();
    // Nobody accepts, so that soon it answers no more.
    REQUIRE(listen(full.socket.number(), 0) == 0);
    sockaddr_in of_full = address_of(full), of_open = address_of(open);
    std::vector<host::Descriptor> others;
    for (int i = 0; i < 4; ++i) {
        others.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const bool is_begun =
            connect(others.back().number(), reinterpret_cast<sockaddr*>(&of_full), sizeof of_full) == 0 ||
            errno == EINPROGRESS;
        REQUIRE(is_begun);
    }
    addrinfo first{}, second{};
    for (const auto& [info, address] : {std::pair{&first, &of_full}, std::pair{&second, &of_open}}) {
        info->ai_family = AF_INET;
        info->ai_socktype = SOCK_STREAM;
        info->ai_addr = reinterpret_cast<sockaddr*>(address);
        info->ai_addrlen = sizeof *address;
    }
    const auto alone = connect_to_one_of(first, 500ms);
    REQUIRE_FALSE(alone);
    CHECK(alone.error().kind == ErrorKind::timeout);
    first.ai_next = &second;
    CHECK(connect_to_one_of(first, 2s));
    addrinfo without{};  // of a family that there is not
    without.ai_family = 12345;
    without.ai_next = &second;
    CHECK(connect_to_one_of(without, generous));
}

TEST_CASE("nobody there: unavailable, with the address")
{
    Mute gone;
    gone.close();
    const Server server{
        .address = "127.0.0.1", .port = gone.port(), .host_keys = {"SHA256:" + std::string(43, 'A')}};
    const auto session = Session::open(server, {}, generous);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::unavailable);
    CHECK(session.error().what.find("127.0.0.1") != std::string::npos);
}

TEST_CASE("a file is carried by SCP, whatever its size")
{
    const Sshd sshd("");
    for (const size_t size : {size_t{0}, size_t{1}, size_t{32 << 10}, size_t{3'000'001}}) {
        CAPTURE(size);
        std::string bytes(size, '\0');
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
        const std::string from = sshd.file("image", bytes), to = sshd.path("carried.bin");
        const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
        REQUIRE(session);
        uint64_t last = 0;
        const auto sent =
            (*session)->send_file(from, to, generous, [&](uint64_t done, uint64_t total) -> Result<void> {
                CHECK(total == size);
                CHECK(done > last);
                last = done;
                return {};
            });
        REQUIRE_MESSAGE(sent, sent.error().what);
        CHECK(last == size);
        CHECK(host::ssh::testing::whole(to) == bytes);
    }
}

TEST_CASE("what the server says of a file that it does not take is told")
{
    const Sshd sshd("");
    const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
    REQUIRE(session);
    const std::string from = sshd.file("image", "bytes");
    const auto nothing = [](uint64_t, uint64_t) -> Result<void> { return {}; };
    auto sent = (*session)->send_file(from, sshd.path("no-such-folder/x"), generous, nothing);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().kind == ErrorKind::refused);
    CHECK(sent.error().what.find("No such file") != std::string::npos);

    for (const char* to : {"", "-x", "flash:a b", "flash:$(x)", "flash:'x'", "flash:", "a\nb"}) {
        CAPTURE(to);
        sent = (*session)->send_file(from, to, generous, nothing);
        REQUIRE_FALSE(sent);
        CHECK(sent.error().kind == ErrorKind::usage);
    }
    sent = (*session)->send_file(sshd.path("not-there"), sshd.path("x"), generous, nothing);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().kind == ErrorKind::not_found);
}

TEST_CASE("a device that says in the middle of a file why it takes no more is heard, also where it hangs up")
{
    const Sshd sshd("");
    sshd.file(
        "sink",
        "printf '\\0'; IFS= read -r header; printf '\\0'; dd bs=65536 count=4 of=/dev/null 2>/dev/null\n"
        "printf '\\001flash: No space left on device\\n'\n"
        "[ -e \"$(dirname \"$0\")/stays\" ] && while kill -0 $PPID 2>/dev/null; do sleep 1; done\n");
    const std::string from = sshd.file("image", std::string(16 << 20, 'x'));
    for (const bool stays : {false, true}) {
        CAPTURE(stays);
        if (stays) sshd.file("stays", "");
        const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
        REQUIRE(session);
        const auto sent = (*session)->send_file(from, "flash:x", generous,
                                                [](uint64_t, uint64_t) -> Result<void> { return {}; });
        REQUIRE_FALSE(sent);
        CHECK(sent.error().kind == ErrorKind::no_space);
        CHECK(sent.error().what.find("No space left on device") != std::string::npos);
    }
}

TEST_CASE("a device says why it takes no file, and its name is no reason")
{
    const Sshd sshd("");
    sshd.file("sink", "printf '\\002flash:aerospace.bin: Permission denied\\n'\n");
    const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
    REQUIRE(session);
    const auto sent = (*session)->send_file(sshd.file("image", "bytes"), "flash:aerospace.bin", generous,
                                            [](uint64_t, uint64_t) -> Result<void> { return {}; });
    REQUIRE_FALSE(sent);
    CHECK(sent.error().kind == ErrorKind::refused);
    CHECK(sent.error().what == "the device does not take the file: flash:aerospace.bin: Permission denied");
}

TEST_CASE("a server that has gone takes nothing: an error, and no signal that ends us")
{
    std::optional<Sshd> sshd("read line\n");
    const auto session = Session::open(server_of(*sshd), login_of(*sshd), generous);
    REQUIRE(session);
    auto channel = (*session)->open_line(generous);
    REQUIRE(channel);
    sshd.reset();
    Result<void> said;
    const auto end = std::chrono::steady_clock::now() + generous;
    while (said && std::chrono::steady_clock::now() < end) said = channel->say("x", generous);
    REQUIRE_FALSE(said);
    CHECK(said.error().kind == ErrorKind::unavailable);
}

TEST_CASE("a password is given once, however often a server asks")
{
    AskingServer server;
    Login login;
    login.user = "belay";
    login.password = "hunter2-hunter2";
    const auto session = Session::open(
        {.address = "127.0.0.1", .port = server.port(), .host_keys = {server.host_key()}}, login, generous);
    REQUIRE_FALSE(session);
    CHECK(session.error().kind == ErrorKind::permission);
    CHECK(server.ended() == std::vector<std::string>{"hunter2-hunter2"});
}

TEST_CASE("a carrying that is not wanted any more ends")
{
    const Sshd sshd("");
    const auto session = Session::open(server_of(sshd), login_of(sshd), generous);
    REQUIRE(session);
    const std::string from = sshd.file("image", std::string(1 << 20, 'x'));
    const auto sent = (*session)->send_file(
        from, sshd.path("y"), generous,
        [](uint64_t, uint64_t) -> Result<void> { return fail(ErrorKind::unavailable, "enough"); });
    REQUIRE_FALSE(sent);
    CHECK(sent.error().what == "enough");
}

TEST_CASE("kinds of keys: those that are known first, and each once")
{
    const Sshd sshd("");
    const auto known = read_known_keys({sshd.host_key() + " a comment"});
    REQUIRE(known);
    const std::string kinds = wanted_kinds(*known);
    CHECK(kinds.starts_with("ssh-ed25519,"));
    CHECK(kinds.ends_with(",ssh-rsa"));
    CHECK(kinds.find("ssh-ed25519", 1) == std::string::npos);
    CHECK(wanted_kinds({.fingerprints = {}, .kinds = {"ssh-rsa"}})
              .starts_with("rsa-sha2-512,rsa-sha2-256,ssh-rsa,"));
}
