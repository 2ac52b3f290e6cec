#pragma once
// For tests: a small program with its image.toml, keys, and images made of them.

#include "base/testing/must.h"
#include "store/scratch_folder.h"
#include "upgrade/image/building.h"
#include "upgrade/image/signature.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace belay::upgrade::image {

inline void write_file(const std::string& path, std::string_view text, mode_t mode = 0644)
{
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
}

inline std::string file_text(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Every path below a folder, to see that nothing was left.
inline std::vector<std::string> paths_below(const std::string& folder)
{
    std::vector<std::string> paths;
    if (!std::filesystem::exists(folder)) return paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        paths.push_back(entry.path().string().substr(folder.size() + 1));
    std::ranges::sort(paths);
    return paths;
}

/// What is left of what failed.
inline std::vector<std::string> left_in(const std::string& library)
{
    std::vector<std::string> paths = paths_below(library);
    std::erase_if(paths, [](const std::string& path) { return path == "packages.conf"; });
    return paths;
}

constexpr std::string_view shop_toml = R"(name = "shop"
version = "2.0"
build = "4711"
summary = "The \"shop\""
upgrades_from = [">=1.0 <2.0"]
downgrades_to = ["=1.9"]
[entry]
shop = "bin/shop"
[hooks]
check = ["bin/shop", "--check-config"]
health = ["bin/sh"]
)";

/// A folder with image.toml, root/, a key that is trusted and another one, and a library.
class Workshop {
  public:
    Workshop()
    {
        write_file(path("image.toml"), shop_toml);
        write_file(path("root/bin/shop"), "#!/bin/sh\necho shop\n", 0755);
        std::filesystem::create_symlink("shop", path("root/bin/sh"));
        write_file(path("root/bin-x"), "");
        write_file(path("root/lib/data file#\xc3\xa9\xff"), std::string(300'000, 'x') + "y", 0600);
        write_file(path("root/lib/deep/er/file"), "deep", 0444);
        std::filesystem::create_symlink("../../../bin/sh", path("root/lib/deep/er/up"));
        REQUIRE(chmod(path("root/lib/deep").c_str(), 0555) == 0);
        const KeyPair own = must(make_key_pair()), other = must(make_key_pair());
        key = own.private_key;
        other_key = other.private_key;
        trusted = {{"own.pem", own.public_key}};
    }
    ~Workshop() { std::filesystem::permissions(path("root/lib/deep"), std::filesystem::perms::owner_all); }

    std::string path(const std::string& name) const { return folder / name; }
    std::string library() const { return path("library"); }

    BuildOrder order(const std::string& output = "shop.image") const
    {
        const Source source = must(read_source(path("image.toml")));
        return {.manifest = source.manifest, .root = source.root, .output = path(output), .key = key};
    }
    /// The path of a signed image.
    std::string build_image(const std::string& output = "shop.image") const
    {
        must(build(order(output)));
        return path(output);
    }

    store::ScratchFolder folder;
    std::string key, other_key;
    std::vector<PublicKey> trusted;
};

}  // namespace belay::upgrade::image
