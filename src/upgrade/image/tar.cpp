#include "upgrade/image/tar.h"

#include "upgrade/image/libarchive.h"

namespace belay::upgrade::image {
namespace {

constexpr size_t end_of_archive = 1024, content_at_once = 128 << 10;

}  // namespace

struct TarWriter::Parts {
    int64_t mtime;
    TakeBytes take;
    ArchiveReader tar{::archive_write_new(), ::archive_write_free};
    ArchiveEntry entry{::archive_entry_new(), ::archive_entry_free};
    std::optional<Error> stopped = {};  ///< what take() said: the library knows error numbers alone

    static la_ssize_t hand_on(archive*, void* self, const void* bytes, size_t size)
    {
        auto* parts = static_cast<Parts*>(self);
        const Result<void> taken = parts->take({static_cast<const char*>(bytes), size});
        if (taken) return static_cast<la_ssize_t>(size);
        parts->stopped = taken.error();
        return -1;
    }

    std::unexpected<Error> failed(std::string_view path)
    {
        if (stopped) return std::unexpected(*stopped);
        return fail(ErrorKind::failed,
                    fmt::format("{} does not go into the image: {}", path, said_by(tar.get())));
    }
};

TarWriter::TarWriter(int64_t mtime, TakeBytes take) : parts_(new Parts{mtime, std::move(take)})
{
    archive* tar = parts_->tar.get();
    ::archive_write_set_format_gnutar(tar);
    ::archive_write_set_bytes_in_last_block(tar, 1);
    ::archive_write_open(tar, parts_.get(), nullptr, Parts::hand_on, nullptr);
}

TarWriter::~TarWriter() = default;

Result<void> TarWriter::begin(const std::string& path, const ListedEntry& entry)
{
    fill(parts_->entry.get(), path + (entry.type == EntryType::folder ? "/" : ""), entry);
    ::archive_entry_set_mtime(parts_->entry.get(), parts_->mtime, 0);
    if (::archive_write_header(parts_->tar.get(), parts_->entry.get()) == ARCHIVE_OK) return {};
    return parts_->failed(path);
}

Result<void> TarWriter::content(std::string_view bytes)
{
    while (!bytes.empty()) {
        const la_ssize_t took = ::archive_write_data(parts_->tar.get(), bytes.data(), bytes.size());
        if (took <= 0) return parts_->failed("a file");
        bytes.remove_prefix(static_cast<size_t>(took));
    }
    return {};
}

Result<void> TarWriter::finish()
{
    if (::archive_write_close(parts_->tar.get()) == ARCHIVE_OK) return {};
    return parts_->failed("the end");
}

std::string without_end(std::string archive)
{
    archive.erase(archive.size() - std::min(archive.size(), end_of_archive));
    return archive;
}

struct TarReader::Parts {
    GiveBytes give;
    ArchiveReader tar{::archive_read_new(), ::archive_read_free};
    std::string path = {};  ///< of the entry at hand
    int64_t mtime = 0;      ///< of it too
    std::string buffer = std::string(content_at_once, '\0');
    std::optional<Error> stopped = {};

    static la_ssize_t hand_on(archive* tar, void* self, const void** bytes)
    {
        auto* parts = static_cast<Parts*>(self);
        const Result<std::string_view> given = parts->give();
        if (given) {
            *bytes = given->data();
            return static_cast<la_ssize_t>(given->size());
        }
        parts->stopped = given.error();
        ::archive_set_error(tar, EIO, "its bytes end");
        return -1;
    }

    std::unexpected<Error> failed(std::string_view what)
    {
        if (stopped) return std::unexpected(*stopped);
        return fail(ErrorKind::corrupt, fmt::format("{} is damaged: {}", what, said_by(tar.get())));
    }
};

TarReader::TarReader(GiveBytes give) : parts_(new Parts{std::move(give)})
{
    archive* tar = parts_->tar.get();
    ::archive_read_support_format_tar(tar);
    // What it says is asked for at the first entry.
    ::archive_read_open(tar, parts_.get(), nullptr, Parts::hand_on, nullptr);
}

TarReader::~TarReader() = default;

Result<std::optional<ListedEntry>> TarReader::next()
{
    archive_entry* found = nullptr;
    const int code = ::archive_read_next_header(parts_->tar.get(), &found);
    if (code == ARCHIVE_EOF) return std::nullopt;
    if (code != ARCHIVE_OK) return parts_->failed("the archive in the image");
    ListedEntry entry = TRY(entry_of(found));
    if (entry.type == EntryType::folder && entry.path.ends_with('/')) entry.path.pop_back();
    parts_->path = entry.path;
    parts_->mtime = ::archive_entry_mtime(found);
    return entry;
}

int64_t TarReader::mtime() const
{
    return parts_->mtime;
}

Result<std::string_view> TarReader::content()
{
    const la_ssize_t got =
        ::archive_read_data(parts_->tar.get(), parts_->buffer.data(), parts_->buffer.size());
    if (got < 0) return parts_->failed(parts_->path);
    return std::string_view(parts_->buffer.data(), static_cast<size_t>(got));
}

}  // namespace belay::upgrade::image
