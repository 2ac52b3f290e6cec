#include "site/identity/identity.h"

#include "base/testing/must.h"
#include "host/files.h"
#include "site/identity/authority_file.h"
#include "site/identity/for_controllers.h"
#include "site/identity/membership_file.h"
#include "store/memory.h"
#include "store/scratch_folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;

constexpr const char* site_name = "0123456789abcdef";
constexpr Milliseconds issued_at = 1'800'000'000s;

TEST_CASE("a certificate says whom it speaks for, and from when to when")
{
    const Authority authority = must(Authority::make(site_name, issued_at));
    const std::string request = must(make_request(must(make_key())));
    const Identity identity{site_name, Role::agent, "7"};
    const Certificate issued = must(authority.issue(request, identity, issued_at, 24h));
    CHECK(issued.identity == identity);
    CHECK(issued.not_before == issued_at - Authority::clocks_may_differ);
    CHECK(issued.not_after == issued_at + 24h);
    CHECK(must(read_certificate(issued.pem)).fingerprint == issued.fingerprint);
    CHECK(read_certificate(authority.certificate_pem()).error().kind == ErrorKind::corrupt);
}

TEST_CASE("only a request that its own key for P-256 has signed gets a certificate")
{
    const Authority authority = must(Authority::make(site_name, issued_at));
    const Identity identity{site_name, Role::agent, "7"};
    std::string request = must(make_request(must(make_key())));
    request[request.size() / 2] = request[request.size() / 2] == 'A' ? 'B' : 'A';
    for (const std::string& wrong :
         {std::string(), std::string("no request"), request, std::string(20'000, 'x')})
        CHECK(authority.issue(wrong, identity, issued_at, 24h).error().kind == ErrorKind::corrupt);
}

TEST_CASE("what is no identity of a site is not taken for one")
{
    for (const std::string uri :
         {"", "belay://", "belay://0123456789abcdef/agent", "belay://0123456789abcdef/agent/",
          "http://x/agent/7", "belay://0123456789ABCDEF/agent/7", "belay://0123/agent/7",
          "belay://0123456789abcdef/king/7", "belay://0123456789abcdef/agent/7/8",
          "belay://0123456789abcdef/agent/x", "belay://0123456789abcdef/agent/12345678901234567890"})
        CHECK(identity_of(uri).error().kind == ErrorKind::corrupt);
    CHECK(must(identity_of("belay://0123456789abcdef/proxy/12")) == Identity{site_name, Role::proxy, "12"});
}

TEST_CASE("a membership is kept for its owner's eyes, and its key is made once until it has a certificate")
{
    const store::ScratchFolder folder;
    const MembershipFile file(folder.path());
    CHECK(!must(file.read()));
    const std::string key = must(file.next_key());
    CHECK(must(file.next_key()) == key);
    const Authority authority = must(Authority::make(site_name, issued_at));
    Membership membership;
    membership.identity = {site_name, Role::agent, "7"};
    membership.name = "alpha";
    membership.controllers = {"10.0.0.1:4880"};
    membership.authority_pem = authority.certificate_pem();
    membership.key_pem = key;
    must(file.write(membership));
    const Membership read = *must(file.read());
    CHECK(read.identity == membership.identity);
    CHECK(read.controllers == membership.controllers);
    CHECK(read.key_pem == key);
    CHECK(must(file.next_key()) != key);
    for (const char* path : {"site", "site/membership.json", "site/next-key.pem"}) {
        struct stat status = {};
        REQUIRE(stat((folder / path).c_str(), &status) == 0);
        CHECK((status.st_mode & 077) == 0);
    }
    must(host::files::replace(folder / "site/membership.json", "{\"identity\": 7}"));
    CHECK(file.read().error().kind == ErrorKind::corrupt);
    membership.controllers.clear();
    must(file.write(membership));
    CHECK(file.read().error().what.ends_with("it names no controller"));
    must(file.remove());
    CHECK(!must(file.read()));
}

TEST_CASE("a store without a site gets one, and a machine without its key serves it not")
{
    const store::ScratchFolder folder, elsewhere;
    store::MemoryStore store({.boot = "this boot", .now = [] { return Milliseconds(1); }});
    const SiteAuthority made = must(open_authority(folder.path(), store, issued_at));
    CHECK(made.site.size() == site_digits);
    CHECK(must(open_authority(folder.path(), store, issued_at)).site == made.site);
    CHECK(open_authority(elsewhere.path(), store, issued_at).error().kind == ErrorKind::permission);
    must(keep_authority(elsewhere.path(), made.site, made.authority));
    CHECK(must(open_authority(elsewhere.path(), store, issued_at)).site == made.site);
    // The key is on the disk, and nowhere else.
    for (const store::Entry& entry : must(store.list("", {}, 100)))
        CHECK(entry.value.find("PRIVATE KEY") == std::string::npos);
}

TEST_CASE("a certificate is of the site where its authority has made it for one who dials, whatever it says")
{
    const Authority authority = must(Authority::make(site_name, issued_at));
    const Authority other = must(Authority::make(site_name, issued_at));
    const std::string request = must(make_request(must(make_key())));
    const Identity identity{site_name, Role::agent, "7"};
    const std::string good = must(authority.issue(request, identity, issued_at, 24h)).pem;
    CHECK(check_issued(good, authority.certificate_pem()));
    // Its time is for others to look at.
    CHECK(check_issued(must(authority.issue(request, identity, 1000s, 1s)).pem, authority.certificate_pem()));
    CHECK(check_issued(must(other.issue(request, identity, issued_at, 24h)).pem, authority.certificate_pem())
              .error()
              .kind == ErrorKind::permission);
    // Authorities are no members, and a certificate that was changed is none.
    CHECK(!check_issued(other.certificate_pem(), authority.certificate_pem()));
    std::string changed = good;
    char& one = changed[changed.size() / 2];
    one = one == 'A' ? 'B' : 'A';
    CHECK(!check_issued(changed, authority.certificate_pem()));
    CHECK(check_issued("", authority.certificate_pem()).error().kind == ErrorKind::corrupt);
    CHECK(check_issued(good, "").error().kind == ErrorKind::corrupt);
}

TEST_CASE("what controllers share is opened by those that have the key of the authority, and by nobody else")
{
    const Authority authority = must(Authority::make(site_name, issued_at));
    const std::string sealed = seal_for_controllers(authority, "belay-key x25519 AAAA");
    CHECK(sealed.find("x25519") == std::string::npos);
    CHECK(seal_for_controllers(authority, "belay-key x25519 AAAA") != sealed);
    CHECK(must(unseal_for_controllers(authority, sealed)) == "belay-key x25519 AAAA");
    CHECK(must(unseal_for_controllers(authority, seal_for_controllers(authority, ""))).empty());
    const Authority other = must(Authority::make(site_name, issued_at));
    CHECK(unseal_for_controllers(other, sealed).error().kind == ErrorKind::corrupt);
    std::string changed = sealed;
    changed[40] = changed[40] == 'A' ? 'B' : 'A';
    for (const std::string& wrong : {changed, std::string(), std::string("AAAA"), std::string("no base64!")})
        CHECK(unseal_for_controllers(authority, wrong).error().kind == ErrorKind::corrupt);
}

}  // namespace
}  // namespace belay::site
