// What etcd and the way to it refuse, each as a clear sentence.

#include "base/testing/must.h"
#include "store/etcd/fault.h"
#include "store/etcd/testing/certificates.h"
#include "store/etcd/testing/cluster.h"
#include "store/limits.h"

#include <doctest/doctest.h>
#include <mutex>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;

Result<Commit> try_to_put(Store& store, std::string key, std::string value)
{
    return store.commit({.when = {}, .then = {{.key = std::move(key), .value = std::move(value)}}});
}

Error not_opened(const EtcdOptions& options)
{
    const auto store = open_etcd(options);
    REQUIRE_FALSE(store);
    return store.error();
}

TEST_CASE("options that make no sense are refused before anybody is asked")
{
    CHECK(not_opened({}).what == "no endpoint of etcd is named");
    CHECK(not_opened({.endpoints = {"host"}}).kind == ErrorKind::usage);
    CHECK(not_opened({.endpoints = {"127.0.0.1:1"}, .prefix = "a/b"}).kind == ErrorKind::usage);
    CHECK(not_opened({.endpoints = {"127.0.0.1:1"}, .time_limit = 0ms}).kind == ErrorKind::usage);
    CHECK(not_opened({.endpoints = {"127.0.0.1:1"}, .certificate_file = "/x"}).what ==
          "a certificate for etcd wants its key, and a key its certificate");
    CHECK(not_opened({.endpoints = {"127.0.0.1:1"}, .certificate_file = "/x", .key_file = "/y"}).what ==
          "a certificate for etcd wants the CA that signed etcd's own");
    CHECK(not_opened({.endpoints = {"127.0.0.1:1"}, .ca_file = "/none"}).what ==
          "cannot open /none: No such file or directory");
    CHECK(not_opened({.endpoints = {"127.0.0.1:1"}, .ca_file = "/proc/self/comm"}).what ==
          "/proc/self/comm holds nothing in PEM format");
}

TEST_CASE("where nothing listens the error names each endpoint")
{
    const std::string one = fmt::format("127.0.0.1:{}", free_port()),
                      other = fmt::format("127.0.0.1:{}", free_port());
    const Error error = not_opened({.endpoints = {one, other}, .time_limit = 300ms});
    CHECK(error.kind == ErrorKind::unavailable);
    CHECK(error.what.starts_with("etcd does not answer: "));
    CHECK(error.what.contains(one + ": "));
    CHECK(error.what.contains(other + ": "));
    CHECK(error.what.contains("Connection refused"));
    CHECK(error.next == "see that etcd runs, and whether it wants TLS");
}

