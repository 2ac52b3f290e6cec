#include "store/etcd/address.h"

#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::store {
namespace {

using Endpoints = std::vector<std::string>;

std::string why_refused(std::string_view text)
{
    const auto options = parse_etcd_address(text);
    REQUIRE_FALSE(options);
    CHECK(options.error().kind == ErrorKind::usage);
    CHECK(options.error().next == "write etcd:HOST:PORT[,HOST:PORT...][/PREFIX]");
    return options.error().what;
}

TEST_CASE("an address names endpoints and perhaps a prefix")
{
    const auto one = must(parse_etcd_address("etcd:10.0.0.1:2379"));
    CHECK(one.endpoints == Endpoints{"10.0.0.1:2379"});
    CHECK(one.prefix == "belay");
    const auto three =
        must(parse_etcd_address("etcd:10.0.0.1:2379,[fd00::1]:2379,etcd-3.example:1/branch_3"));
    CHECK(three.endpoints == Endpoints{"10.0.0.1:2379", "[fd00::1]:2379", "etcd-3.example:1"});
    CHECK(three.prefix == "branch_3");
    CHECK(is_etcd_address("etcd:"));
    CHECK_FALSE(is_etcd_address("/var/lib/belay/belay.db"));
}

TEST_CASE("an address that is wrong says which part of it, and how it is written")
{
    CHECK(why_refused("/var/lib/belay/belay.db") == "\"/var/lib/belay/belay.db\" does not begin with etcd:");
    CHECK(why_refused("etcd:") == "the endpoint \"\" of etcd has no port from 1 to 65535 behind a colon");
    CHECK(why_refused("etcd:host") ==
          "the endpoint \"host\" of etcd has no port from 1 to 65535 behind a colon");
    for (const char* endpoint :
         {"host:", "host:0", "host:65536", "host:23x", "host:-1", "host:+1", "host: 1"})
        CHECK(
            why_refused(fmt::format("etcd:{}", endpoint)) ==
            fmt::format("the endpoint \"{}\" of etcd has no port from 1 to 65535 behind a colon", endpoint));
    for (const char* endpoint :
         {":1", "ho st:1", "fd00::1:1", "[fd00::1:1", "[10.0.0.1]:1", "[]:1", "-host:1", "ho\"st:1"})
        CHECK(
            why_refused(fmt::format("etcd:{}", endpoint)) ==
            fmt::format(
                "the host of the endpoint \"{}\" of etcd is no name, no IPv4 address and no IPv6 address in "
                "brackets",
                endpoint));
    CHECK(why_refused("etcd:https://host:2379") ==
          "the endpoint https://host:2379 of etcd is a URL, a host and a port are wanted");
    CHECK(why_refused("etcd:a:1,,b:1") ==
          "the endpoint \"\" of etcd has no port from 1 to 65535 behind a colon");
    CHECK(why_refused("etcd:a:1,b:1,a:1") == "the endpoint a:1 of etcd is named twice");
    for (const char* prefix : {"", "a/b", "a b", "\xc3\xa4"})
        CHECK(why_refused(fmt::format("etcd:a:1/{}", prefix)).starts_with("the prefix \""));
    CHECK(why_refused("etcd:a:1/" + std::string(65, 'p')).starts_with("the prefix \"ppp"));
    CHECK(why_refused("etcd:a\x1b[2J:1") ==
          "the host of the endpoint \"a?[2J:1\" of etcd is no name, no IPv4 address and "
          "no IPv6 address in brackets");
    CHECK(why_refused(std::string("etcd:[::1\0]:1", 13)) ==
          "the host of the endpoint \"[::1?]:1\" of etcd is no name, no IPv4 address and no IPv6 address in "
          "brackets");
    std::string many = "etcd:h0:1";
    for (int i = 1; i < 17; ++i) many += fmt::format(",h{}:1", i);
    CHECK(why_refused(many) == "more than 16 endpoints of etcd are named");
}

}  // namespace
}  // namespace belay::store
