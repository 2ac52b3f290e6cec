#include "upgrade/image/expansion.h"

#include "host/real.h"
#include "upgrade/image/folder_tree.h"
#include "upgrade/image/frames.h"
#include "upgrade/image/passing_folder.h"

#include <fcntl.h>
#include <ranges>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::upgrade::image {
namespace {

constexpr mode_t while_made = 0700, of_own_files = 0644;

/// Writes the entries below a folder that nobody else knows. No name in the listing leads through a link, for
/// the parent of each is a folder of it.
class Unpacking final : public BodySink {
  public:
    Unpacking(const std::string& root, int64_t mtime) : root_(root), mtime_(mtime) {}

    Result<void> begin(const ListedEntry& entry) override
    {
        const std::string path = root_ + "/" + entry.path;
        if (entry.type == EntryType::folder) {
            if (mkdir(path.c_str(), while_made) != 0) return failed("make", path);
            folders_.push_back(entry);
        } else if (entry.type == EntryType::link) {
            if (symlink(entry.target.c_str(), path.c_str()) != 0) return failed("make", path);
            return set_time(path);
        } else {
            file_ = host::Descriptor(
                open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, while_made));
            if (!file_) return failed("make", path);
            name_ = path;
        }
        return {};
    }

    Result<void> content(std::string_view bytes) override { return write_all(file_.number(), bytes, name_); }

    Result<void> end(const ListedEntry& entry) override
    {
        const std::string path = root_ + "/" + entry.path;
        if (fchmod(file_.number(), static_cast<mode_t>(entry.mode)) != 0)
            return failed("set the mode of", path);
        file_.close();
        return set_time(path);
    }

    /// What would have kept us from filling the folders comes last.
    Result<void> finish()
    {
        for (const ListedEntry& folder : folders_ | std::views::reverse) {
            const std::string path = root_ + "/" + folder.path;
            if (chmod(path.c_str(), static_cast<mode_t>(folder.mode)) != 0)
                return failed("set the mode of", path);
            TRY(set_time(path));
        }
        return {};
    }

    /// A file of Belay's own.
    Result<void> write_own(const std::string& name, const std::string& text)
    {
        if (text.empty()) return {};
        const std::string path = root_ + "/.image/" + name;
        const host::Descriptor file(
            open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, of_own_files));
        if (!file || fchmod(file.number(), of_own_files) != 0) return failed("make", path);
        return write_all(file.number(), text, path);
    }

  private:
    static std::unexpected<Error> failed(std::string_view doing, const std::string& path)
    {
        return std::unexpected(system_error(fmt::format("{} {}", doing, path), errno));
    }

    Result<void> set_time(const std::string& path)
    {
        const timespec times[] = {{.tv_sec = mtime_, .tv_nsec = 0}, {.tv_sec = mtime_, .tv_nsec = 0}};
        if (utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
            return failed("set the time of", path);
        return {};
    }

    const std::string& root_;
    int64_t mtime_;
    host::Descriptor file_;
    std::string name_;  ///< of the file
    std::vector<ListedEntry> folders_;
};

Result<void> unpack(const ImageFile& image, const std::string& into, const Progress& progress)
{
    Unpacking unpacking(into, image.mtime());
    TRY(image.read_body(&unpacking, progress));
    TRY(unpacking.finish());
    const std::string own = into + "/.image";
    if (mkdir(own.c_str(), while_made) != 0 || chmod(own.c_str(), 0755) != 0)
        return std::unexpected(system_error("make " + own, errno));
    TRY(unpacking.write_own("manifest.toml", image.head().manifest));
    TRY(unpacking.write_own("manifest.sig", image.head().signature));
    return unpacking.write_own("files.mtree", image.head().listing);
}

}  // namespace

Result<Expanded> expand(const std::string& path, const std::vector<PublicKey>& trusted,
                        const std::string& library, const Progress& progress, Bytes reserve)
{
    const ImageFile image = TRY(ImageFile::open_signed(path, trusted));
    const Manifest& manifest = image.manifest();
    const std::string signer = TRY(image.signer(trusted));
    Expanded expanded;
    expanded.image = {manifest, signer};
    expanded.folder = version_folder(library, manifest.name, manifest.version);
    const std::unique_ptr<host::Host> host = host::real_host();
    if (const auto there = find_installed(*host, library, manifest.name, manifest.version)) {
        if (manifest_text(there->manifest) != image.head().manifest)
            return fail(ErrorKind::refused,
                        fmt::format("{} is another image of the same name and version than {}",
                                    expanded.folder, path),
                        "give what was built anew a version of its own");
        TRY(verify_installed(library, manifest.name, manifest.version, trusted, progress));
        expanded.was_there = true;
        return expanded;
    }
    TRY(check_space(*host, library, manifest.size, reserve));
    PassingFolder folder = TRY(PassingFolder::make(library, manifest.name, manifest.version));
    TRY(unpack(image, folder.path(), progress));
    TRY(folder.sync());
    TRY(folder.become(expanded.folder));
    return expanded;
}

}  // namespace belay::upgrade::image
