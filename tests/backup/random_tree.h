#pragma once
// For tests: a tree with every kind of file, changed at random by a seed, and all that can be seen of one.

#include "backup/repository/id.h"
#include "scratch.h"

#include <sys/sysmacros.h>

namespace belay::backup {

/// What a file is in all that a backup keeps of it, one line a file, by its path below the root.
struct SeenFile {
    std::string text;
    bool is_socket = false;
    bool has_raw_target = false;  ///< a link whose target is not UTF-8
    auto operator<=>(const SeenFile&) const = default;
};
using SeenTree = std::map<std::string, SeenFile>;

/// The extended attributes of a file, ACLs among them.
inline std::string attributes_seen(const std::string& path)
{
    std::string names(1 << 16, '\0'), all;
    const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
    std::set<std::string> sorted;
    for (ssize_t at = 0; at < length;) {
        sorted.emplace(names.data() + at);
        at += static_cast<ssize_t>(std::strlen(names.data() + at)) + 1;
    }
    for (const std::string& name : sorted) {
        std::string value(1 << 16, '\0');
        const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        REQUIRE(size >= 0);
        value.resize(static_cast<size_t>(size));
        all += fmt::format(" {}={}", name, Id::of(value).short_hex());
    }
    return all;
}

inline SeenTree look_at_tree(const std::string& root)
{
    SeenTree seen;
    std::map<ino_t, std::string> first_names;  // of files with several
    std::vector<std::string> paths = {""};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
        paths.push_back(entry.path().string().substr(root.size()));
    std::ranges::sort(paths);
    for (const std::string& path : paths) {
        const std::string full = root + path;
        struct stat status = {};
        REQUIRE(::lstat(full.c_str(), &status) == 0);
        SeenFile& file = seen[path];
        file.is_socket = S_ISSOCK(status.st_mode);
        file.text =
            fmt::format("mode {:o} owner {}:{} time {}.{:09}{}", status.st_mode, status.st_uid, status.st_gid,
                        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, attributes_seen(full));
        if (S_ISREG(status.st_mode)) {
            std::ifstream content(full, std::ios::binary);
            const std::string bytes{std::istreambuf_iterator<char>(content),
                                    std::istreambuf_iterator<char>()};
            file.text += fmt::format(" {} bytes {}", bytes.size(), Id::of(bytes).short_hex());
            if (status.st_nlink > 1)
                file.text += " same as " + first_names.try_emplace(status.st_ino, path).first->second;
        } else if (S_ISLNK(status.st_mode)) {
            const std::string target = std::filesystem::read_symlink(full);
            file.has_raw_target = target.find('\xfe') != std::string::npos;
            file.text += " to " + target;
        } else if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) {
            file.text += fmt::format(" device {}:{}", major(status.st_rdev), minor(status.st_rdev));
        }
    }
    return seen;
}

class RandomTree {
  public:
    /// Makes `root`.
    RandomTree(std::string root, uint64_t seed) : root_(std::move(root)), random_(seed)
    {
        std::filesystem::create_directory(root_);
        for (int i = 0; i < 40; ++i) change();
    }

    /// Does one thing to one file: makes, removes, moves or changes it.
    void change()
    {
        const uint64_t kind = random_() % 20;
        if (count(nullptr) > most_files) return remove();
        if (kind < 6) return make_file();
        if (kind < 8) return change_content();
        if (kind < 9) return make_folder();
        if (kind < 10) return make_hard_link();
        if (kind < 12) return make_link();
        if (kind < 13) return make_special();
        if (kind < 16) return change_metadata();
        if (kind < 17) return set_attribute();
        if (kind < 18) return move();
        remove();
    }

  private:
    static constexpr size_t most_files = 45;
    using Wanted = bool (*)(const struct stat&);

    uint64_t below(uint64_t limit) { return random_() % limit; }

