#include "framework/redundancy/moving.h"

#include <doctest/doctest.h>

namespace belay::framework::redundancy {

TEST_CASE("redundancy/a message about a move is read as it was written, and nothing else is")
{
    const Moving moving{.kind = Moving::Kind::refused,
                        .pair = 5,
                        .epoch = 3,
                        .giver = 12,
                        .token = 1'764'000'000'000'000,
                        .addresses = {"192.0.2.11", "fe80::1"},
                        .reason = "this host has no libnftables.so.1"};
    const Result<Moving> read = moving_from(to_bytes(moving));
    REQUIRE(read);
    CHECK(*read == moving);
    // Neither is taken for the other.
    CHECK_FALSE(moving_from(to_bytes(Message{.pair = 5})).has_value());
    CHECK_FALSE(message_from(to_bytes(moving)).has_value());
    for (const char* bad :
         {"", "[]", "{}", "[\"move\"]", R"(["move",9,5,3,12,1,[],""])", R"(["move",0,5,3,12,1,["x"],""])",
          R"(["move",0,5,3,12,1,["192.0.2.1 accept"],""])", R"(["move",0,5,3,12,1,[1],""])",
          R"(["move",0,-5,3,12,1,[],""])", R"(["move",0,5,3,12,1,[],1])", R"(["mode",0,5,3,12,1,[],""])"})
        CHECK_FALSE(moving_from(bad).has_value());
    // What is too long is cut where it is written, and refused where it is read.
    Moving much = moving;
    much.addresses.assign(50, "2001:db8:1111:2222:3333:4444:5555:6666");
    much.reason.assign(5000, 'x');
    CHECK(to_bytes(much).size() <= 1000);
    CHECK(moving_from(to_bytes(much))->addresses.size() == 8);
    CHECK_FALSE(moving_from(R"(["move",0,5,3,12,1,[],")" + std::string(5000, 'x') + "\"]").has_value());
}

}  // namespace belay::framework::redundancy
