// A host's library of versions and its packages.conf, on simulated hosts where a small file is all there is
// to it.

#include "host/faulty.h"
#include "host/real.h"
#include "host/simulated.h"
#include "upgrade/image/expansion.h"
#include "upgrade/image/testing/sample.h"

#include <fcntl.h>
#include <sys/file.h>

namespace belay::upgrade::image {
namespace {

constexpr const char* simulated_library = "/var/lib/belay-images";

void put_version(host::SimulatedHost& host, const std::string& name, const std::string& version)
{
    Manifest manifest;
    manifest.name = name;
    manifest.version = {version};
    manifest.size = Bytes{4096};
    manifest.files = manifest.body = sha256("");
    host.change([&](host::Machine& machine) {
        machine.put_file(version_folder(simulated_library, name, {version}) + "/.image/manifest.toml",
                         manifest_text(manifest));
    });
}

std::vector<std::string> states(host::Host& host)
{
    std::vector<std::pair<std::string, Version>> installed;
    for (const Installed& each : must(list_installed(host, simulated_library)))
        installed.emplace_back(each.manifest.name, each.manifest.version);
    std::vector<std::string> lines;
    for (const SummaryLine& line : summary(installed, must(read_packages(host, simulated_library))))
        lines.push_back(fmt::format("{} {} {}{}", letter_of(line.state), line.name, line.version.text,
                                    line.is_installed ? "" : " missing"));
    return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the states of the versions go the way of an upgrade")
{
    host::SimulatedHost host;
    CHECK(states(host).empty());
    put_version(host, "shop", "1.10");
    put_version(host, "shop", "1.9");
    put_version(host, "desk", "3");
    CHECK(states(host) == Lines{"I desk 3", "I shop 1.9", "I shop 1.10"});
    must(write_packages(host, simulated_library, {{"shop", {{"1.9"}, {"1.9"}}}}));
    CHECK(states(host) == Lines{"I desk 3", "C shop 1.9", "I shop 1.10"});
    must(write_packages(host, simulated_library, {{"shop", {{"1.10"}, {"1.9"}}}}));
    CHECK(states(host) == Lines{"I desk 3", "D shop 1.9", "U shop 1.10"});
    must(write_packages(host, simulated_library, {{"shop", {{"1.10"}, {"1.10"}}}}));
    CHECK(states(host) == Lines{"I desk 3", "I shop 1.9", "C shop 1.10"});
    must(write_packages(host, simulated_library, {{"shop", {{"2"}, {"1.10"}}}}));
    CHECK(states(host) == Lines{"I desk 3", "I shop 1.9", "D shop 1.10", "U shop 2 missing"});
    CHECK(name_of(State::deactivated_uncommitted) == "deactivated & uncommitted");
}

TEST_CASE("at every fault packages.conf says what it said before, or what it was to say")
{
    const Packages before = {{"shop", {{"1.0"}, {"1.0"}}}}, after = {{"shop", {{"2.0"}, {"1.0"}}}};
    for (const auto kind : {host::Fault::Kind::refuse, host::Fault::Kind::lost, host::Fault::Kind::dead}) {
        host::SimulatedHost machine;
        put_version(machine, "shop", "1.0");
        must(write_packages(machine, simulated_library, before));
        host::FaultyHost host(machine, host::Fault{kind, 1});
        CHECK(!write_packages(host, simulated_library, after));
        CHECK(must(read_packages(machine, simulated_library)) ==
              (kind == host::Fault::Kind::lost ? after : before));
    }
}

TEST_CASE("a packages.conf that is damaged is not taken for another one")
{
    CHECK(must(packages_of("")).empty());
    for (const char* text :
         {"shop = \"1.0\"", "[shop]\nruns = \"1.0\"", "[shop]\nruns = \"1.0\"\ncommitted = 1",
          "[shop]\nruns = \"1.0\"\ncommitted = \"../2\"", "[\"../x\"]\nruns = \"1\"\ncommitted = \"1\"",
          "[shop]\nruns = \"1\"\ncommitted = \"1\"\nmore = \"1\"", "[shop\n"}) {
        const auto packages = packages_of(text);
        REQUIRE_MESSAGE(!packages, text);
        CHECK(packages.error().kind == ErrorKind::corrupt);
        CHECK(packages.error().what.find("packages.conf:") == 0);
    }
    const Packages packages = {{"desk", {{"3"}, {"3"}}}, {"shop", {{"2.0"}, {"1.0"}}}};
    CHECK(must(packages_of(packages_text(packages))) == packages);
}

TEST_CASE("a version whose manifest is damaged is told, and the others are listed")
{
    host::SimulatedHost host;
    put_version(host, "shop", "1.0");
    put_version(host, "shop", "2.0");
    host.change([](host::Machine& machine) {
        machine.put_file("/var/lib/belay-images/shop/2.0/.image/manifest.toml", "format = ");
        machine.put_file("/var/lib/belay-images/shop/3.0/bin/shop", "no image at all");
        machine.put_file("/var/lib/belay-images/.shop-4.0.abcdef/bin/shop", "on its way");
    });
    std::vector<Error> problems;
    CHECK(must(list_installed(host, simulated_library, &problems)).size() == 1);
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].kind == ErrorKind::corrupt);
    CHECK(problems[1].kind == ErrorKind::not_found);
}

TEST_CASE("room is asked for where the library is, or is to be")
{
    host::SimulatedHost host;
    host.change([](host::Machine& machine) { machine.room.free = Bytes{1000}; });
    CHECK(check_space(host, simulated_library, Bytes{600}, Bytes{400}));
    CHECK(check_space(host, simulated_library, Bytes{601}, Bytes{400}).error().kind == ErrorKind::no_space);
    CHECK(!check_space(host, simulated_library, Bytes{~uint64_t{0}}, Bytes{~uint64_t{0}}));
}

TEST_CASE("what runs or is committed is not removed; what does neither goes whole")
{
    const Workshop shop;
    const std::unique_ptr<host::Host> host = host::real_host();
    must(expand(shop.build_image(), shop.trusted, shop.library(), {}, Bytes{0}));
    const Version version{"2.0"};
    for (const Package& package :
         {Package{{"2.0"}, {"1.0"}}, Package{{"1.0"}, {"2.0"}}, Package{{"2.0"}, {"2.0"}}}) {
        must(write_packages(*host, shop.library(), {{"shop", package}}));
        const auto removed = remove_installed(*host, shop.library(), "shop", version);
        REQUIRE(!removed);
        CHECK(removed.error().kind == ErrorKind::refused);
        CHECK(verify_installed(shop.library(), "shop", version, shop.trusted));
    }
    must(write_packages(*host, shop.library(), {{"shop", {{"1.0"}, {"1.0"}}}}));
    must(remove_installed(*host, shop.library(), "shop", version));
    CHECK(left_in(shop.library()) == Lines{"shop"});
    must(remove_installed(*host, shop.library(), "shop", version));
    CHECK(verify_installed(shop.library(), "shop", version, shop.trusted).error().kind ==
          ErrorKind::not_found);
    must(expand(shop.path("shop.image"), shop.trusted, shop.library(), {}, Bytes{0}));
}

TEST_CASE("leftovers are removed, but for those in which somebody works")
{
    const Workshop shop;
    CHECK(must(leftovers(shop.library())).empty());
    const std::string left = shop.library() + "/.shop-1.0.abcdef",
                      held = shop.library() + "/.shop-1.1.abcdef";
    write_file(left + "/bin/shop", "x");
    write_file(held + "/bin/shop", "x");
    write_file(shop.library() + "/.packages.conf.belay", "x");
    REQUIRE(chmod((left + "/bin").c_str(), 0555) == 0);
    {
        const host::Descriptor works(open(held.c_str(), O_RDONLY | O_DIRECTORY));
        REQUIRE(flock(works.number(), LOCK_EX) == 0);
        CHECK(must(leftovers(shop.library())) == Lines{left});
        CHECK(must(remove_leftovers(shop.library())) == Lines{left});
        CHECK(std::filesystem::exists(held + "/bin/shop"));
    }
    CHECK(must(remove_leftovers(shop.library())) == Lines{held});
    CHECK(left_in(shop.library()) == Lines{".packages.conf.belay"});
}

}  // namespace belay::upgrade::image
