#include "host/ssh/session.h"

#include "base/base64.h"
#include "host/ssh/host_keys.h"
#include "host/ssh/testing/sshd.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::host::ssh;
using namespace std::chrono_literals;
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
    Mute() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(bind(listener_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(listener_.number(), 8) == 0);
        socklen_t size = sizeof address;
        REQUIRE(getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
    }
    uint16_t port() const { return port_; }
    void close() { listener_.close(); }

  private:
    host::Descriptor listener_;
    uint16_t port_ = 0;
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
