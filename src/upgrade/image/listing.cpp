#include "upgrade/image/listing.h"

#include "upgrade/image/libarchive.h"
#include "upgrade/image/paths.h"

#include <algorithm>

namespace belay::upgrade::image {
namespace {

constexpr size_t largest_listing = 64 << 20, most_entries_listed = 1'000'000;
constexpr uint64_t block = 4096, largest_content = uint64_t{1} << 44;
constexpr size_t digest_bytes = 32;

la_ssize_t take_text(archive*, void* into, const void* bytes, size_t size)
{
    static_cast<std::string*>(into)->append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
}

/// libarchive leaves zeros where a line has no digest.
Result<std::string> digest_of(archive_entry* from, std::string_view path)
{
    const unsigned char* digest = ::archive_entry_digest(from, ARCHIVE_ENTRY_DIGEST_SHA256);
    const std::span<const unsigned char> bytes(digest, digest_bytes);
    if (std::ranges::all_of(bytes, [](unsigned char byte) { return byte == 0; }))
        return fail(ErrorKind::corrupt, fmt::format("files.mtree: {} has no sha256digest", path));
    std::string text;
    for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

Result<ListedEntry> listed(archive_entry* from)
{
    ListedEntry entry = TRY(entry_of(from));
    if (!entry.path.starts_with("./"))
        return fail(ErrorKind::refused,
                    fmt::format("files.mtree: \"{}\" does not begin with ./", entry.path.substr(0, 200)));
    entry.path.erase(0, 2);
    if (entry.type == EntryType::file) entry.sha256 = TRY(digest_of(from, entry.path));
    return entry;
}

/// In entries that are in order.
const ListedEntry* find_in(const std::vector<ListedEntry>& entries, std::string_view path)
{
    const auto found = std::ranges::lower_bound(entries, path, {}, &ListedEntry::path);
    return found != entries.end() && found->path == path ? &*found : nullptr;
}

Result<void> check_entry(const ListedEntry& entry)
{
    TRY(check_path(entry.path));
    if (entry.type == EntryType::link) TRY(check_link(entry.path, entry.target));
    return {};
}

}  // namespace

const ListedEntry* Listing::find(std::string_view path) const
{
    return find_in(entries, path);
}

Bytes Listing::content() const
{
    Bytes sum;
    for (const ListedEntry& entry : entries) sum.count += entry.size.count;
    return sum;
}

Bytes Listing::room() const
{
    Bytes sum;
    for (const ListedEntry& entry : entries)
        sum.count += entry.type == EntryType::file ? (entry.size.count + block - 1) / block * block : block;
    return sum;
}

Result<void> put_in_order(std::vector<ListedEntry>& entries)
{
    if (entries.empty()) return fail(ErrorKind::refused, "the image has no files");
    if (entries.size() > most_entries_listed)
        return fail(ErrorKind::refused,
                    fmt::format("the image has more than {} entries", most_entries_listed));
    std::ranges::sort(entries, {}, &ListedEntry::path);
    uint64_t content = 0;
    for (const ListedEntry& entry : entries) {
        TRY(check_entry(entry));
        const std::string_view parent = parent_of(entry.path);
        const ListedEntry* folder = parent.empty() ? nullptr : find_in(entries, parent);
        if (!parent.empty() && (folder == nullptr || folder->type != EntryType::folder))
            return fail(ErrorKind::refused,
                        fmt::format("{} lies in {}, which is no folder of the image", entry.path, parent));
        // The first keeps the sum from going round.
        if (entry.size.count <= largest_content) content += entry.size.count;
        if (entry.size.count > largest_content || content > largest_content)
            return fail(ErrorKind::refused,
                        fmt::format("the image has more than {}", belay::to_text(Bytes{largest_content})));
    }
    const auto twice = std::ranges::adjacent_find(entries, {}, &ListedEntry::path);
    if (twice != entries.end())
        return fail(ErrorKind::refused, fmt::format("{} is in the image twice", twice->path));
    return {};
}

Result<Listing> read_listing(std::string_view text)
{
    if (text.size() > largest_listing)
        return fail(ErrorKind::corrupt,
                    fmt::format("files.mtree is larger than {}", belay::to_text(Bytes{largest_listing})));
    const ArchiveReader reader(::archive_read_new(), ::archive_read_free);
    ::archive_read_support_format_mtree(reader.get());
    if (::archive_read_open_memory(reader.get(), text.data(), text.size()) != ARCHIVE_OK)
        return fail(ErrorKind::corrupt, fmt::format("files.mtree is no mtree: {}", said_by(reader.get())));
    Listing listing;
    archive_entry* entry = nullptr;
    int code = ARCHIVE_OK;
    while ((code = ::archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
        listing.entries.push_back(TRY(listed(entry)));
        if (listing.entries.size() > most_entries_listed) break;
    }
    if (code != ARCHIVE_EOF && code != ARCHIVE_OK)
        return fail(ErrorKind::corrupt, fmt::format("files.mtree is no mtree: {}", said_by(reader.get())));
    TRY(put_in_order(listing.entries));
    return listing;
}

ListingWriter::ListingWriter()
    : text_(std::make_unique<std::string>()), archive_(::archive_write_new(), ::archive_write_free)
{
    ::archive_write_set_format_mtree(archive_.get());
    ::archive_write_set_options(archive_.get(),
                                "mtree:!all,mtree:type,mtree:mode,mtree:size,mtree:link,mtree:sha256");
    ::archive_write_set_bytes_in_last_block(archive_.get(), 1);
    ::archive_write_open(archive_.get(), text_.get(), nullptr, take_text, nullptr);
}

Result<void> ListingWriter::begin(const ListedEntry& entry)
{
    const ArchiveEntry made(::archive_entry_new(), ::archive_entry_free);
    fill(made.get(), entry.path, entry);
    if (::archive_write_header(archive_.get(), made.get()) == ARCHIVE_OK) return {};
    return fail(ErrorKind::failed,
                fmt::format("{} cannot be listed: {}", entry.path, said_by(archive_.get())));
}

Result<void> ListingWriter::content(std::string_view bytes)
{
    while (!bytes.empty()) {
        const la_ssize_t took = ::archive_write_data(archive_.get(), bytes.data(), bytes.size());
        if (took <= 0)
            return fail(ErrorKind::failed,
                        fmt::format("a file cannot be listed: {}", said_by(archive_.get())));
        bytes.remove_prefix(static_cast<size_t>(took));
    }
    return {};
}

Result<std::string> ListingWriter::text()
{
    if (::archive_write_close(archive_.get()) != ARCHIVE_OK)
        return fail(ErrorKind::failed,
                    fmt::format("the files cannot be listed: {}", said_by(archive_.get())));
    return std::move(*text_);
}

}  // namespace belay::upgrade::image
