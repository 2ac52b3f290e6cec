#include "upgrade/image/building.h"

#include "host/files.h"
#include "upgrade/image/folder_tree.h"
#include "upgrade/image/tar.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::upgrade::image {
namespace {

constexpr size_t file_at_once = 256 << 10;
constexpr mode_t image_mode = 0644;
constexpr const char* source_name = "image.toml";

std::string folder_of(const std::string& path)
{
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

/// A file in the making, beside the one that it becomes; it goes away unless it becomes it.
class Beside {
  public:
    static Result<Beside> of(const std::string& path)
    {
        Beside made;
        made.path_ = path;
        const std::filesystem::path target(path);
        made.name_ = fmt::format("{}/.{}.XXXXXX", folder_of(path), target.filename().string());
        made.file_ = host::Descriptor(mkostemp(made.name_.data(), O_CLOEXEC));
        if (!made.file_) {
            made.name_.clear();
            return std::unexpected(system_error("make a file in " + folder_of(path), errno));
        }
        return made;
    }
    Beside(Beside&& other) noexcept
        : path_(std::move(other.path_)), name_(std::exchange(other.name_, {})), file_(std::move(other.file_))
    {
    }
    Beside& operator=(Beside&&) = delete;
    ~Beside() { drop_name(); }

    int number() const { return file_.number(); }
    /// It has no name any more, and goes with its owner.
    void drop_name()
    {
        if (!name_.empty()) unlink(name_.c_str());
        name_.clear();
    }
    Result<void> take_place()
    {
        if (fchmod(file_.number(), image_mode) != 0 || fsync(file_.number()) != 0)
            return std::unexpected(system_error("sync " + name_, errno));
        if (rename(name_.c_str(), path_.c_str()) != 0)
            return std::unexpected(system_error("make " + path_, errno));
        name_.clear();
        return sync_folder(folder_of(path_));
    }

  private:
    Beside() = default;
    std::string path_, name_;
    host::Descriptor file_;
};

/// The body on its way into a file, and the listing that is made beside it.
class BodyMaking {
  public:
    BodyMaking(const BuildOrder& order, const Listing& listing, int64_t mtime, int file,
               const Progress& progress)
        : order_(order),
          all_(listing),
          frame_(file),
          tar_(mtime, [this](std::string_view bytes) { return frame_.add(bytes); }),
          progress_(progress)
    {
    }

    Result<void> make()
    {
        for (const ListedEntry& entry : all_.entries) {
            TRY(tar_.begin("root/" + entry.path, entry));
            TRY(listing_.begin(entry));
            if (entry.type == EntryType::file) TRY(add_content(entry));
        }
        TRY(tar_.finish());
        return frame_.finish();
    }

    FrameWriter& frame() { return frame_; }
    ListingWriter& listing() { return listing_; }

  private:
    Result<void> add_content(const ListedEntry& entry)
    {
        const host::Descriptor file = TRY(open_file_below(order_.root, entry.path));
        uint64_t size = 0;
        while (true) {
            const ssize_t got = read(file.number(), buffer_.data(), buffer_.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0)
                return std::unexpected(
                    system_error(fmt::format("read {}/{}", order_.root, entry.path), errno));
            size += static_cast<uint64_t>(got);
            if (got == 0 || size > entry.size.count) break;
            const std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
            TRY(tar_.content(bytes));
            TRY(listing_.content(bytes));
            done_ += bytes.size();
            if (progress_) TRY(progress_(Bytes{done_}, all_.content()));
        }
        if (size == entry.size.count) return {};
        return fail(ErrorKind::busy, fmt::format("{}/{} changed while it was read", order_.root, entry.path),
                    "build again when nothing writes there");
    }

    const BuildOrder& order_;
    const Listing& all_;
    FrameWriter frame_;
    TarWriter tar_;
    ListingWriter listing_;
    const Progress& progress_;
    std::string buffer_ = std::string(file_at_once, '\0');
    uint64_t done_ = 0;
};

Result<void> copy_file(int from, int to)
{
    std::string buffer(file_at_once, '\0');
    off_t offset = 0;
    while (true) {
        const ssize_t got = pread(from, buffer.data(), buffer.size(), offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("read what was written", errno));
        if (got == 0) return {};
        TRY(write_all(to, {buffer.data(), static_cast<size_t>(got)}));
        offset += got;
    }
}

}  // namespace

Result<Source> read_source(const std::string& path)
{
    std::error_code ignored;
    std::filesystem::path file = std::filesystem::absolute(path, ignored);
    if (std::filesystem::is_directory(file, ignored)) file /= source_name;
    const std::string text = TRY(host::files::read(file.string(), Bytes{64 << 10}));
    Draft draft = TRY(read_draft(text, file.filename().string()));
    const std::filesystem::path folder = file.parent_path();
    return Source{std::move(draft.manifest), (folder / draft.root).lexically_normal().string(),
                  folder.string()};
}

Result<Listing> look_at_source(const Manifest& manifest, const std::string& root)
{
    FolderTree tree = TRY(look_at_folder(root, false));
    TRY(check_programs(manifest, tree.listing));
    return std::move(tree.listing);
}

Result<Manifest> build(const BuildOrder& order, const Progress& progress)
{
    const FolderTree tree = TRY(look_at_folder(order.root, false));
    TRY(check_programs(order.manifest, tree.listing));
    const int64_t mtime = order.mtime.value_or(tree.newest);
    Beside body = TRY(Beside::of(order.output)), image = TRY(Beside::of(order.output));
    body.drop_name();
    BodyMaking making(order, tree.listing, mtime, body.number(), progress);
    TRY(making.make());

    Head head;
    head.listing = TRY(making.listing().text());
    Manifest manifest = order.manifest;
    manifest.size = tree.listing.room();
    manifest.files = sha256(head.listing);
    manifest.body = making.frame().sha256();
    manifest.body_size = making.frame().size();
    head.manifest = manifest_text(manifest);
    if (!order.key.empty()) head.signature = TRY(sign(head.manifest, order.key));
    TRY(write_all(image.number(), TRY(head.to_frame(mtime))));
    TRY(copy_file(body.number(), image.number()));
    TRY(image.take_place());
    return manifest;
}

Result<void> sign_image(const std::string& path, const std::string& private_key, const Progress& progress)
{
    const ImageFile image = TRY(ImageFile::open(path));
    TRY(image.read_body(nullptr, progress));
    Head head = image.head();
    head.signature = TRY(sign(head.manifest, private_key));
    Beside made = TRY(Beside::of(path));
    TRY(write_all(made.number(), TRY(head.to_frame(image.mtime()))));
    TRY(image.copy_body(made.number()));
    return made.take_place();
}

}  // namespace belay::upgrade::image
