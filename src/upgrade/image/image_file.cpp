#include "upgrade/image/image_file.h"

#include "upgrade/image/tar.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace belay::upgrade::image {
namespace {

constexpr std::string_view manifest_name = "manifest.toml", signature_name = "manifest.sig",
                           listing_name = "files.mtree";
constexpr std::string_view body_prefix = "root/";
constexpr size_t largest_head = 65 << 20, signature_size = 64;
constexpr size_t read_at_once = 1 << 20, largest_end = 64 << 10;

Result<std::string> read_frame(FrameReader& frame)
{
    std::string text;
    while (true) {
        const std::string_view more = TRY(frame.next());
        if (more.empty()) return text;
        text += more;
        if (text.size() > largest_head)
            return fail(ErrorKind::corrupt,
                        fmt::format("its head is larger than {}", to_text(Bytes{largest_head})));
    }
}

/// Gives a text once, and then its end.
GiveBytes once(std::string_view text)
{
    return [text, is_given = false]() mutable -> Result<std::string_view> {
        if (std::exchange(is_given, true)) return std::string_view();
        return text;
    };
}

Result<std::string> content_of(TarReader& tar, const ListedEntry& entry)
{
    std::string text;
    while (text.size() < entry.size.count) {
        const std::string_view more = TRY(tar.content());
        if (more.empty()) return fail(ErrorKind::corrupt, entry.path + " ends before its end");
        text += more;
    }
    return text;
}

Result<void> check_program(const Listing& listing, const std::string& path)
{
    const ListedEntry* entry = listing.find(path);
    if (entry == nullptr)
        return fail(ErrorKind::refused,
                    fmt::format("the manifest names {}, which is not in the image", path));
    const bool can_start =
        entry->type == EntryType::link || (entry->type == EntryType::file && (entry->mode & S_IXUSR) != 0);
    if (!can_start)
        return fail(ErrorKind::refused, fmt::format("the manifest names {}, which cannot be executed", path),
                    "chmod +x " + path);
    return {};
}

/// One entry of the body, held against the one that is listed.
class BodyEntry {
  public:
    BodyEntry(const ListedEntry& listed, BodySink* sink) : listed_(listed), sink_(sink) {}

    Result<void> begin(const ListedEntry& found)
    {
        if (!found.path.starts_with(body_prefix) || found.path.substr(body_prefix.size()) != listed_.path)
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" stands in the image where the listing has {}",
                                                        found.path.substr(0, 200), listed_.path));
        if (found.type != listed_.type || found.mode != listed_.mode || found.size != listed_.size ||
            found.target != listed_.target)
            return fail(ErrorKind::corrupt, fmt::format("{} is not as the listing has it", listed_.path));
        return sink_ == nullptr ? Result<void>() : sink_->begin(listed_);
    }

    Result<void> content(TarReader& tar, const std::function<Result<void>(size_t)>& passed)
    {
        Sha256 digest;
        uint64_t size = 0;
        while (true) {
            const std::string_view bytes = TRY(tar.content());
            if (bytes.empty()) break;
            size += bytes.size();
            if (size > listed_.size.count) break;
            digest.add(bytes);
            if (sink_ != nullptr) TRY(sink_->content(bytes));
            TRY(passed(bytes.size()));
        }
        if (size != listed_.size.count || digest.hex() != listed_.sha256)
            return fail(ErrorKind::corrupt,
                        fmt::format("{} has other bytes than the listing says", listed_.path));
        return sink_ == nullptr ? Result<void>() : sink_->end(listed_);
    }

  private:
    const ListedEntry& listed_;
    BodySink* sink_;
};

/// Behind the archive there are zeros to its end, and no more of them than tar's blocks make.
Result<void> check_end(FrameReader& frame)
{
    size_t behind = 0;
    while (true) {
        const std::string_view more = TRY(frame.next());
        if (more.empty()) return {};
        behind += more.size();
        if (more.find_first_not_of('\0') != std::string_view::npos || behind > largest_end)
            return fail(ErrorKind::corrupt, "there is more in it behind its files");
    }
}

