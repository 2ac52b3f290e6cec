// Images that somebody made to do harm: signed with a trusted key, so that nothing but the rules stands
// against them.

#include "upgrade/image/expansion.h"
#include "upgrade/image/frames.h"
#include "upgrade/image/libarchive.h"
#include "upgrade/image/tar.h"
#include "upgrade/image/testing/sample.h"

#include <fcntl.h>

namespace belay::upgrade::image {
namespace {

/// One entry of a body, as libarchive is told of it.
struct Planted {
    std::string path;
    unsigned type = AE_IFREG;
    mode_t mode = 0644;
    std::string content = {}, target = {}, hard_link = {};
};

la_ssize_t keep_bytes(archive*, void* into, const void* bytes, size_t size)
{
    static_cast<std::string*>(into)->append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
}

std::string archive_of(const std::vector<Planted>& entries)
{
    std::string text;
    const ArchiveReader made(::archive_write_new(), ::archive_write_free);
    ::archive_write_set_format_gnutar(made.get());
    ::archive_write_set_bytes_in_last_block(made.get(), 1);
    ::archive_write_open(made.get(), &text, nullptr, keep_bytes, nullptr);
    for (const Planted& each : entries) {
        const ArchiveEntry entry(::archive_entry_new(), ::archive_entry_free);
        ::archive_entry_copy_pathname(entry.get(), each.path.c_str());
        ::archive_entry_set_filetype(entry.get(), each.type);
        ::archive_entry_set_perm(entry.get(), each.mode);
        if (each.type == AE_IFREG)
            ::archive_entry_set_size(entry.get(), static_cast<int64_t>(each.content.size()));
        if (!each.target.empty()) ::archive_entry_copy_symlink(entry.get(), each.target.c_str());
        if (!each.hard_link.empty()) ::archive_entry_copy_hardlink(entry.get(), each.hard_link.c_str());
        REQUIRE(::archive_write_header(made.get(), entry.get()) == ARCHIVE_OK);
        if (!each.content.empty() && each.hard_link.empty())
            REQUIRE(::archive_write_data(made.get(), each.content.data(), each.content.size()) > 0);
    }
    REQUIRE(::archive_write_close(made.get()) == ARCHIVE_OK);
    return text;
}

/// By hand, for the library would not write some of it.
std::string listing_of(const std::vector<Planted>& entries)
{
    const std::map<unsigned, const char*> types = {{AE_IFREG, "file"},  {AE_IFDIR, "dir"},
                                                   {AE_IFLNK, "link"},  {AE_IFCHR, "char"},
                                                   {AE_IFBLK, "block"}, {AE_IFIFO, "fifo"}};
    std::string text = "#mtree\n";
    for (const Planted& each : entries) {
        text += fmt::format("./{} mode={:o} type={}", each.path, each.mode, types.at(each.type));
        if (each.type == AE_IFREG)
            text += fmt::format(" size={} sha256digest={}", each.content.size(), sha256(each.content));
        if (each.type == AE_IFLNK) text += " link=" + each.target;
        text += '\n';
    }
    return text;
}

std::vector<Planted> with_prefix(const char* prefix, std::vector<Planted> entries)
{
    for (Planted& entry : entries) entry.path = prefix + entry.path;
    return entries;
}

/// What a builder with a trusted key and without our rules can make.
struct Forge {
    const Workshop& shop;
    std::vector<Planted> listed, packed;  ///< packed: names are in the archive as they are here
    std::function<void(Manifest&)> alter = [](Manifest&) {};
    std::string listing = {};  ///< in place of what is listed
    Bytes room = Bytes{4096};

