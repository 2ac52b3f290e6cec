#include "site/server.h"

#include "site/client.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <future>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr uid_t nobody = 65534;

/// A server in a thread of its own, with methods that the test holds in its hand.
class House {
  public:
    House()
    {
        std::string name = "/tmp/belay-site-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder_ = name;
        REQUIRE(chmod(folder_.c_str(), 0755) == 0);
        loop_ = *Loop::open();
        workers_ = std::make_unique<Workers>(*loop_);
        server_ = *Server::open(*loop_, *workers_, *listen_at(socket(), "no-such-group"), methods());
        thread_ = std::thread([this] { static_cast<void>(loop_->run().has_value()); });
    }
    ~House()
    {
        release();
        loop_->post([this] {
            server_->stop();
            if (workers_->idle()) return loop_->stop();
            workers_->when_idle([this] { loop_->stop(); });
        });
        thread_.join();
        server_.reset();
        std::filesystem::remove_all(folder_);
    }
    House(const House&) = delete;
    House& operator=(const House&) = delete;

    std::string socket() const { return folder_ + "/run/belayd.sock"; }
    Server& server() { return *server_; }
    /// Lets all calls of Block go on, now and later.
    void release()
    {
        if (!released_.exchange(true)) gate_.set_value();
    }
    void await_blocked(int count)
    {
        for (int now = blocked_; now < count; now = blocked_) blocked_.wait(now);
    }

    std::atomic<int> value = 0;         ///< what Follow says
    std::atomic<int> follow_calls = 0;  ///< how often it was asked
    size_t padding = 0;                 ///< how much more it says

  private:
    std::vector<Method> methods()
    {
        return {
            {"Hello", Right::view, [](const Call&) { return Reply{}; }},
            {"Echo", Right::view,
             [](const Call& call) {
                 return Reply{{{"said", call.parameters}, {"may_change", call.caller.right > Right::view}}};
             }},
            {"Change", Right::operate, [](const Call&) { return Reply{}; }},
            {"Large", Right::view, [](const Call&) { return Reply{{{"text", std::string(9 << 20, 'x')}}}; }},
            {"Pieces", Right::view,
             [](const Call& call) {
                 Reply reply{{{"piece", 0}}};
                 const int last = call.parameters.value("last", 0);
                 // Together they are longer than the socket's own room.
                 reply.rest = [last, number = 0]() mutable -> std::optional<Json> {
                     if (number == last) return std::nullopt;
                     return Json{{"piece", ++number}, {"padding", std::string(1 << 20, 'x')}};
                 };
                 return reply;
             }},
            {"Block", Right::view,
             [this](const Call&) {
                 ++blocked_;
                 blocked_.notify_all();
                 opened_.wait();
                 return Reply{};
             }},
            {"Follow", Right::view, [this](const Call&) {
                 ++follow_calls;
                 const int now = value;
                 return Reply{{{"value", now}, {"padding", std::string(padding, 'x')}},
                              now == 1000 ? "" : "topic"};
             }}};
    }

