#include "backup/catalog/portable.h"
#include "cli/backup/progress.h"
#include "cli/catalog/catalog_commands.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::cli {
namespace {

using backup::CatalogFolder;
using backup::catalog::Catalog;
using backup::catalog::Use;

struct Counted {
    std::atomic<uint64_t> done = 0, total = 0;
};

class ExportCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override { options.word("file", path_, "a new file"); }

    Result<int> run(BackupContext& context) override
    {
        if (path_.empty()) return fail(ErrorKind::usage, "no file is named", "belay catalog export FILE");
        const std::unique_ptr<Catalog> catalog = TRY(catalog_folder(context).open(Use::read));
        const host::Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (file.number() < 0) return std::unexpected(system_error(fmt::format("make {}", path_), errno));
        context.catch_signals();
        Counted counted;
        Result<void> written;
        {
            const ProgressView view(context, [&] {
                return Progress{.doing = "writing " + path_,
                                .unit = "folders",
                                .files_done = counted.done,
                                .files_total = counted.total};
            });
            written = export_catalog(*catalog, file.number(), [&](uint64_t done, uint64_t total) {
                counted.done = done;
                counted.total = total;
            });
        }
        if (written && ::fsync(file.number()) != 0)
            written = std::unexpected(system_error(fmt::format("sync {}", path_), errno));
        // A part of it is of no use to anybody.
        if (!written) ::unlink(path_.c_str());
        TRY(written);
        if (context.options().json) context.json({{"message_type", "exported"}, {"file", path_}});
        context.note(fmt::format("exported to {}\n", clean(context.style(), path_)));
        return 0;
    }

  private:
    std::string path_;
};

class ImportCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override { options.word("file", path_, "an exported catalog"); }

    Result<int> run(BackupContext& context) override
    {
        if (path_.empty()) return fail(ErrorKind::usage, "no file is named", "belay catalog import FILE");
        const CatalogFolder folder = catalog_folder(context);
        const host::Descriptor lock = TRY(lock_catalog(context, folder));
        if (const auto there = folder.open(Use::read); there && !TRY((*there)->is_empty()))
            return fail(ErrorKind::refused, fmt::format("the catalog in {} is not empty", folder.path()),
                        "--catalog FOLDER, another one");
        const host::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
        if (file.number() < 0) return std::unexpected(system_error(fmt::format("open {}", path_), errno));
        struct stat status = {};
        ::fstat(file.number(), &status);
        context.catch_signals();
        std::unique_ptr<Catalog> catalog = TRY(folder.make_beside());
        std::atomic<uint64_t> done = 0;
        Result<void> read;
        {
            const ProgressView view(context, [&] {
                return Progress{.doing = "reading " + path_,
                                .bytes_done = done,
                                .bytes_total = static_cast<uint64_t>(status.st_size)};
            });
            read = import_catalog(*catalog, file.number(), [&](uint64_t bytes, uint64_t) { done = bytes; });
        }
        if (!read) {
            catalog.reset();
            folder.drop_beside();
        }
        TRY(read);
        TRY(folder.put_in_place(std::move(catalog)));
        if (context.options().json) context.json({{"message_type", "imported"}, {"file", path_}});
        context.note(fmt::format("imported {}; belay catalog add names the repositories to refresh it from\n",
                                 clean(context.style(), path_)));
        return 0;
    }

  private:
    std::string path_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_catalog_export_command()
{
    return std::make_unique<ExportCommand>();
}

std::unique_ptr<BackupCommand> make_catalog_import_command()
{
    return std::make_unique<ImportCommand>();
}

}  // namespace belay::cli