TEST_CASE("an etcd that is slow or gone while TLS begins is away, and its certificate is not in doubt")
{
    constexpr int unavailable = 14;  // grpc::StatusCode
    const auto kind_of = [](std::string_view said) {
        const std::string message = fmt::format(
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:192.0.2.1:2379: {}", said);
        return fault_of(unavailable, message, "192.0.2.1:2379").error.kind;
    };
    CHECK(kind_of("tcp handshaker shutdown") == ErrorKind::unavailable);
    CHECK(kind_of("Handshake read failed") == ErrorKind::unavailable);
    CHECK(
        kind_of(
            "Ssl handshake failed: SSL_ERROR_SSL: error:0A000086:SSL routines::certificate verify failed") ==
        ErrorKind::permission);
}

TEST_CASE("what is no etcd is told from one that is away")
{
    // etcd's port for figures speaks HTTP, and no gRPC.
    const std::string figures = fmt::format("127.0.0.1:{}", free_port());
    const Cluster cluster(1, {"--listen-metrics-urls=http://" + figures});
    Error error = not_opened({.endpoints = {figures}, .time_limit = 500ms});
    // On a slow machine the time may be over before the other one has said anything.
    for (int again = 0; again < 5 && error.what.ends_with("tcp handshaker shutdown"); ++again)
        error = not_opened({.endpoints = {figures}, .time_limit = 5s});
    CHECK(error.kind == ErrorKind::unavailable);
    CHECK(error.what ==
          fmt::format("etcd does not answer: {}: Trying to connect an http1.x server", figures));
}

TEST_CASE("an etcd whose limit of a request was not raised names the flag")
{
    Cluster cluster(1, {"--max-request-bytes=1572864"});
    const auto store = must(open_etcd(cluster.options()));
    for (const size_t bytes : {size_t{2} << 20, max_value_bytes}) {
        const auto commit = try_to_put(*store, "a", std::string(bytes, 'x'));
        REQUIRE_FALSE(commit);
        CHECK(commit.error().kind == ErrorKind::refused);
        CHECK(commit.error().what ==
              fmt::format("the transaction is larger than etcd takes ({})", cluster.endpoint(0)));
        CHECK(commit.error().next == "start every etcd with --max-request-bytes=10485760");
    }
    CHECK(try_to_put(*store, "a", "small"));
}

TEST_CASE("a full etcd refuses writes, is read on, and no transaction that it refused has happened")
{
    Cluster cluster(1, {"--quota-backend-bytes=16777216"});
    const auto store = must(open_etcd(cluster.options()));
    // Several at a time: what etcd let in while there was room may fill it before it is done. Etcd then does
    // it, and refuses it all the same.
    constexpr int writers = 8;
    std::mutex mutex;
    std::map<std::string, Revision> written;
    std::vector<Error> refusals;
    std::vector<std::thread> writing;
    writing.reserve(writers);
    for (int writer = 0; writer < writers; ++writer) {
        writing.emplace_back([&, writer] {
            const std::string value(1 << 20, 'x');
            for (int i = 0; i < 64; ++i) {
                const std::string key = fmt::format("k/{}-{}", writer, i);
                const auto commit = try_to_put(*store, key, value);
                const std::lock_guard lock(mutex);
                if (commit)
                    written[key] = commit->revision;
                else
                    refusals.push_back(commit.error());
                if (!commit) return;
            }
        });
    }
    for (std::thread& thread : writing) thread.join();
    CHECK(refusals.size() == writers);
    for (const Error& full : refusals) {
        CHECK(full.kind == ErrorKind::no_space);
        CHECK(full.what == fmt::format("the database of etcd is full ({})", cluster.endpoint(0)));
        CHECK(full.next.contains("etcdctl alarm disarm"));
    }
    CHECK(try_to_put(*store, "small", "x").error().kind == ErrorKind::no_space);
    std::map<std::string, Revision> listed;
    for (const Entry& entry : must(store->list("k/"))) listed[entry.key] = entry.modified;
    CHECK(listed == written);
    CHECK(written.size() > 5);
    CHECK_FALSE(must(store->get("small")));
}

TEST_CASE("etcd's words become kinds and next steps")
{
    const auto fault = [](int code, std::string_view message) { return fault_of(code, message, "h:1"); };
    CHECK(fault(14, "etcdserver: no leader").passing);
    CHECK(fault(14, "etcdserver: no leader").undone);
    CHECK_FALSE(fault(14, "etcdserver: no leader").disconnected);
    CHECK(fault(14, "etcdserver: request timed out, possibly due to previous leader failure").passing);
    CHECK_FALSE(fault(14, "etcdserver: request timed out").undone);
    CHECK_FALSE(fault(14, "Socket closed").undone);
    CHECK(fault(14, "Socket closed").disconnected);
    CHECK(fault(14, "failed to connect to all addresses; last error: UNKNOWN: Connection refused").undone);
    CHECK(fault(4, "Deadline Exceeded").disconnected);
    CHECK(fault(15, "etcdserver: corrupt cluster").error.kind == ErrorKind::corrupt);
    CHECK(fault(15, "etcdserver: corrupt cluster").error.what.contains("alarm CORRUPT"));
    CHECK(fault(7, "etcdserver: permission denied").error.kind == ErrorKind::permission);
    CHECK(fault(3, "etcdserver: user name is empty").error.kind == ErrorKind::permission);
    CHECK(fault(12, "unknown service etcdserverpb.KV").error.kind == ErrorKind::version);
    CHECK(fault(8, "grpc: received message larger than max (3 vs. 2)").error.kind == ErrorKind::refused);
    CHECK(fault(8, "etcdserver: too many requests").passing);
    CHECK(fault(11, "etcdserver: mvcc: required revision has been compacted").error.kind ==
          ErrorKind::not_found);
    CHECK(fault(3, "etcdserver: duplicate key given in txn request").error.kind == ErrorKind::failed);
}

TEST_CASE("over TLS both sides must show what the other's CA has signed")
{
    const Certificates made;
    made.make_ca("ca");
    made.make_ca("other-ca");
    made.sign("etcd", "ca");
    made.sign("belay", "ca");
    made.sign("stranger", "other-ca");
    Cluster cluster({.ca = made / "ca.pem",
                     .certificate = made / "etcd.pem",
                     .key = made / "etcd.key",
                     .own_certificate = made / "belay.pem",
                     .own_key = made / "belay.key"});
    EtcdOptions options = cluster.options();
    const auto store = must(open_etcd(options));
    CHECK(try_to_put(*store, "a", "1"));
    const auto watch = must(store->watch("", 0));
    CHECK(must(watch->next(1min)).size() == 1);

    options.time_limit = 1s;
    const auto check_refused = [](const EtcdOptions& wrong) {
        const Error error = not_opened(wrong);
        CHECK(error.what.starts_with("etcd does not answer: 127.0.0.1:"));
        CHECK(error.next ==
              "see that etcd runs, and that the CA, the certificate and the key are those that it wants");
        return error.kind == ErrorKind::permission && error.what.contains("certificate verify failed");
    };
    EtcdOptions wrong = options;
    wrong.ca_file = made / "other-ca.pem";
    CHECK(check_refused(wrong));
    // TLS 1.3 ends before etcd has looked at our certificate, so gRPC sees a connection that ends, and no
    // reason.
    wrong = options;
    wrong.certificate_file = made / "stranger.pem";
    wrong.key_file = made / "stranger.key";
    CHECK_FALSE(check_refused(wrong));
    wrong = options;
    wrong.certificate_file = wrong.key_file = "";
    CHECK_FALSE(check_refused(wrong));
    wrong.ca_file = "";
    CHECK(not_opened(wrong).kind == ErrorKind::unavailable);  // plain text where TLS is spoken
}

}  // namespace
}  // namespace belay::store
