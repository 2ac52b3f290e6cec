#include "backup/view/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace belay::backup {
namespace {

// The library has the same numbers under names of its own.
static_assert(AE_IFDIR == S_IFDIR && AE_IFLNK == S_IFLNK && AE_IFBLK == S_IFBLK && AE_IFCHR == S_IFCHR &&
              AE_IFIFO == S_IFIFO && AE_IFREG == S_IFREG);

/// An archive under way. What stops it is kept, for the library knows error numbers alone.
class ArchiveWriter {
  public:
    ArchiveWriter(ArchiveFormat format, const WriteBytes& write)
        : write_(write),
          archive_(::archive_write_new(), ::archive_write_free),
          entry_(::archive_entry_new(), ::archive_entry_free)
    {
        if (format == ArchiveFormat::tar)
            ::archive_write_set_format_pax_restricted(archive_.get());
        else
            ::archive_write_set_format_zip(archive_.get());
        // A pipe takes what there is; a tape's blocks are nobody's wish here.
        ::archive_write_set_bytes_in_last_block(archive_.get(), 1);
        ::archive_write_open(archive_.get(), this, nullptr, take, nullptr);
    }

    Result<void> add(const std::string& name, const Node& node)
    {
        archive_entry* entry = ::archive_entry_clear(entry_.get());
        ::archive_entry_copy_pathname(entry, name.c_str());
        ::archive_entry_set_filetype(entry, unix_kind(node.type));
        ::archive_entry_set_perm(entry, node.mode & 07777U);
        ::archive_entry_set_mtime(entry, node.mtime.seconds, node.mtime.nanoseconds);
        ::archive_entry_set_uid(entry, node.uid);
        ::archive_entry_set_gid(entry, node.gid);
        ::archive_entry_copy_uname(entry, node.user.c_str());
        ::archive_entry_copy_gname(entry, node.group.c_str());
        if (node.type == NodeType::file) ::archive_entry_set_size(entry, static_cast<int64_t>(node.size));
        if (node.type == NodeType::symlink) ::archive_entry_copy_symlink(entry, node.link_target.c_str());
        if (node.type == NodeType::dev || node.type == NodeType::chardev)
            ::archive_entry_set_rdev(entry, node.device);
        for (const ExtendedAttribute& attribute : node.attributes)
            ::archive_entry_xattr_add_entry(entry, attribute.name.c_str(), attribute.value.data(),
                                            attribute.value.size());
        return check(::archive_write_header(archive_.get(), entry), name);
    }

    Result<void> write(std::string_view bytes, const std::string& name)
    {
        while (!bytes.empty()) {
            const la_ssize_t count = ::archive_write_data(archive_.get(), bytes.data(), bytes.size());
            if (count <= 0) return check(ARCHIVE_FATAL, name);
            bytes.remove_prefix(static_cast<size_t>(count));
        }
        return {};
    }

    Result<void> finish() { return check(::archive_write_close(archive_.get()), "the end"); }

  private:
    static la_ssize_t take(archive*, void* self, const void* bytes, size_t size)
    {
        auto* writer = static_cast<ArchiveWriter*>(self);
        const Result<void> written = writer->write_({static_cast<const char*>(bytes), size});
        if (written) return static_cast<la_ssize_t>(size);
        writer->stopped_ = written.error();
        return -1;
    }

    Result<void> check(int code, const std::string& name)
    {
        if (stopped_) return std::unexpected(*stopped_);
        if (code >= ARCHIVE_WARN) return {};
        const char* said = ::archive_error_string(archive_.get());
        return fail(ErrorKind::failed, fmt::format("{} does not go into the archive: {}", name,
                                                   said == nullptr ? "no reason was given" : said));
    }

    const WriteBytes& write_;
    std::unique_ptr<archive, int (*)(archive*)> archive_;
    std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry_;
    std::optional<Error> stopped_;
};

}  // namespace

Result<void> write_content(const Repository& repository, const Node& file, const WriteBytes& write)
{
    for (const Id& id : file.content) TRY(write(TRY(repository.load_blob(BlobType::data, id))));
    return {};
}

Result<void> write_archive(const Repository& repository, const Id& tree, const std::string& path,
                           ArchiveFormat format, const WriteBytes& write)
{
    ArchiveWriter writer(format, write);
    std::optional<Error> problem;
    TRY(walk_tree(
        repository, tree, path,
        [&](const VisitedNode& visited) -> Result<Next> {
            if (problem) return std::unexpected(*problem);
            const Node& node = visited.node;
            // What an archive has no form for.
            if (node.type == NodeType::socket || node.type == NodeType::irregular) return Next::skip;
            if (format == ArchiveFormat::zip && node.type != NodeType::file && node.type != NodeType::dir &&
                node.type != NodeType::symlink)
                return Next::skip;
            const std::string name = visited.path.substr(1) + (node.type == NodeType::dir ? "/" : "");
            TRY(writer.add(name, node));
            if (node.type == NodeType::file)
                TRY(write_content(repository, node,
                                  [&](std::string_view bytes) { return writer.write(bytes, name); }));
            return Next::enter;
        },
        [&](const std::string&, const Error& error) { problem = error; }));
    if (problem) return std::unexpected(*problem);
    return writer.finish();
}

}  // namespace belay::backup
