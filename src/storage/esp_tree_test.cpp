#include "storage/esp_tree.h"

#include "base/testing/must.h"

using namespace belay;
using namespace belay::storage::esp;

namespace {

/// A digest of one digit, and a path, as sha256sum prints them.
std::string line(char digit, std::string_view path)
{
    return fmt::format("{}  {}\n", std::string(64, digit), path);
}

/// A tree of files whose digests begin with what stands behind the path.
Tree tree(const std::vector<std::pair<std::string, char>>& files)
{
    std::string text;
    for (const auto& [path, digit] : files) text += line(digit, "/boot/efi/" + path);
    return must(tree_in(text, "/boot/efi"));
}

std::vector<std::string> added(const Tree& source)
{
    std::vector<std::string> paths;
    for (const auto& [key, file] : wanted_copy(source)) {
        if (!source.contains(key)) paths.push_back(fmt::format("{} from {}", file.path, file.from.path));
    }
    return paths;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("GRUB alone goes to the firmware's own place")
{
    CHECK(added(tree({{"EFI/debian/grubx64.efi", 'a'}})) ==
          Texts{"EFI/BOOT/BOOTX64.EFI from EFI/debian/grubx64.efi"});
    CHECK(added(tree({{"EFI/debian/grubaa64.efi", 'a'}})) ==
          Texts{"EFI/BOOT/BOOTAA64.EFI from EFI/debian/grubaa64.efi"});
    CHECK(added(tree({{"EFI/systemd/systemd-bootx64.efi", 'a'}})) ==
          Texts{"EFI/BOOT/BOOTX64.EFI from EFI/systemd/systemd-bootx64.efi"});
}

TEST_CASE("shim goes there with what it starts, and without its fallback, which would reset the machine")
{
    CHECK(added(tree({{"EFI/debian/shimx64.efi", 'a'},
                      {"EFI/debian/grubx64.efi", 'b'},
                      {"EFI/debian/mmx64.efi", 'c'},
                      {"EFI/debian/fbx64.efi", 'd'}})) ==
          Texts{"EFI/BOOT/BOOTX64.EFI from EFI/debian/shimx64.efi",
                "EFI/BOOT/grubx64.efi from EFI/debian/grubx64.efi",
                "EFI/BOOT/mmx64.efi from EFI/debian/mmx64.efi"});
}

TEST_CASE("what is there already, in whatever case, is left alone; without a loader nothing is added")
{
    CHECK(added(tree({{"EFI/debian/grubx64.efi", 'a'}, {"efi/Boot/bootx64.efi", 'b'}})).empty());
    CHECK(added(tree({{"EFI/debian/grub.cfg", 'a'}})).empty());
    CHECK_FALSE(starts_by_itself(tree({{"EFI/debian/grubx64.efi", 'a'}})));
    CHECK(starts_by_itself(tree({{"EFI/Boot/bootia32.efi", 'b'}})));
}

TEST_CASE("a copy differs by what it lacks and what is another, not by what it has besides")
{
    const Tree source = tree({{"EFI/debian/grubx64.efi", 'a'}, {"EFI/BOOT/BOOTX64.EFI", 'a'}, {"x", 'c'}});
    CHECK(differences(wanted_copy(source), source).empty());
    const Tree copy =
        tree({{"efi/DEBIAN/grubx64.efi", 'b'}, {"EFI/BOOT/BOOTX64.EFI", 'a'}, {"FSCK0000.REC", 'd'}});
    CHECK(differences(wanted_copy(source), copy) ==
          Texts{"EFI/debian/grubx64.efi is another", "x is missing"});
}

TEST_CASE("what find and sha256sum print is read whole or refused")
{
    const std::string whole = line('a', "/boot/efi/EFI/a b");
    CHECK(must(tree_in(whole, "/boot/efi")).at("efi/a b").path == "EFI/a b");
    CHECK(must(tree_in("", "/boot/efi")).empty());
    CHECK_FALSE(tree_in(whole.substr(0, whole.size() - 1), "/boot/efi").has_value());
    CHECK_FALSE(tree_in(whole, "/boot/efi2").has_value());
    CHECK_FALSE(tree_in(line('a', "/boot/efi/"), "/boot/efi").has_value());
    CHECK_FALSE(tree_in(line('x', "/boot/efi/a"), "/boot/efi").has_value());
}