/// What is wrong with the image is told with its name; what the system or the caller said stays as it is.
Error of_file(Error error, const std::string& path)
{
    const bool is_of_image = error.kind == ErrorKind::corrupt || error.kind == ErrorKind::refused ||
                             error.kind == ErrorKind::version;
    if (is_of_image && !error.what.starts_with(path)) error.what = path + ": " + error.what;
    return error;
}

template <typename T>
Result<T> naming(const std::string& path, Result<T> result)
{
    if (result) return result;
    return std::unexpected(of_file(std::move(result).error(), path));
}

}  // namespace

Result<std::string> Head::to_frame(int64_t mtime) const
{
    std::string text;
    TarWriter tar(mtime, [&](std::string_view bytes) -> Result<void> {
        text += bytes;
        return {};
    });
    const auto add = [&](std::string_view name, const std::string& content) -> Result<void> {
        TRY(tar.begin(std::string(name),
                      {.path = std::string(name), .mode = 0644, .size = Bytes{content.size()}}));
        return tar.content(content);
    };
    TRY(add(manifest_name, manifest));
    if (!signature.empty()) TRY(add(signature_name, signature));
    TRY(add(listing_name, listing));
    TRY(tar.finish());
    return stored_frame_of(without_end(std::move(text)));
}

Result<ImageFile> ImageFile::open_unread(const std::string& path)
{
    ImageFile image;
    image.path_ = path;
    image.file_ = host::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!image.file_) return std::unexpected(system_error("open " + path, errno));
    TRY(naming(path, image.read_head()));
    return image;
}

Result<ImageFile> ImageFile::open(const std::string& path)
{
    ImageFile image = TRY(open_unread(path));
    TRY(naming(path, image.hold_head_together()));
    return image;
}

Result<ImageFile> ImageFile::open_signed(const std::string& path, const std::vector<PublicKey>& trusted)
{
    ImageFile image = TRY(open_unread(path));
    TRY(image.signer(trusted));
    TRY(naming(path, image.hold_head_together()));
    return image;
}

Result<void> ImageFile::read_head()
{
    FrameReader frame(file_.number(), Bytes{0});
    const std::string text = TRY(read_frame(frame));
    body_offset_ = frame.offset();
    const std::string stored = TRY(stored_frame_of(text));
    std::string found(stored.size(), '\0');
    const ssize_t got = pread(file_.number(), found.data(), found.size(), 0);
    if (got != static_cast<ssize_t>(stored.size()) || found != stored || body_offset_.count != stored.size())
        return fail(ErrorKind::corrupt, "its head is not the one that was built");
    TarReader tar(once(text));
    std::vector<std::string> names;
    while (const std::optional<ListedEntry> entry = TRY(tar.next())) {
        std::string* into = nullptr;
        if (entry->path == manifest_name && names.empty()) into = &head_.manifest;
        if (entry->path == signature_name && names.size() == 1) into = &head_.signature;
        if (entry->path == listing_name && !names.empty() && names.back() != listing_name)
            into = &head_.listing;
        if (into == nullptr || entry->type != EntryType::file)
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" has no place in the head of an image",
                                                        entry->path.substr(0, 200)));
        *into = TRY(content_of(tar, *entry));
        mtime_ = tar.mtime();
        names.push_back(entry->path);
    }
    if (names.empty() || names.back() != listing_name)
        return fail(ErrorKind::corrupt, "its head is not whole");
    if (names.size() == 3 && head_.signature.size() != signature_size)
        return fail(ErrorKind::corrupt, fmt::format("its signature does not have {} bytes", signature_size));
    return {};
}

Result<void> ImageFile::hold_head_together()
{
    manifest_ = TRY(read_manifest(head_.manifest));
    if (sha256(head_.listing) != manifest_.files)
        return fail(ErrorKind::corrupt, "files.mtree is not the one that the manifest means");
    listing_ = TRY(read_listing(head_.listing));
    if (listing_.room() != manifest_.size)
        return fail(ErrorKind::corrupt,
                    fmt::format("the manifest says that it takes {} bytes, the listing {}",
                                manifest_.size.count, listing_.room().count));
    TRY(check_programs(manifest_, listing_));
    struct stat status{};
    if (fstat(file_.number(), &status) != 0) return std::unexpected(system_error("look at " + path_, errno));
    if (static_cast<uint64_t>(status.st_size) != body_offset_.count + manifest_.body_size.count)
        return fail(ErrorKind::corrupt,
                    fmt::format("it has {} bytes, and {} by its manifest: it did not come whole",
                                status.st_size, body_offset_.count + manifest_.body_size.count));
    return {};
}