    std::string make() const
    {
        const std::string path = shop.path("forged.image");
        const host::Descriptor body(open(shop.path("body").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
        FrameWriter frame(body.number());
        must(frame.add(archive_of(packed)));
        must(frame.finish());
        Head head;
        head.listing = listing.empty() ? listing_of(listed) : listing;
        Manifest manifest;
        manifest.name = "shop";
        manifest.version = {"2.0"};
        manifest.size = room;
        manifest.files = sha256(head.listing);
        manifest.body = frame.sha256();
        manifest.body_size = frame.size();
        alter(manifest);
        head.manifest = manifest_text(manifest);
        head.signature = must(sign(head.manifest, shop.key));
        write_file(path, must(head.to_frame(0)) + file_text(shop.path("body")));
        return path;
    }
};

/// Refused by both that read it, in this way, and nothing is left.
void is_refused(const Workshop& shop, const std::string& image, std::string_view says)
{
    INFO(std::string(says));
    const auto verified = verify(image, shop.trusted);
    REQUIRE(!verified);
    CHECK_MESSAGE(verified.error().what.find(says) != std::string::npos, verified.error().what);
    const auto expanded = expand(image, shop.trusted, shop.library(), {}, Bytes{0});
    REQUIRE(!expanded);
    CHECK(expanded.error().what == verified.error().what);
    CHECK(left_in(shop.library()).empty());
    CHECK(!std::filesystem::exists(shop.path("escaped")));
}

const Planted file_a = {.path = "a", .content = "hello"};

}  // namespace

TEST_CASE("a forged image that keeps the rules is taken: what is refused below is refused for its reason")
{
    const Workshop shop;
    const std::string image = Forge{shop, {file_a}, with_prefix("root/", {file_a})}.make();
    CHECK(must(expand(image, shop.trusted, shop.library(), {}, Bytes{0})).image.signer == "own.pem");
    CHECK(file_text(shop.library() + "/shop/2.0/a") == "hello");
}

TEST_CASE("what a listing may not name is refused before anything is unpacked")
{
    const Workshop shop;
    const std::vector<std::pair<const char*, std::vector<Planted>>> ways = {
        {"\"..\" is a part of it", {{.path = "../../escaped", .content = "x"}}},
        {"\"..\" is a part of it",
         {{.path = "a", .type = AE_IFDIR}, {.path = "a/../../escaped", .content = "x"}}},
        {"leads out of the image", {{.path = "a", .type = AE_IFLNK, .target = "/etc"}}},
        {"leads out of the image", {{.path = "a", .type = AE_IFLNK, .target = ".."}}},
        {"leads out of the image", {{.path = "a", .type = AE_IFLNK, .target = "./.././b"}}},
        {"behind a name", {{.path = "a", .type = AE_IFLNK, .target = "b/../../c"}}},
        {"no folder of the image",
         {{.path = "a", .type = AE_IFLNK, .target = "b"}, {.path = "a/escaped", .content = "x"}}},
        {"no folder of the image", {{.path = "a/b", .content = "x"}}},
        {"a device", {{.path = "a", .type = AE_IFCHR}}},
        {"a device", {{.path = "a", .type = AE_IFBLK}}},
        {"a fifo", {{.path = "a", .type = AE_IFIFO}}},
        {"set-user-id", {{.path = "a", .mode = 04755, .content = "x"}}},
        {"set-user-id", {{.path = "a", .mode = 02755, .content = "x"}}},
        {"set-user-id", {{.path = "a", .type = AE_IFDIR, .mode = 01777}}},
        {"under .image", {{.path = ".image", .type = AE_IFDIR}}},
        {"under .image",
         {{.path = ".image", .type = AE_IFDIR}, {.path = ".image/manifest.toml", .content = "x"}}},
    };
    for (const auto& [says, entries] : ways)
        is_refused(shop, Forge{shop, entries, with_prefix("root/", entries)}.make(), says);
}

TEST_CASE("an archive that is not as its listing has it is refused")
{
    const Workshop shop;
    const auto packed = [&](const char* says, const std::vector<Planted>& entries) {
        is_refused(shop, Forge{shop, {file_a}, entries}.make(), says);
    };
    packed("stands in the image where the listing has a", {{.path = "/etc/escaped", .content = "hello"}});
    packed("stands in the image where the listing has a", {{.path = "root/../escaped", .content = "hello"}});
    packed("stands in the image where the listing has a", {{.path = "a", .content = "hello"}});
    packed("stands in the image where the listing has a",
           {{.path = "root/b", .content = "hello"}, {.path = "root/a", .content = "hello"}});
    packed("is not as the listing has it", {{.path = "root/a", .mode = 0755, .content = "hello"}});
    packed("is not as the listing has it", {{.path = "root/a", .content = "hello!"}});
    packed("is not as the listing has it", {{.path = "root/a", .type = AE_IFLNK, .target = "hello"}});
    packed("has other bytes", {{.path = "root/a", .content = "hellO"}});
    packed("is a hard link", {{.path = "root/a", .content = "hello", .hard_link = "/etc/passwd"}});
    packed("is a hard link", {{.path = "root/a", .content = "hello", .hard_link = "root/a"}});
    packed("is a device", {{.path = "root/a", .type = AE_IFCHR}});
    packed("set-user-id", {{.path = "root/a", .mode = 04644, .content = "hello"}});
    packed("is listed and not in it", {});
    packed("is in it and not listed",
           {{.path = "root/a", .content = "hello"}, {.path = "root/escaped", .content = "x"}});
    packed("is in it and not listed",
           {{.path = "root/a", .content = "hello"}, {.path = "root/a", .content = "hello"}});
}

TEST_CASE("numbers that lie are refused")
{
    const Workshop shop;
    const std::vector<Planted> packed = with_prefix("root/", {file_a});
    const auto lies = [&](const char* says, const std::function<void(Manifest&)>& alter) {
        is_refused(shop, Forge{shop, {file_a}, packed, alter}.make(), says);
    };
    lies("it did not come whole", [](Manifest& manifest) { ++manifest.body_size.count; });
    lies("the manifest says that it takes", [](Manifest& manifest) { manifest.size = Bytes{8192}; });
    lies("were altered or damaged", [](Manifest& manifest) { manifest.body = sha256("x"); });
    lies("is not the one that the manifest means", [](Manifest& manifest) { manifest.files = sha256("x"); });
    lies("which is not in the image", [](Manifest& manifest) { manifest.check = {"b"}; });
    lies("cannot be executed", [](Manifest& manifest) { manifest.check = {"a"}; });
    lies("is no name of an image", [](Manifest& manifest) { manifest.name = "../shop"; });
    lies("is no version", [](Manifest& manifest) { manifest.version = {"../2"}; });

    // The listing: a size that no disk has, one thing twice, no digest, no form at all.
    const auto listed = [&](const char* says, const std::string& listing) {
        is_refused(shop, Forge{.shop = shop, .listed = {}, .packed = packed, .listing = listing}.make(),
                   says);
    };
    const std::string digest = " sha256digest=" + sha256("hello") + "\n";
    listed("the image has more than", "#mtree\n./a type=file mode=644 size=9223372036854775807" + digest);
    listed("has no sha256digest", "#mtree\n./a type=file mode=644 size=5\n");
    listed("the manifest says that it takes", "#mtree\n./a type=file mode=644" + digest);
    listed("the image has no files", "#mtree\n");
    listed("no mtree", "#mtree\n/etc/a type=file mode=644 size=5" + digest);
    listed("no mtree", "hello\n");
}

TEST_CASE("a bomb ends where the listing says that the file ends")
{
    const Workshop shop;
    Planted bomb = file_a;
    bomb.content = std::string(16 << 20, '\0');
    const std::string image = Forge{shop, {file_a}, with_prefix("root/", {bomb})}.make();
    CHECK(std::filesystem::file_size(image) < 64 << 10);
    is_refused(shop, image, "is not as the listing has it");

    // Behind the end of the archive, where no entry is counted.
    const host::Descriptor body(open(shop.path("long").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    FrameWriter frame(body.number());
    must(frame.add(archive_of(with_prefix("root/", {file_a}))));
    must(frame.add(std::string(16 << 20, '\0')));
    must(frame.finish());
    const Forge forge{shop, {file_a}, with_prefix("root/", {file_a}), [&](Manifest& manifest) {
                          manifest.body_size = frame.size();
                          manifest.body = sha256(file_text(shop.path("long")));
                      }};
    const std::string path = forge.make();
    const std::string whole = file_text(path), tail = file_text(shop.path("body"));
    write_file(path, whole.substr(0, whole.size() - tail.size()) + file_text(shop.path("long")));
    is_refused(shop, path, "more in it behind its files");
}

}  // namespace belay::upgrade::image
