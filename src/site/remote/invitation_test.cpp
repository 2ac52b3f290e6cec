#include "site/remote/invitation.h"

#include "base/testing/must.h"
#include "site/identity/authority.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;

Invitation sample()
{
    return {.site = "0123456789abcdef",
            .authority_pem = must(Authority::make("0123456789abcdef", 1'800'000'000s)).certificate_pem(),
            .controllers = {"10.0.0.1:4880", "[fd00::1]:4880"},
            .number = 7,
            .secret = std::string("\0\x01\xfe"
                                  "0123456789abc",
                                  16),
            .role = Role::agent};
}

TEST_CASE("an invitation is one word, and says the same when it is read, also where a mail has broken it")
{
    const Invitation invitation = sample();
    const std::string word = must(to_word(invitation));
    MESSAGE("an invitation has " << word.size() << " characters");
    CHECK(word.size() < 800);
    CHECK(word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
          std::string::npos);
    const Invitation read =
        must(read_invitation("  " + word.substr(0, 76) + "\r\n" + word.substr(76) + "\n"));
    CHECK(read.site == invitation.site);
    CHECK(read.authority_pem == invitation.authority_pem);
    CHECK(read.controllers == invitation.controllers);
    CHECK(read.number == 7);
    CHECK(read.secret == invitation.secret);
}

TEST_CASE("a word that was cut, mistyped, or is something else is refused in one sentence")
{
    const std::string word = must(to_word(sample()));
    for (size_t length = 0; length < word.size(); length += 7)
        CHECK(read_invitation(word.substr(0, length)).error().kind == ErrorKind::usage);
    CHECK(read_invitation("belay2." + word.substr(7)).error().kind == ErrorKind::version);
    CHECK(read_invitation(std::string(9000, 'a')).error().what ==
          "this is no invitation to a site: it is longer than 8 KiB");
    CHECK(read_invitation("hello").error().next == "belay host invite, on a controller");
}

}  // namespace
}  // namespace belay::site