    std::string folder_;
    std::atomic<bool> released_ = false;
    std::atomic<int> blocked_ = 0;
    std::promise<void> gate_;
    std::shared_future<void> opened_ = gate_.get_future().share();
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Workers> workers_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

/// A face that says what it likes; it gives up after ten seconds.
class Raw {
  public:
    explicit Raw(const House& house) : socket_(*connect_to(house.socket()))
    {
        const timeval limit{.tv_sec = 10, .tv_usec = 0};
        setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(socket_.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    void say(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t count = send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            bytes.remove_prefix(static_cast<size_t>(count));
        }
    }
    void ask(std::string method, Json parameters = Json::object(), bool more = false)
    {
        say(request_message({std::move(method), std::move(parameters), more}));
    }
    /// The next message; nothing where the server has hung up.
    std::optional<std::string> hear()
    {
        while (true) {
            if (auto message = framer_.take()) return message;
            std::array<char, 64 << 10> room;
            const ssize_t count = recv(socket_.number(), room.data(), room.size(), 0);
            if (count <= 0) {
                REQUIRE_MESSAGE((count == 0 || errno == ECONNRESET), "nothing came for ten seconds");
                return std::nullopt;
            }
            REQUIRE(framer_.feed({room.data(), static_cast<size_t>(count)}));
        }
    }
    Result<Answer> answer()
    {
        const auto message = hear();
        if (!message) return fail(ErrorKind::unavailable, "hung up");
        return parse_answer(*message);
    }

  private:
    host::Descriptor socket_;
    Framer framer_;
};

/// Does something as another user; the kernel keeps the user of each thread apart.
template <typename Body>
void as_user(uid_t uid, Body body)
{
    std::async(std::launch::async, [&] {
        REQUIRE(syscall(SYS_setgroups, 0, nullptr) == 0);
        REQUIRE(syscall(SYS_setresgid, uid, uid, uid) == 0);
        REQUIRE(syscall(SYS_setresuid, uid, uid, uid) == 0);
        body();
    }).get();
}

TEST_CASE("questions that are sent ahead are answered in their order")
{
    House house;
    Raw face(house);
    std::string all;
    for (int i = 0; i < 500; ++i) all += request_message({"Echo", {{"number", i}}});
    face.say(all);
    for (int i = 0; i < 500; ++i) CHECK(face.answer()->parameters["said"]["number"] == i);
}

TEST_CASE("a face that stops in the middle of a message holds up nobody else")
{
    House house;
    Raw slow(house), other(house);
    slow.say("{\"method\":\"org.bel");
    other.ask("Echo");
    CHECK(other.answer());
    slow.say("ay.v1.Echo\"}\0"s);
    CHECK(slow.answer());
}

TEST_CASE("a face that says its last word and hangs up half way still gets its answer")
{
    House house;
    host::Descriptor socket = *connect_to(house.socket());
    const std::string question = request_message({"Echo", Json::object(), false});
    REQUIRE(send(socket.number(), question.data(), question.size(), 0) > 0);
    REQUIRE(shutdown(socket.number(), SHUT_WR) == 0);
    std::array<char, 256> room{};
    CHECK(recv(socket.number(), room.data(), room.size(), 0) > 0);
    CHECK(recv(socket.number(), room.data(), room.size(), 0) == 0);
}

TEST_CASE("what is no request is answered with an error and hung up on, without harm to others")
{
    House house;
    for (const std::string& bytes :
         {"hello\0"s, "{}\0"s, "\0"s, "[1]\0"s, std::string(200, '[') + "\0"s, "{\"method\":\xff}\0"s}) {
        Raw face(house);
        face.say(bytes);
        CHECK(face.answer().error().kind == ErrorKind::corrupt);
        CHECK(!face.hear());
    }
    Raw other(house);
    other.ask("Echo");
    CHECK(other.answer());
}

TEST_CASE("a message without an end is refused at the limit")
{
    House house;
    Raw face(house);
    face.say(std::string(max_message_bytes + 100'000, 'x'));
    CHECK(face.answer().error().what.contains("longer than 8388608"));
    CHECK(!face.hear());
}

TEST_CASE("an answer beyond the limit becomes an error, and the connection goes on")
{
    House house;
    Raw face(house);
    face.ask("Large");
    CHECK(face.answer().error().kind == ErrorKind::failed);
    face.ask("Echo");
    CHECK(face.answer());
}

TEST_CASE("an answer in pieces comes in their order, the last one says so, and the next question is answered")
{
    House house;
    Raw face(house);
    for (const int last : {0, 1, 12}) {
        face.ask("Pieces", {{"last", last}}, true);
        for (int number = 0; number <= last; ++number) {
            const Answer piece = *face.answer();
            CHECK(piece.parameters["piece"] == number);
            CHECK(piece.continues == (number < last));
        }
    }
    // Who did not ask for more gets the first one alone.
    face.ask("Pieces", {{"last", 3}});
    CHECK(face.answer()->continues == false);
    face.ask("Echo");
    CHECK(face.answer()->parameters.contains("said"));
}

TEST_CASE("a face that takes no pieces holds up nobody, and its place is given to another one")
{
    House house;
    Raw lazy(house);
    lazy.ask("Pieces", {{"last", 1000}}, true);
    REQUIRE(lazy.answer());
    std::vector<std::unique_ptr<Raw>> others;
    for (size_t i = 0; i < Server::max_connections; ++i) {
        others.push_back(std::make_unique<Raw>(house));
        others.back()->ask("Echo");
        CHECK(others.back()->answer());
    }
    for (int number = 1; const auto piece = lazy.answer(); ++number) CHECK(number < 1000);
}

TEST_CASE("an unknown method is said to be one")
{
    House house;
    Raw face(house);
    face.ask("Dance");
    CHECK(face.answer().error().what == "belayd knows no method Dance");
    face.ask("Echo");
    CHECK(face.answer());
}

TEST_CASE("another user cannot open the socket, and is told what to do" * doctest::skip(geteuid() != 0))
{
    House house;
    as_user(nobody, [&] {
        const auto client = connect({.socket = house.socket(), .state_folder = "", .daemon = ""});
        REQUIRE(!client);
        CHECK(client.error().kind == ErrorKind::permission);
        CHECK(client.error().what == "no permission to talk to belayd at " + house.socket());
        CHECK(client.error().next == "sudo belay ...");
    });
}

TEST_CASE("another user who can open the socket may look and change nothing" * doctest::skip(geteuid() != 0))
{
    House house;
    REQUIRE(chmod(house.socket().c_str(), 0666) == 0);
    as_user(nobody, [&] {
        Raw face(house);
        face.ask("Echo");
        CHECK(face.answer()->parameters["may_change"] == false);
        face.ask("Change");
        CHECK(face.answer().error().kind == ErrorKind::permission);
    });
    Raw face(house);
    face.ask("Change");
    CHECK(face.answer());
}

TEST_CASE("the socket is for root and the group only, and its folder for all to see")
{
    House house;
    struct stat status{};
    REQUIRE(stat(house.socket().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    REQUIRE(stat(std::filesystem::path(house.socket()).parent_path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0755);
}

TEST_CASE("a stream tells the newest state, and nothing piles up before a face that does not read")
{
    House house;
    house.padding = 1 << 20;
    Raw face(house);
    face.ask("Follow", Json::object(), true);
    CHECK(face.answer()->continues);
    for (int i = 1; i <= 1000; ++i) {
        house.value = i;
        house.server().changed("topic");
        // Time for the server to do the wrong thing: an answer to another face, now and then.
        if (i % 100 != 0) continue;
        Raw other(house);
        other.ask("Echo");
        CHECK(other.answer());
    }
    Json last;
    for (bool more = true; more;) {
        const Result<Answer> answer = face.answer();
        REQUIRE(answer);
        last = answer->parameters["value"];
        more = answer->continues;
    }
    CHECK(last == 1000);
    CHECK(house.follow_calls < 20);
    face.ask("Echo");
    CHECK(face.answer());
}

TEST_CASE("a change of something else is no news")
{
    House house;
    Raw face(house);
    face.ask("Follow", Json::object(), true);
    CHECK(face.answer());
    house.server().changed("another topic");
    house.value = 1000;
    house.server().changed("topic");
    CHECK(face.answer()->parameters["value"] == 1000);
    CHECK(house.follow_calls <= 3);
}

TEST_CASE("the connection that was quiet longest makes room for a new one")
{
    House house;
    std::vector<std::unique_ptr<Raw>> faces;
    for (size_t i = 0; i < Server::max_connections; ++i) {
        faces.push_back(std::make_unique<Raw>(house));
        faces.back()->ask("Echo");
        CHECK(faces.back()->answer());
    }
    faces.front()->ask("Echo");
    CHECK(faces.front()->answer());
    Raw newcomer(house);
    newcomer.ask("Echo");
    CHECK(newcomer.answer());
    CHECK(!faces[1]->hear());
    faces.front()->ask("Echo");
    CHECK(faces.front()->answer());
}

TEST_CASE("when all connections are at work the newcomer is told so, and one is free when a face goes")
{
    House house;
    std::vector<std::unique_ptr<Raw>> faces;
    for (size_t i = 0; i < Server::max_connections; ++i) {
        faces.push_back(std::make_unique<Raw>(house));
        faces.back()->ask("Block");
    }
    house.await_blocked(Server::max_connections);
    Raw newcomer(house);
    CHECK(newcomer.answer().error().kind == ErrorKind::busy);
    CHECK(!newcomer.hear());
    house.release();
    for (const auto& face : faces) CHECK(face->answer());
    faces.pop_back();
    Raw next(house);
    next.ask("Echo");
    CHECK(next.answer());
}

TEST_CASE("a face that goes while its method runs leaves the others in peace")
{
    House house;
    {
        Raw gone(house);
        gone.ask("Block");
        house.await_blocked(1);
    }
    Raw face(house);
    face.ask("Echo");
    CHECK(face.answer());
    house.release();
    face.ask("Echo");
    CHECK(face.answer());
}

TEST_CASE("a client stops a stream when it has seen enough, or is interrupted, and can ask on")
{
    House house;
    const auto client = *connect({.socket = house.socket(), .state_folder = "", .daemon = ""});
    CHECK(client->stream("Follow", Json::object(), [](const Json&) { return false; }));
    CHECK(client->call("Echo", {{"a", 1}})->at("said") == Json{{"a", 1}});

    std::promise<void> begun;
    std::thread interrupter([&] {
        begun.get_future().wait();
        client->interrupt();
    });
    CHECK(client->stream("Follow", Json::object(), [&](const Json&) {
        begun.set_value();
        return true;
    }));
    interrupter.join();
    CHECK(client->call("Echo", {{"a", 2}})->at("said") == Json{{"a", 2}});
}

TEST_CASE("where no daemon listens and none may be started, that is said")
{
    const auto client = connect({.socket = "/tmp/none/belayd.sock", .state_folder = "", .daemon = ""});
    CHECK(client.error().kind == ErrorKind::unavailable);
    CHECK(client.error().what == "no belayd listens at /tmp/none/belayd.sock");
}

TEST_CASE("a daemon that cannot be started gives its own sentence")
{
    const auto missing =
        connect({.socket = "/tmp/none/belayd.sock", .state_folder = "/tmp", .daemon = "/none/belayd"});
    CHECK(missing.error().what == "cannot start /none/belayd: No such file or directory");
    const auto fails =
        connect({.socket = "/tmp/none/belayd.sock", .state_folder = "/tmp", .daemon = "/bin/false"});
    CHECK(fails.error().kind == ErrorKind::unavailable);
    CHECK(fails.error().what == "/bin/false ended before it was ready");
    const auto complains =
        connect({.socket = "/tmp/none/belayd.sock", .state_folder = "/tmp", .daemon = "/bin/ls"});
    CHECK(complains.error().output.contains("unrecognized option"));
}

}  // namespace
}  // namespace belay::site
