#include "storage/fstab.h"

#include "base/testing/must.h"

using namespace belay;
using namespace belay::storage::fstab;
using Kind = Edit::Kind;

namespace {

// As Debian's installer writes it, with what people add: a comment within, blanks before, a path with a
// space, no end of the last line.
constexpr const char* typical =
    "# /etc/fstab: static file system information.\n"
    "#\n"
    "UUID=1111-2222\t/boot/efi  vfat\tumask=0077\t0\t1\n"
    "\n"
    "  /dev/md0 / ext4 errors=remount-ro 0 1\n"
    "LABEL=a\\040disk /srv/my\\040data xfs defaults,noatime,context=\"a,b\" 0 2\n"
    "/swapfile none swap sw 0 0\n"
    "tmpfs /tmp tmpfs";

std::string must_edit(std::string_view text, const std::vector<Edit>& edits)
{
    return must(edited(text, edits));
}

}  // namespace

TEST_CASE("the lines that mount something are read, whatever stands between them")
{
    const std::vector<Line> lines = parse(typical);
    REQUIRE(lines.size() == 5);
    CHECK(lines[0].spec == "UUID=1111-2222");
    CHECK(lines[0].target == "/boot/efi");
    CHECK(lines[0].options == std::vector<std::string>{"umask=0077"});
    CHECK(lines[1].target == "/");
    CHECK(lines[2].spec == "LABEL=a disk");
    CHECK(lines[2].target == "/srv/my data");
    CHECK(lines[2].options == std::vector<std::string>{"defaults", "noatime", "context=\"a,b\""});
    CHECK(lines[2].has("noatime"));
    CHECK_FALSE(lines[2].has("b\""));
    CHECK(lines[4].options.empty());
    CHECK(parse("").empty());
    CHECK(parse("one two\n#a b c d\n\\04 x\n").empty());
}

TEST_CASE("an edit changes its own line, and every other byte stays")
{
    const std::string text =
        must_edit(typical, {{Kind::add_option, "/boot/efi", "nofail"},
                            {Kind::append, "/boot/efi2", "PARTUUID=x /boot/efi2 vfat a 0 2"}});
    std::string wanted = typical;
    wanted.replace(wanted.find("umask=0077"), 10, "umask=0077,nofail");
    CHECK(text == wanted + "\nPARTUUID=x /boot/efi2 vfat a 0 2\n");

    std::string moved = typical;
    moved.replace(moved.find("UUID=1111-2222"), 14, "PARTUUID=new");
    CHECK(must_edit(typical, {{Kind::set_spec, "/boot/efi", "PARTUUID=new"}}) == moved);

    const std::string line = "  /dev/md0 / ext4 errors=remount-ro 0 1\n";
    std::string dropped = typical;
    dropped.erase(dropped.find(line), line.size());
    CHECK(must_edit(typical, {{Kind::drop, "/"}}) == dropped);
}

TEST_CASE("a line of three fields gets a fourth")
{
    CHECK(must_edit("tmpfs /tmp tmpfs", {{Kind::add_option, "/tmp", "nofail"}}) == "tmpfs /tmp tmpfs nofail");
}

TEST_CASE("an edit that is made already changes nothing")
{
    const std::vector<Edit> edits = {{Kind::add_option, "/boot/efi", "nofail"},
                                     {Kind::append, "/boot/efi2", "PARTUUID=x /boot/efi2 vfat a 0 2"}};
    const std::string once = must_edit(typical, edits);
    CHECK(must_edit(once, edits) == once);
    CHECK(must_edit(typical, {{Kind::drop, "/nowhere"}}) == typical);
}

TEST_CASE("an edit that finds another line, or none, is refused")
{
    const auto taken = edited("A /boot/efi2 vfat x\n", {{Kind::append, "/boot/efi2", "B /boot/efi2 vfat x"}});
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == ErrorKind::refused);
    CHECK(taken.error().what == "/etc/fstab has another line for /boot/efi2 already: A /boot/efi2 vfat x");
    const auto none = edited("A / ext4 x\n", {{Kind::add_option, "/boot/efi", "nofail"}});
    REQUIRE_FALSE(none);
    CHECK(none.error().what == "/etc/fstab has no line for /boot/efi");
}
