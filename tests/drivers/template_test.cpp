// The driver that people copy, asked as Belay asks any.

#include "daemon/testing/run.h"
#include "host/real.h"
#include "store/scratch_folder.h"
#include "upgrade/driver/driver_program.h"

namespace belay {
namespace {

using upgrade::driver::DriverProgram;
using upgrade::driver::Role;
using upgrade::driver::Verb;

class FilePair {
  public:
    FilePair()
    {
        write('a', "active");
        write('b', "standby");
    }
    void write(char member, const char* word) const { std::ofstream(path(member)) << word << '\n'; }
    std::vector<std::string> words(char member) const
    {
        return {TEST_TEMPLATE, "--role-file", path(member), "--peer-file", path(member == 'a' ? 'b' : 'a')};
    }
    DriverProgram driver(char member)
    {
        return {*host_, {.argv = words(member), .image_folder = "/opt/x", .image_version = "2.0"}};
    }

  private:
    std::string path(char member) const { return folder_ / std::string(1, member); }

    store::ScratchFolder folder_;
    std::unique_ptr<host::Host> host_ = host::real_host();
};

TEST_CASE("the template moves a pair, and refuses what it should")
{
    FilePair pair;
    auto a = pair.driver('a'), b = pair.driver('b');
    auto look = a.look();
    REQUIRE(look.has_value());
    CHECK(look->role == Role::active);
    CHECK(look->hot);
    CHECK(look->version == "2.0");

    const auto serves = a.restart();
    REQUIRE_FALSE(serves.has_value());
    CHECK(serves.error().kind == ErrorKind::refused);
    CHECK(serves.error().what.ends_with("this member serves; stand-by comes first"));
    CHECK(b.restart().has_value());
    CHECK(b.stand_by().has_value());
    CHECK(a.commands(Verb::stand_by)->size() == 2);
    CHECK(a.stand_by().has_value());
    CHECK(a.stand_by().has_value());
    CHECK(a.look()->role == Role::standby);
    CHECK(b.look()->role == Role::active);

    INFO("killed between giving up and the peer's turn");
    pair.write('b', "standby");
    CHECK_FALSE(a.look()->hot);
    CHECK(a.stand_by().has_value());
    CHECK(b.look()->role == Role::active);

    pair.write('a', "gone");
    CHECK(b.stand_by().error().what.ends_with("the peer does not answer"));
    pair.write('a', "active");
    CHECK(b.stand_by().error().what.ends_with("both serve: a person must decide which one is right"));
    CHECK(b.take_over().error().kind == ErrorKind::usage);
}

TEST_CASE("belay-driver check says how a driver of one's own looks, and what it would run")
{
    const FilePair pair;
    std::vector<std::string> words = pair.words('b');
    words.insert(words.begin(), {TEST_DRIVER, "check", "--"});
    const auto checked = daemon::testing::run_to_end(words);
    CHECK(checked.code == 0);
    CHECK(checked.said.starts_with("standby, hot: stands by\nstand-by:\n  echo standby > "));
    const auto nothing = daemon::testing::run_to_end({TEST_DRIVER, "check", "--", "/bin/echo", "{}"});
    CHECK(nothing.code == 1);
    CHECK(nothing.said.starts_with("belay-driver: the driver's look is no JSON object"));
    CHECK(daemon::testing::run_to_end({TEST_DRIVER, "check"}).code == 2);
}

}  // namespace
}  // namespace belay