Result<std::string> ImageFile::signer(const std::vector<PublicKey>& trusted) const
{
    if (!is_signed())
        return fail(ErrorKind::refused, path_ + " is not signed",
                    fmt::format("belay image sign {} --key KEY.pem", path_));
    return naming(path_, signer_of(head_.manifest, head_.signature, trusted));
}

Bytes ImageFile::work() const
{
    return Bytes{manifest_.body_size.count + listing_.content().count};
}

Result<void> ImageFile::check_frame(const Progress& progress) const
{
    Sha256 digest;
    std::string buffer(read_at_once, '\0');
    uint64_t done = 0;
    while (true) {
        const ssize_t got = pread(file_.number(), buffer.data(), buffer.size(),
                                  static_cast<off_t>(body_offset_.count + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("read " + path_, errno));
        if (got == 0) break;
        digest.add({buffer.data(), static_cast<size_t>(got)});
        done += static_cast<uint64_t>(got);
        if (progress) TRY(progress(Bytes{done}, work()));
    }
    if (done == manifest_.body_size.count && digest.hex() == manifest_.body) return {};
    return fail(ErrorKind::corrupt,
                path_ + ": its files are not those that the manifest means: they were altered or damaged");
}

Result<void> ImageFile::read_body(BodySink* sink, const Progress& progress) const
{
    TRY(check_frame(progress));
    uint64_t done = manifest_.body_size.count;
    FrameReader frame(file_.number(), body_offset_);
    TarReader tar([&] { return frame.next(); });
    for (const ListedEntry& listed : listing_.entries) {
        const std::optional<ListedEntry> found = TRY(naming(path_, tar.next()));
        if (!found)
            return fail(ErrorKind::corrupt,
                        fmt::format("{}: {} is listed and not in it", path_, listed.path));
        BodyEntry entry(listed, sink);
        TRY(naming(path_, entry.begin(*found)));
        if (listed.type != EntryType::file) continue;
        TRY(naming(path_, entry.content(tar, [&](size_t bytes) -> Result<void> {
            done += bytes;
            return progress ? progress(Bytes{done}, work()) : Result<void>();
        })));
    }
    if (const auto more = TRY(naming(path_, tar.next())))
        return fail(ErrorKind::corrupt,
                    fmt::format("{}: \"{}\" is in it and not listed", path_, more->path.substr(0, 200)));
    TRY(naming(path_, check_end(frame)));
    if (frame.offset().count != body_offset_.count + manifest_.body_size.count)
        return fail(ErrorKind::corrupt, path_ + ": there is more in it behind its files");
    return {};
}

Result<void> ImageFile::copy_body(int to) const
{
    std::string buffer(read_at_once, '\0');
    uint64_t offset = body_offset_.count;
    while (true) {
        const ssize_t got = pread(file_.number(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("read " + path_, errno));
        if (got == 0) return {};
        TRY(write_all(to, {buffer.data(), static_cast<size_t>(got)}));
        offset += static_cast<uint64_t>(got);
    }
}

Result<void> check_programs(const Manifest& manifest, const Listing& listing)
{
    for (const auto& [name, path] : manifest.entry) TRY(check_program(listing, path));
    if (!manifest.check.empty()) TRY(check_program(listing, manifest.check.front()));
    if (!manifest.health.empty()) TRY(check_program(listing, manifest.health.front()));
    return {};
}

Result<Verified> verify(const std::string& path, const std::vector<PublicKey>& trusted,
                        const Progress& progress)
{
    const ImageFile image = TRY(ImageFile::open_signed(path, trusted));
    std::string signer = TRY(image.signer(trusted));
    TRY(image.read_body(nullptr, progress));
    return Verified{image.manifest(), std::move(signer)};
}

}  // namespace belay::upgrade::image