    std::vector<std::string> paths(Wanted wanted) const
    {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
            struct stat status = {};
            REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
            if (wanted == nullptr || wanted(status)) all.push_back(entry.path());
        }
        std::ranges::sort(all);
        return all;
    }
    size_t count(Wanted wanted) const { return paths(wanted).size(); }
    static bool is_file(const struct stat& status) { return S_ISREG(status.st_mode); }
    static bool is_folder(const struct stat& status) { return S_ISDIR(status.st_mode); }
    /// Any of them; empty where there is none.
    std::string any(Wanted wanted)
    {
        const std::vector<std::string> all = paths(wanted);
        return all.empty() ? std::string() : all[below(all.size())];
    }

    /// A path that is free, in any folder.
    std::string free_path()
    {
        static const std::string odd[] = {"name",
                                          "with space",
                                          "\"quoted\"",
                                          "line\nbreak",
                                          "back\\slash",
                                          "\xff\xfe raw",
                                          "\xc3\xbcml\xc3\xa4ut",
                                          "\x01\x7f",
                                          "-rf",
                                          "*?[a]",
                                          "\xe2\x80\xa8\xed\xa0\x80",
                                          "<&>",
                                          "..hidden"};
        for (;;) {
            const std::string within = any(is_folder);
            std::string path = (within.empty() || below(3) == 0 ? root_ : within) + "/" +
                               odd[below(std::size(odd))] + (below(2) == 0 ? "" : std::to_string(below(50)));
            struct stat status = {};
            if (::lstat(path.c_str(), &status) != 0) return path;
        }
    }

    size_t any_size()
    {
        switch (below(12)) {
            case 0:
                return 0;
            case 1:
                return 1;
            case 2:
                return (512 << 10) + below(900 << 10);  // two or three chunks
            case 3:
            case 4:
                return below(200 << 10);
            default:
                return below(4096);
        }
    }
    std::string any_content()
    {
        const size_t size = any_size();
        if (below(4) == 0) return std::string(size, static_cast<char>('a' + below(3)));
        return Scratch::random_text(size, static_cast<unsigned>(random_()));
    }
    static void write_at(const std::string& path, size_t offset, const std::string& content)
    {
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        REQUIRE(file >= 0);
        REQUIRE(::pwrite(file, content.data(), content.size(), static_cast<off_t>(offset)) ==
                static_cast<ssize_t>(content.size()));
        ::close(file);
    }

    void make_file()
    {
        const std::string path = free_path();
        write_at(path, 0, any_content());
        // Holes, at the end and in the middle.
        if (below(8) == 0) REQUIRE(::truncate(path.c_str(), static_cast<off_t>(below(2 << 20))) == 0);
        if (below(8) == 0) write_at(path, below(2 << 20), "behind a hole");
    }
    void change_content()
    {
        const std::string path = any(is_file);
        if (path.empty()) return;
        const size_t size = std::filesystem::file_size(path);
        if (below(3) == 0) return write_at(path, size, any_content());
        if (below(3) == 0) return std::filesystem::resize_file(path, below(size + 1));
        write_at(path, below(size + 1), any_content());
    }
    void make_folder() { REQUIRE(::mkdir(free_path().c_str(), 0750) == 0); }
    void make_hard_link()
    {
        const std::string to = any(is_file);
        if (!to.empty()) REQUIRE(::link(to.c_str(), free_path().c_str()) == 0);
    }
    void make_link()
    {
        static const std::string targets[] = {"nowhere",  "/etc/passwd", "..",
                                              ".",        "a/../../b",   "\xc3\xbcml\xc3\xa4ut \"x\"",
                                              "\xfe raw", "line\nbreak", std::string(1000, 'l')};
        REQUIRE(::symlink(targets[below(std::size(targets))].c_str(), free_path().c_str()) == 0);
    }
    void make_special()
    {
        const std::string path = free_path();
        constexpr mode_t kinds[] = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK};
        const mode_t kind = kinds[below(4)];
        // Devices where the test may make them.
        if (::mknod(path.c_str(), kind | 0600,
                    makedev(static_cast<unsigned>(below(300)), static_cast<unsigned>(below(300)))) != 0)
            REQUIRE((kind == S_IFCHR || kind == S_IFBLK));
    }
    void change_metadata()
    {
        const std::string path = below(10) == 0 ? root_ : any(nullptr);
        if (path.empty()) return;
        struct stat status = {};
        REQUIRE(::lstat(path.c_str(), &status) == 0);
        if (::geteuid() == 0 && below(2) == 0)
            REQUIRE(::lchown(path.c_str(), static_cast<uid_t>(below(70'000)),
                             static_cast<gid_t>(below(70'000))) == 0);
        // Who runs the test has to be able to read it.
        if (!S_ISLNK(status.st_mode))
            REQUIRE(::chmod(path.c_str(), static_cast<mode_t>(below(010000)) | 0700) == 0);
        const auto any_time = [&] {
            return timespec{.tv_sec = static_cast<time_t>(below(4'000'000'000)) - 2'000'000'000,
                            .tv_nsec = static_cast<long>(below(1'000'000'000))};
        };
        const timespec times[2] = {any_time(), any_time()};
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
    }
    void set_attribute()
    {
        const std::string path = any(below(2) == 0 ? is_file : is_folder);
        if (path.empty()) return;
        if (below(3) == 0) return set_acl(path);
        const std::string name = "user.note" + std::to_string(below(3));
        if (below(4) == 0) return static_cast<void>(::removexattr(path.c_str(), name.c_str()));
        const std::string value = Scratch::random_text(below(200), static_cast<unsigned>(random_()));
        // Not every filesystem has them.
        static_cast<void>(::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0));
    }
    /// As the kernel takes it: version 2, then tag, permissions and id of each entry.
    void set_acl(const std::string& path)
    {
        struct Entry {
            uint16_t tag, permissions;
            uint32_t id;
        };
        constexpr uint32_t nobody = UINT32_MAX;
        const Entry entries[] = {{0x01, 7, nobody},
                                 {0x02, static_cast<uint16_t>(below(8)), static_cast<uint32_t>(below(5000))},
                                 {0x04, static_cast<uint16_t>(below(8)), nobody},
                                 {0x10, 7, nobody},
                                 {0x20, 0, nobody}};
        const uint32_t version = 2;
        std::string value(reinterpret_cast<const char*>(&version), sizeof version);
        value.append(reinterpret_cast<const char*>(entries), sizeof entries);
        const char* name = std::filesystem::is_directory(path) && below(2) == 0 ? "system.posix_acl_default"
                                                                                : "system.posix_acl_access";
        static_cast<void>(::setxattr(path.c_str(), name, value.data(), value.size(), 0));
    }
    void move()
    {
        const std::string from = any(nullptr), to = free_path();
        // A folder does not go into itself.
        if (!from.empty() && !to.starts_with(from + "/")) std::filesystem::rename(from, to);
    }
    void remove()
    {
        const std::string path = any(nullptr);
        if (!path.empty()) std::filesystem::remove_all(path);
    }

    std::string root_;
    std::mt19937_64 random_;
};

}  // namespace belay::backup
