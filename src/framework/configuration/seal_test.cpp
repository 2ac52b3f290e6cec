#include "framework/configuration/seal.h"

#include "framework/configuration/testing/sample.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace belay::framework::configuration {
namespace {

TEST_CASE("what is sealed opens again, each time it is another text, and nobody can change it unseen")
{
    const KeyFolder folder;
    const KeyRing keys = must(KeyRing::open(folder.file()));
    const std::string sealed = keys.seal("hunter2"), again = keys.seal("hunter2");
    CHECK(sealed.starts_with("sealed:"));
    CHECK(sealed != again);
    CHECK(keys.same(sealed, again));
    CHECK(!keys.same(sealed, keys.seal("hunter3")));
    CHECK(must(keys.unseal(sealed)).view() == "hunter2");
    CHECK(must(keys.unseal(keys.seal(""))).size() == 0);
    std::string bent = sealed;
    bent[bent.size() - 8] = bent[bent.size() - 8] == 'A' ? 'B' : 'A';
    CHECK(keys.unseal(bent).error().kind == ErrorKind::corrupt);
    CHECK(keys.unseal("sealed:").error().kind == ErrorKind::corrupt);
    CHECK(keys.unseal("hunter2").error().kind == ErrorKind::corrupt);
}

TEST_CASE("the key file is its owner's alone")
{
    const KeyFolder folder;
    must(KeyRing::open(folder.file()));
    struct stat about{};
    REQUIRE(stat(folder.file().c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0600);
    REQUIRE(chmod(folder.file().c_str(), 0640) == 0);
    const auto refused = KeyRing::open(folder.file());
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::permission);
    CHECK(refused.error().next.contains("chmod 600"));
}

TEST_CASE("a key file that is damaged is not overwritten, and no error tells what is in it")
{
    const KeyFolder folder;
    const int file = ::open(folder.file().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(write(file, "belay-key x25519 c2VjcmV0\n", 26) == 26);
    ::close(file);
    const auto refused = KeyRing::open(folder.file());
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::corrupt);
    CHECK(!refused.error().what.contains("c2VjcmV0"));
    CHECK(KeyRing::read(folder.file() + "-not-there").error().kind == ErrorKind::not_found);
}

TEST_CASE("a new key seals, the old one still opens until it is dropped")
{
    const KeyFolder folder;
    KeyRing keys = must(KeyRing::open(folder.file()));
    const std::string old_mark = keys.mark(), old_secret = keys.seal("hunter2");
    CHECK(must(KeyRing::open(folder.file())).mark() == old_mark);
    REQUIRE(keys.add_key());
    CHECK(keys.mark() != old_mark);
    CHECK(!keys.is_current(old_secret));
    CHECK(must(keys.unseal(old_secret)).view() == "hunter2");
    const std::string new_secret = keys.seal("hunter2");
    CHECK(keys.is_current(new_secret));

    KeyRing both = must(KeyRing::read(folder.file()));
    CHECK(both.size() == 2);
    CHECK(both.mark() == keys.mark());
    CHECK(both.keep_only("0000000000000000").error().kind == ErrorKind::not_found);
    REQUIRE(both.keep_only(keys.mark()));
    const KeyRing last = must(KeyRing::read(folder.file()));
    CHECK(last.size() == 1);
    CHECK(must(last.unseal(new_secret)).view() == "hunter2");
    CHECK(last.unseal(old_secret).error().kind == ErrorKind::not_found);
}

}  // namespace
}  // namespace belay::framework::configuration
