// What somebody may send who means no good, or reads nothing: refused or waited for, and nobody else slowed.

#include "base/testing/must.h"
#include "host/descriptor.h"
#include "site/remote/remote_client.h"
#include "site/remote/testing/house.h"
#include "site/remote/transport.h"

#include <arpa/inet.h>
#include <belay/v1/membership.grpc.pb.h>
#include <belay/v1/site.grpc.pb.h>
#include <doctest/doctest.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <poll.h>
#include <sys/socket.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using testing::AgentHouse;
using testing::ControllerHouse;

constexpr const char* a_password = "correct horse";

/// A controller with somebody who asks as people do, to see whether it still answers at once.
struct Watched {
    Watched()
    {
        must(controller.get().accounts().add("anna", Right::administer, a_password, controller.wall()));
        token = must(log_in(controller.remote_site(), "anna", a_password)).token;
        anna = remote_client(controller.remote_site(), token);
        must(anna->call("Echo", Json::object()));
    }
    std::shared_ptr<grpc::Channel> stranger()
    {
        const RemoteSite site = controller.remote_site();
        return channel_to(site.controllers.front(), site.site, {.authority = site.authority_pem});
    }
    /// An answer takes a moment; a controller that is held up takes as long as the one who holds it up.
    void check_answers()
    {
        const auto begun = std::chrono::steady_clock::now();
        CHECK(anna->call("Echo", Json::object()));
        CHECK(std::chrono::steady_clock::now() - begun < 5s);
    }

    ControllerHouse controller;
    std::string token;
    std::unique_ptr<Client> anna;
};

host::Descriptor connect_raw(const std::string& address)
{
    host::Descriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    sockaddr_in there{.sin_family = AF_INET,
                      .sin_port = htons(static_cast<uint16_t>(port)),
                      .sin_addr = {htonl(INADDR_LOOPBACK)},
                      .sin_zero = {}};
    REQUIRE(connect(connection.number(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0);
    return connection;
}

TEST_CASE("bytes that are no TLS end their connection, and only that")
{
    Watched watched;
    const std::string address = watched.controller.get().address();
    std::string record(20'000, 'x');  // its head says handshake, and it is none
    record.replace(0, 6, "\x16\x03\x01\x40\x00\x01", 6);
    for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, '\0'),
                                     std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), record}) {
        const host::Descriptor connection = connect_raw(address);
        static_cast<void>(send(connection.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
        pollfd ended{connection.number(), POLLIN | POLLHUP, 0};
        CHECK(poll(&ended, 1, 30'000) == 1);
    }
    watched.check_answers();
}

TEST_CASE("connections on which nothing is said hold up nobody")
{
    Watched watched;
    std::vector<host::Descriptor> silent;
    for (int number = 0; number < 200; ++number)
        silent.push_back(connect_raw(watched.controller.get().address()));
    watched.check_answers();
}

/// What comes of bytes that are sent as a message to a method.
grpc::Status send_bytes(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                        const std::string& bytes)
{
    grpc::GenericStub stub(channel);
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 20s);
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer message(&slice, 1);
    const auto call = stub.PrepareUnaryCall(&context, method, message, &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
}

TEST_CASE("messages that are malformed or too large are refused")
{
    Watched watched;
    for (const char* method : {"/belay.v1.Enrolment/Join", "/belay.v1.Site/Login", "/belay.v1.Site/Ask",
                               "/belay.v1.Membership/Attach", "/belay.v1.Membership/Renew"}) {
        CHECK(!send_bytes(watched.stranger(), method, std::string(1000, '\xff')).ok());
        CHECK(!send_bytes(watched.stranger(), method, std::string(9 << 20, 'x')).ok());
        CHECK(!send_bytes(watched.stranger(), method, "").ok());
    }
    watched.check_answers();
}

TEST_CASE("what is too deep, too large or no object in a question is refused in words")
{
    Watched watched;
    const auto stub = v1::Site::NewStub(watched.stranger());
    for (const std::string& parameters :
         {std::string(100'000, '['), std::string("{\"a\":"), std::string("7"), std::string("")}) {
        grpc::ClientContext context;
        context.AddMetadata("authorization", "Bearer " + watched.token);
        context.set_deadline(std::chrono::system_clock::now() + 20s);
        v1::Question question;
        question.set_method("Echo");
        question.set_parameters(parameters);
        const auto answers = stub->Ask(&context, question);
        v1::Answer answer;
        while (answers->Read(&answer)) {
        }
        CHECK(!answers->Finish().ok());
    }
    watched.check_answers();
}

TEST_CASE("who reads nothing of a stream gets the newest state later, and holds up nobody")
{
    Watched watched;
    const auto stub = v1::Site::NewStub(watched.stranger());
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::Answer>>> streams;
    v1::Question question;
    question.set_method("Follow");
    question.set_parameters("{}");
    question.set_more(true);
    for (int number = 0; number < 50; ++number) {
        contexts.push_back(std::make_unique<grpc::ClientContext>());
        contexts.back()->AddMetadata("authorization", "Bearer " + watched.token);
        streams.push_back(stub->Ask(contexts.back().get(), question));
    }
    for (int value = 1; value <= 2000; ++value) watched.controller.set(value);
    watched.check_answers();
    v1::Answer answer;
    int last = 0;
    while (last < 2000 && streams.front()->Read(&answer)) last = parse_json(answer.parameters())->at("value");
    CHECK(last == 2000);
    for (const auto& context : contexts) context->TryCancel();
    for (const auto& stream : streams) {
        while (stream->Read(&answer)) {
        }
        stream->Finish();
    }
}

TEST_CASE("who logs in with guesses has to wait, and others do not")
{
    Watched watched;
    must(watched.controller.get().accounts().add("bert", Right::view, a_password, watched.controller.wall()));
    const RemoteSite site = watched.controller.remote_site();
    Error last;
    for (int attempt = 0; attempt < 8; ++attempt) last = log_in(site, "bert", "a guess").error();
    CHECK(last.kind == ErrorKind::busy);
    // Not even with the right one, for then a guess would tell.
    CHECK(log_in(site, "bert", a_password).error().kind == ErrorKind::busy);
    CHECK(log_in(site, "anna", a_password));
    watched.check_answers();
}

TEST_CASE("a host's certificate opens no person's door, and a session no host's")
{
    Watched watched;
    AgentHouse agent;
    must(agent.join(watched.controller.invite({.name = "web1"})));
    const Membership membership = agent.membership();
    const auto channel =
        channel_to(watched.controller.get().address(), membership.identity.site,
                   {membership.authority_pem, membership.certificate_pem, membership.key_pem});
    grpc::ClientContext asking;
    v1::Question question;
    question.set_method("Echo");
    question.set_parameters("{}");
    const auto answers = v1::Site::NewStub(channel)->Ask(&asking, question);
    v1::Answer answer;
    CHECK(!answers->Read(&answer));
    CHECK(!answers->Finish().ok());

    grpc::ClientContext attaching;
    attaching.AddMetadata("authorization", "Bearer " + watched.token);
    const auto stream = v1::Membership::NewStub(watched.stranger())->Attach(&attaching);
    v1::ToMember message;
    CHECK(!stream->Read(&message));
    CHECK(stream->Finish().error_code() == grpc::PERMISSION_DENIED);
}

}  // namespace
}  // namespace belay::site
