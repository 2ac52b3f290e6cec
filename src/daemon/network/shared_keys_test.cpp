// The keys of the configuration's secrets, over two controllers of one site.

#include "daemon/network/shared_keys.h"

#include "base/testing/must.h"
#include "framework/configuration/key_file.h"
#include "site/loop.h"
#include "store/memory.h"
#include "store/scratch_folder.h"

#include <doctest/doctest.h>

namespace belay::daemon {
namespace {

using framework::configuration::KeyRing;

/// A controller, as far as it has keys.
struct Holder {
    Holder(store::Store& store, const site::Authority& authority) : keys(store, authority, file) {}

    store::ScratchFolder folder;
    std::string file = folder.path() + "/configuration.key";
    SharedKeys keys;
};

site::Authority new_authority()
{
    return must(site::Authority::make("0123456789abcdef", Milliseconds(1)));
}

TEST_CASE("what one controller has sealed any other one opens, whichever keys there were before")
{
    store::MemoryStore store({.boot = "this boot", .now = site::boot_now});
    const site::Authority authority = new_authority();
    Holder alpha(store, authority), beta(store, authority);
    REQUIRE(alpha.keys.take());
    const std::string sealed = must(KeyRing::read(alpha.file)).seal("s3cret");
    // It had one of its own, from before it came to this site.
    must(KeyRing::open(beta.file));
    CHECK_FALSE(must(beta.keys.are_given()));
    REQUIRE(beta.keys.take());
    CHECK(must(must(KeyRing::read(beta.file)).unseal(sealed)).view() == "s3cret");

    KeyRing ring = must(KeyRing::read(alpha.file));
    must(ring.add_key());
    const std::string by_new_key = ring.seal("s3cret");
    CHECK_FALSE(must(alpha.keys.are_given()));
    must(alpha.keys.give());
    CHECK(must(alpha.keys.are_given()));
    must(ring.keep_only(ring.mark()));
    must(alpha.keys.give());
    REQUIRE(beta.keys.take());
    CHECK(must(must(KeyRing::read(beta.file)).unseal(by_new_key)).view() == "s3cret");
    CHECK(must(KeyRing::read(beta.file)).size() == 1);
}

TEST_CASE("the keys lie in the store as nobody without the authority's key can read them")
{
    store::MemoryStore store({.boot = "this boot", .now = site::boot_now});
    Holder alpha(store, new_authority()), stranger(store, new_authority());
    REQUIRE(alpha.keys.take());
    const auto file = must(framework::configuration::read_key_file(alpha.file));
    const std::string_view key = file.view().substr(file.view().rfind(' ') + 1, 32);
    for (const store::Entry& entry : must(store.list("", {}, 100)))
        CHECK(entry.value.find(key) == std::string::npos);
    CHECK(stranger.keys.take().error().kind == ErrorKind::corrupt);
    CHECK(framework::configuration::read_key_file(stranger.file).error().kind == ErrorKind::not_found);

    for (const char* damage : {"{}", "[]", R"({"sealed": "AAAA"})", R"({"sealed": "not base64!"})"}) {
        must(store.commit({.when = {}, .then = {{.key = "site/configuration-keys", .value = damage}}}));
        CHECK_MESSAGE(alpha.keys.take().error().kind == ErrorKind::corrupt, damage);
    }
}

}  // namespace
}  // namespace belay::daemon
