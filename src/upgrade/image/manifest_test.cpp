// What an image says of itself, and the versions in it.

#include "upgrade/image/manifest.h"

#include "host/real.h"
#include "upgrade/image/packages.h"
#include "upgrade/image/testing/sample.h"

namespace belay::upgrade::image {
namespace {

Version version(std::string_view text)
{
    return must(parse_version(text));
}

std::string draft_error(std::string_view text)
{
    const auto draft = read_draft(text);
    return draft ? "" : draft.error().what;
}

std::string with_line(std::string_view line)
{
    return "name = \"shop\"\nversion = \"2.0\"\n" + std::string(line) + "\n";
}

}  // namespace

TEST_CASE("versions are in the order that dpkg has them in")
{
    const std::vector<std::string> rising = {
        "0~",    "0",     "0.9", "1.0~~", "1.0~beta2", "1.0~rc1", "1.0",       "1.0a", "1.0b",
        "1.0+1", "1.0.1", "1.2", "1.9",   "1.10",      "1.10a",   "1.10.0.10", "2",    "16.9.2.0.2433"};
    const std::unique_ptr<host::Host> host = host::real_host();
    for (size_t i = 0; i < rising.size(); ++i) {
        for (size_t j = 0; j < rising.size(); ++j) {
            CHECK_MESSAGE(compare(version(rising[i]), version(rising[j])) == (i <=> j), rising[i], " and ",
                          rising[j]);
            if (j != i + 1) continue;
            const auto said =
                must(host->run({.argv = {"dpkg", "--compare-versions", rising[i], "lt", rising[j]}}));
            CHECK_MESSAGE(said.exit_code == 0, rising[i], " < ", rising[j]);
        }
    }
    CHECK(compare(version("1.0"), version("1.00")) == 0);
    CHECK(version("1.0") != version("1.00"));
    CHECK(compare(version("123456789012345678901234567890"), version("123456789012345678901234567891")) < 0);
}

TEST_CASE("what is no version is said to be none")
{
    for (const char* text : {"", "v2", ".1", "1:2", "1-2", "1/2", "1 2", "../1", "1\n", "1_0"})
        CHECK(!parse_version(text));
    CHECK(!parse_version(std::string(65, '1')));
    CHECK(parse_version(std::string(64, '1')));
}

TEST_CASE("a version fits a list of ranges where it fits one of them")
{
    const VersionRanges ranges = must(VersionRanges::of({">=1.0 <2.0~", "=2.1", ">3  <=4"}));
    for (const char* fits : {"1.0", "1.00", "1.99", "2.1", "3.0.1", "4"}) CHECK(ranges.admit(version(fits)));
    for (const char* not_in : {"0.9", "1.0~rc1", "2.0~rc1", "2.0", "2.1.1", "3", "4.0.1"})
        CHECK(!ranges.admit(version(not_in)));
    CHECK(VersionRanges().admit(version("1")));
    CHECK(!must(VersionRanges::of({"none"})).admit(version("1")));
    for (const char* text : {"", "1.0", ">1,<2", "=>1", "> 1", "<", "==1", "none <2"})
        CHECK(!VersionRanges::of({text}));
    CHECK(!VersionRanges::of({}));
    CHECK(!VersionRanges::of({"none", "=1"}));
}

TEST_CASE("the newer version says what it upgrades from, the one that is left what it goes back to")
{
    Manifest one, two;
    one.name = two.name = "shop";
    one.version = {"1.0"};
    two.version = {"2.0"};
    CHECK(may_replace(one, two));
    CHECK(may_replace(two, one));
    one.upgrades_from = one.downgrades_to = must(VersionRanges::of({"none"}));
    CHECK(may_replace(one, two));
    CHECK(may_replace(two, one));
    two.upgrades_from = must(VersionRanges::of({">=1.5"}));
    two.downgrades_to = must(VersionRanges::of({">=1.9 <2", "=1.7"}));
    CHECK(may_replace(one, two).error().what == "shop 2.0 may not replace 1.0: it upgrades from >=1.5");
    CHECK(may_replace(two, one).error().what ==
          "shop 2.0 may not be replaced by 1.0: it can go back to >=1.9 <2, or =1.7");
    two.name = "other";
    CHECK(may_replace(one, two).error().what == "other 2.0 is another image than shop");
}

TEST_CASE("an image.toml that is wrong says what and where")
{
    CHECK(draft_error(with_line("")).empty());
    CHECK(draft_error("name = \"shop\"\n") == "image.toml:1:1: the key \"version\" is missing");
    CHECK(draft_error(with_line("versoin = \"1\"")) ==
          "image.toml:3:1: there is no key \"versoin\" here, did you mean \"version\"?");
    CHECK(draft_error(with_line("size = 4")) ==
          "image.toml:3:1: \"size\" is filled in when the image is built; leave it out");
    CHECK(draft_error(with_line("build = 4711")) ==
          "image.toml:3:1: \"build\" is a number; it must be a text, in quotes");
    CHECK(draft_error(with_line("summary = \"a\\nb\"")) ==
          "image.toml:3:1: \"summary\" must be UTF-8 without control characters");
    CHECK(draft_error(with_line("upgrades_from = []")).find("image.toml:3:1: an empty list of versions") ==
          0);
    CHECK(draft_error(with_line("upgrades_from = [\"2\"]")).find("\"2\" is no range of versions") !=
          std::string::npos);
    CHECK(draft_error(with_line("[entry]\nshop = \"/bin/sh\"")) ==
          "image.toml:4:1: \"/bin/sh\" is no name in an image: it is absolute");
    CHECK(draft_error(with_line("[hooks]\ncheck = []")) ==
          "image.toml:4:1: \"check\" is empty; it is a program with its arguments");
    CHECK(draft_error(with_line("[hooks]\nchekc = [\"a\"]")).find("did you mean \"check\"?") !=
          std::string::npos);
    CHECK(draft_error("name = ").find("this is no TOML") != std::string::npos);
    CHECK(draft_error("name = \"Shop\"\nversion = \"1\"").find("is no name of an image") !=
          std::string::npos);
    CHECK(draft_error(std::string(70'000, '\n')) == "image.toml is larger than 64 KiB");
}

TEST_CASE("the examples of docs/images.md are read")
{
    const std::filesystem::path folder = std::filesystem::path(__FILE__).parent_path();
    const std::string page = file_text((folder / "../../../docs/images.md").string());
    std::vector<std::string> examples;
    for (size_t begin = page.find("```toml\n"); begin != std::string::npos;
         begin = page.find("```toml\n", begin)) {
        begin += 8;
        examples.push_back(page.substr(begin, page.find("```", begin) - begin));
    }
    REQUIRE(examples.size() == 2);
    const Draft draft = must(read_draft(examples[0]));
    CHECK(draft.root == "stage");
    CHECK(draft.manifest.downgrades_to.admit({"1.9"}));
    CHECK(draft.manifest.health == std::vector<std::string>{"bin/shop-health"});
    CHECK(must(packages_of(examples[1])).at("shop").is_uncommitted());
}

TEST_CASE("an image of a newer format is said to be one")
{
    const auto newer = read_manifest("format = 2\nstyle = \"new\"\n");
    REQUIRE(!newer);
    CHECK(newer.error().kind == ErrorKind::version);
    CHECK(!read_manifest("format = 0\n"));
    CHECK(!read_manifest(with_line("")));
}

}  // namespace belay::upgrade::image
