// An image from its folder to an installed version, and each way in which that can be refused.

#include "host/real.h"
#include "upgrade/image/expansion.h"
#include "upgrade/image/folder_tree.h"
#include "upgrade/image/testing/sample.h"

namespace belay::upgrade::image {
namespace {

Result<Expanded> expand_shop(const Workshop& shop, const std::string& image)
{
    return expand(image, shop.trusted, shop.library(), {}, Bytes{0});
}

}  // namespace

TEST_CASE("what is built, signed and expanded is what was in the folder")
{
    const Workshop shop;
    const std::string image = shop.build_image();
    CHECK(must(verify(image, shop.trusted)).signer == "own.pem");
    const Expanded expanded = must(expand_shop(shop, image));
    CHECK(!expanded.was_there);
    CHECK(expanded.folder == shop.library() + "/shop/2.0");
    const FolderTree before = must(look_at_folder(shop.path("root"), false));
    CHECK(must(look_at_folder(expanded.folder, true)).listing.entries == before.listing.entries);
    CHECK(file_text(expanded.folder + "/bin/shop") == "#!/bin/sh\necho shop\n");
    CHECK(must(verify_installed(shop.library(), "shop", {"2.0"}, shop.trusted)).signer == "own.pem");
    CHECK(left_in(shop.library()).front() == "shop");

    CHECK(must(expand_shop(shop, image)).was_there);
    must(build([&] {
        BuildOrder order = shop.order("other.image");
        order.manifest.build = "4712";
        return order;
    }()));
    const auto other = expand_shop(shop, shop.path("other.image"));
    REQUIRE(!other);
    CHECK(other.error().kind == ErrorKind::refused);
    CHECK(must(verify_installed(shop.library(), "shop", {"2.0"}, shop.trusted)).manifest.build == "4711");
}

TEST_CASE("the manifest says what a person wrote, and what was filled in")
{
    const Workshop shop;
    const ImageFile image = must(ImageFile::open(shop.build_image()));
    const Manifest& manifest = image.manifest();
    CHECK(manifest.summary == "The \"shop\"");
    CHECK(manifest.entry == std::map<std::string, std::string>{{"shop", "bin/shop"}});
    CHECK(manifest.check == std::vector<std::string>{"bin/shop", "--check-config"});
    CHECK(manifest.size == image.listing().room());
    CHECK(manifest.size.count == 4096 * 6 + 4096 + 74 * 4096 + 4096);
    CHECK(manifest_text(must(read_manifest(manifest_text(manifest)))) == image.head().manifest);
}

TEST_CASE("the same input makes the same bytes, signed at once or later")
{
    const Workshop shop;
    const std::string first = file_text(shop.build_image("a.image"));
    CHECK(file_text(shop.build_image("b.image")) == first);
    BuildOrder unsigned_one = shop.order("c.image");
    unsigned_one.key.clear();
    must(build(unsigned_one));
    CHECK(file_text(shop.path("c.image")) != first);
    must(sign_image(shop.path("c.image"), shop.key));
    CHECK(file_text(shop.path("c.image")) == first);

    const ImageFile before = must(ImageFile::open(shop.path("c.image")));
    must(sign_image(shop.path("c.image"), shop.other_key));
    CHECK(!verify(shop.path("c.image"), shop.trusted));
    must(sign_image(shop.path("c.image"), shop.key));
    CHECK(file_text(shop.path("c.image")) == first);

    // Elsewhere, later: the clock of the files alone would tell.
    std::filesystem::create_directory(shop.path("again"));
    std::filesystem::copy(
        shop.path("root"), shop.path("again/root"),
        std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    BuildOrder again = shop.order("d.image");
    again.root = shop.path("again/root");
    again.mtime = must(look_at_folder(shop.path("root"), false)).newest;
    must(build(again));
    CHECK(file_text(shop.path("d.image")) == first);
    std::filesystem::permissions(shop.path("again/root/lib/deep"), std::filesystem::perms::owner_all);
}

TEST_CASE("what nobody who is trusted here has signed is refused, and nothing of it is left")
{
    const Workshop shop;
    BuildOrder order = shop.order();
    order.key.clear();
    must(build(order));
    const auto is_refused = [&](std::string_view says) {
        const auto expanded = expand_shop(shop, order.output);
        REQUIRE(!expanded);
        CHECK(expanded.error().kind == ErrorKind::refused);
        CHECK_MESSAGE(expanded.error().what.find(says) != std::string::npos, expanded.error().what);
        CHECK(!verify(order.output, shop.trusted));
        CHECK(left_in(shop.library()).empty());
    };
    is_refused("is not signed");
    must(sign_image(order.output, shop.other_key));
    is_refused("none of the keys");
    must(sign_image(order.output, shop.key));
    CHECK(verify(order.output, {}).error().kind == ErrorKind::refused);
    CHECK(verify(order.output, shop.trusted));
}

TEST_CASE("one byte that is altered anywhere is refused, and a file that is cut anywhere")
{
    const Workshop shop;
    const std::string image = shop.build_image(), sound = file_text(image);
    const ImageFile opened = must(ImageFile::open(image));
    const Bytes head{sound.size() - opened.manifest().body_size.count};
    size_t accepted = 0;
    const auto is_refused = [&](const std::string& bytes) {
        write_file(image, bytes);
        const auto verified = verify(image, shop.trusted);
        const auto expanded = expand_shop(shop, image);
        const bool is_nothing_left = left_in(shop.library()).empty();
        std::filesystem::remove_all(shop.library());
        return !verified && !expanded && is_nothing_left;
    };
    for (size_t at = 0; at < sound.size(); at += at < head.count ? 1 : 7) {
        for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
            std::string bytes = sound;
            bytes[at] = static_cast<char>(bytes[at] ^ flip);
            if (!is_refused(bytes)) {
                ++accepted;
                MESSAGE("byte " << at << " of " << head.count << " ^ " << flip << " was not noticed");
            }
        }
    }
    CHECK(accepted == 0);
    for (size_t size = 0; size < sound.size(); size += 1 + size / 50)
        CHECK(is_refused(sound.substr(0, size)));
    CHECK(is_refused(sound + '\0'));
    CHECK(is_refused(sound + sound));
    CHECK(is_refused("x" + sound));
    CHECK(!is_refused(sound));
}

TEST_CASE("an installed version that was altered is noticed, whatever was done to it")
{
    const Workshop shop;
    const std::string folder = must(expand_shop(shop, shop.build_image())).folder;
    const auto verified = [&] { return verify_installed(shop.library(), "shop", {"2.0"}, shop.trusted); };
    const auto undo = [&] {
        const std::unique_ptr<host::Host> host = host::real_host();
        must(remove_installed(*host, shop.library(), "shop", {"2.0"}));
        must(expand_shop(shop, shop.path("shop.image")));
        REQUIRE(verified());
    };
    REQUIRE(verified());
    const std::vector<std::pair<std::string, std::function<void()>>> ways = {
        {"was altered", [&] { write_file(folder + "/bin/shop", "#!/bin/sh\necho shoq\n", 0755); }},
        {"was altered", [&] { write_file(folder + "/bin-x", "x"); }},
        {"has mode", [&] { chmod((folder + "/bin/shop").c_str(), 0777); }},
        {"has mode", [&] { chmod((folder + "/bin/shop").c_str(), 04755); }},
        {"is missing", [&] { std::filesystem::remove(folder + "/bin-x"); }},
        {"is not of its image", [&] { write_file(folder + "/bin/more", "x"); }},
        {"another kind",
         [&] {
             std::filesystem::remove(folder + "/bin-x");
             std::filesystem::create_symlink("bin/shop", folder + "/bin-x");
         }},
        {"was altered",
         [&] {
             std::filesystem::remove(folder + "/bin/sh");
             std::filesystem::create_symlink("../bin-x", folder + "/bin/sh");
         }},
        {"no file, folder or link",
         [&] {
             std::filesystem::remove(folder + "/bin-x");
             mkfifo((folder + "/bin-x").c_str(), 0644);
         }},
        {"none of the keys",
         [&] {
             write_file(folder + "/.image/manifest.toml", file_text(folder + "/.image/manifest.toml") + "\n");
         }},
        {"is not the one",
         [&] {
             write_file(folder + "/.image/files.mtree", file_text(folder + "/.image/files.mtree") + "\n");
         }},
        {"is not signed", [&] { std::filesystem::remove(folder + "/.image/manifest.sig"); }},
    };
    for (const auto& [says, act] : ways) {
        act();
        const auto found = verified();
        REQUIRE_MESSAGE(!found, says);
        CHECK_MESSAGE((found.error().what.find(says) != std::string::npos || says == "has mode"),
                      found.error().what);
        undo();
    }
}

TEST_CASE("what an image may not have is refused in building, and no image is left")
{
    const Workshop shop;
    const std::string root = shop.path("root");
    const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> ways = {
        {"no file, folder or link", [](const std::string& path) { mkfifo(path.c_str(), 0644); }},
        {"is absolute",
         [](const std::string& path) { std::filesystem::create_symlink("/etc/passwd", path); }},
        {"leads out", [](const std::string& path) { std::filesystem::create_symlink("../shop", path); }},
        {"behind a name",
         [](const std::string& path) { std::filesystem::create_symlink("bin/../bin/shop", path); }},
        {"set-user-id", [](const std::string& path) { write_file(path, "x", 04755); }},
        {"set-user-id",
         [](const std::string& path) {
             mkdir(path.c_str(), 0755);
             chmod(path.c_str(), 01777);
         }},
    };
    for (const auto& [says, act] : ways) {
        act(root + "/wrong");
        const auto built = build(shop.order());
        REQUIRE_MESSAGE(!built, says);
        CHECK(built.error().kind == ErrorKind::refused);
        CHECK_MESSAGE(built.error().what.find(says) != std::string::npos, built.error().what);
        std::filesystem::remove(root + "/wrong");
        CHECK(!std::filesystem::exists(shop.path("shop.image")));
    }
    BuildOrder order = shop.order();
    order.manifest.entry["lost"] = "bin/lost";
    CHECK(build(order).error().what.find("bin/lost, which is not in the image") != std::string::npos);
    order = shop.order();
    order.manifest.health = {"bin-x"};
    CHECK(build(order).error().what.find("cannot be executed") != std::string::npos);
    std::filesystem::create_directory(root + "/.image");
    CHECK(build(shop.order()).error().what.find("under .image") != std::string::npos);
    std::filesystem::remove(root + "/.image");
    for (const std::string& path : paths_below(shop.folder.path()))
        CHECK(path.find(".image.") == std::string::npos);
    CHECK(build(shop.order()));
}

TEST_CASE("who stops an expansion in the midst of it finds nothing of it")
{
    const Workshop shop;
    const std::string image = shop.build_image();
    size_t calls = 0;
    must(expand(
        image, shop.trusted, shop.path("counted"),
        [&](Bytes done, Bytes total) -> Result<void> {
            ++calls;
            CHECK(done <= total);
            return {};
        },
        Bytes{0}));
    REQUIRE(calls > 4);
    for (size_t stop = 1; stop <= calls; ++stop) {
        size_t call = 0;
        const auto expanded = expand(
            image, shop.trusted, shop.library(),
            [&](Bytes, Bytes) -> Result<void> {
                if (++call == stop) return fail(ErrorKind::failed, "stopped");
                return {};
            },
            Bytes{0});
        REQUIRE(!expanded);
        CHECK(expanded.error().what == "stopped");
        CHECK(left_in(shop.library()).empty());
    }
}

TEST_CASE("a library without room refuses before it writes")
{
    const Workshop shop;
    const auto expanded =
        expand(shop.build_image(), shop.trusted, shop.library(), {}, Bytes{uint64_t{1} << 60});
    REQUIRE(!expanded);
    CHECK(expanded.error().kind == ErrorKind::no_space);
    CHECK(!std::filesystem::exists(shop.library()));
}

}  // namespace belay::upgrade::image
