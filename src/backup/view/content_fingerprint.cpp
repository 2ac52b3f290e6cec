#include "backup/view/content_fingerprint.h"

#include "backup/block/block_source.h"
#include "backup/block/used_blocks.h"
#include "base/digest.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <vector>

namespace belay::backup {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> system_failure(const std::string& path)
{
    return std::unexpected(
        Error{.kind = ErrorKind::io,
              .what = fmt::format("{} cannot be read: {}", path, std::generic_category().message(errno))});
}

class TreeReader {
  public:
    explicit TreeReader(std::string root) : root_(std::move(root)) {}

    Result<ContentFingerprint> read()
    {
        struct stat about{};
        if (lstat(root_.c_str(), &about) != 0) return system_failure(root_);
        device_ = about.st_dev;
        TRY(add(root_, ".", about));
        TRY(add_folder(root_, ""));
        return ContentFingerprint{digest_.hex(), count_};
    }

  private:
    Result<void> add_folder(const std::string& folder, const std::string& name)
    {
        std::error_code error;
        std::vector<std::string> names;
        for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
             at.increment(error))
            names.push_back(at->path().filename().string());
        if (error) return fail(ErrorKind::io, fmt::format("{} cannot be read: {}", folder, error.message()));
        std::ranges::sort(names);
        for (const std::string& one : names) {
            const std::string path = fmt::format("{}/{}", folder, one),
                              below = fmt::format("{}/{}", name, one);
            struct stat about{};
            if (lstat(path.c_str(), &about) != 0) return system_failure(path);
            if (about.st_dev != device_) continue;
            TRY(add(path, below, about));
            if (S_ISDIR(about.st_mode)) TRY(add_folder(path, below));
        }
        return {};
    }

    Result<void> add(const std::string& path, const std::string& name, const struct stat& about)
    {
        ++count_;
        const bool folder = S_ISDIR(about.st_mode);
        const bool device = S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode);
        add_text(name);
        add_text(fmt::format("mode {:o} owner {} {} size {} changed {}.{} device {}", about.st_mode,
                             about.st_uid, about.st_gid, folder ? 0 : about.st_size, about.st_mtim.tv_sec,
                             about.st_mtim.tv_nsec, device ? about.st_rdev : 0));
        TRY(add_attributes(path));
        if (!folder && about.st_nlink > 1) {
            const auto [first, fresh] = links_.try_emplace(about.st_ino, name);
            add_text(fresh ? fmt::format("{} links", about.st_nlink) : "same as " + first->second);
            if (!fresh) return {};
        }
        if (S_ISREG(about.st_mode)) add_text(TRY(sha256_of_file(path)));
        if (!S_ISLNK(about.st_mode)) return {};
        std::error_code error;
        const fs::path target = fs::read_symlink(path, error);
        if (error) return fail(ErrorKind::io, fmt::format("{} cannot be read: {}", path, error.message()));
        add_text(target.string());
        return {};
    }

    Result<void> add_attributes(const std::string& path)
    {
        const ssize_t size = llistxattr(path.c_str(), nullptr, 0);
        if (size < 0 && errno == ENOTSUP) return {};
        if (size < 0) return system_failure(path);
        std::string list(static_cast<size_t>(size), '\0');
        if (size > 0 && llistxattr(path.c_str(), list.data(), list.size()) != size)
            return system_failure(path);
        std::map<std::string, std::string> attributes;
        for (size_t at = 0; at < list.size(); at += std::string(list.c_str() + at).size() + 1) {
            const std::string name = list.c_str() + at;
            const ssize_t length = lgetxattr(path.c_str(), name.c_str(), nullptr, 0);
            if (length < 0) return system_failure(path);
            std::string value(static_cast<size_t>(length), '\0');
            if (lgetxattr(path.c_str(), name.c_str(), value.data(), value.size()) != length)
                return system_failure(path);
            attributes[name] = std::move(value);
        }
        for (const auto& [name, value] : attributes) {
            add_text(name);
            add_text(value);
        }
        return {};
    }

    /// With its length, so that no two trees give the same bytes.
    void add_text(const std::string& text)
    {
        digest_.add(fmt::format("{} ", text.size()));
        digest_.add(text);
    }

    const std::string root_;
    dev_t device_ = 0;
    Sha256 digest_;
    uint64_t count_ = 0;
    std::map<ino_t, std::string> links_;
};

}  // namespace

Result<ContentFingerprint> fingerprint_of_device(host::Host& host, const std::string& path)
{
    const std::unique_ptr<DeviceSource> source = TRY(DeviceSource::open(path, Sharing::exclusive));
    UsedBlocks used = TRY(used_blocks(host, path, source->size()));
    if (used.needs_recovery) used = all_blocks(source->size(), "it has a journal to replay");
    constexpr uint64_t piece = 4 << 20;
    std::string buffer(piece, '\0');
    Sha256 digest;
    ContentFingerprint found;
    digest.add(fmt::format("{} bytes ", source->size()));
    for (const Extent& extent : used.extents) {
        digest.add(fmt::format("{} {} ", extent.offset, extent.length));
        for (uint64_t at = extent.offset; at < extent.end(); at += piece) {
            const size_t length = std::min(piece, extent.end() - at);
            TRY(source->read(at, buffer.data(), length));
            digest.add(std::string_view(buffer).substr(0, length));
        }
        found.count += extent.length;
    }
    found.sha256 = digest.hex();
    return found;
}

Result<ContentFingerprint> fingerprint_of_tree(const std::string& folder)
{
    return TreeReader(folder).read();
}

}  // namespace belay::backup
