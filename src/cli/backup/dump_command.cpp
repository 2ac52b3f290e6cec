#include "backup/view/archive.h"
#include "backup/view/chosen_tree.h"
#include "cli/backup/command.h"
#include "host/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

namespace belay::cli {
namespace {

using backup::ArchiveFormat;
using backup::Node;
using backup::NodeType;

Result<void> write_to(int descriptor, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error("write what is dumped", errno));
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

class DumpCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.value("-a,--archive", archive_, "FORMAT", "of a folder: tar, unless said, or zip");
        options.value("-t,--target", target_, "FILE", "write it into a new file instead of standard output");
        options.words("what", words_, "a snapshot, and a file or folder in it");
    }

    Result<int> run(BackupContext& context) override
    {
        if (words_.size() != 2)
            return fail(ErrorKind::usage, "a snapshot and one path in it are dumped",
                        "belay backup dump latest /etc/fstab");
        if (!archive_.empty() && archive_ != "tar" && archive_ != "zip")
            return fail(ErrorKind::usage, fmt::format("--archive: \"{}\" cannot be made", archive_),
                        "tar or zip");
        const backup::Repository* repository = TRY(context.open_with_index());
        const std::vector<backup::Snapshot> all = TRY(context.snapshots());
        const backup::ChosenTree chosen =
            TRY(choose_tree(*repository, all, words_.front(), TRY(filter_.filter())));
        const std::string path = backup::clean_path(words_.back());
        const Node node = TRY(find_entry(*repository, chosen.tree, path));
        host::Descriptor file;
        if (!target_.empty()) {
            file = host::Descriptor(::open(target_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (!file) return std::unexpected(system_error(fmt::format("make {}", target_), errno));
        } else if (node.type == NodeType::dir && ::isatty(STDOUT_FILENO) == 1) {
            return fail(ErrorKind::usage, "an archive is nothing for a terminal",
                        "belay backup dump ... > FILE, or --target FILE");
        }
        const int to = file ? file.number() : STDOUT_FILENO;
        const backup::WriteBytes write = [to](std::string_view bytes) { return write_to(to, bytes); };
        if (node.type == NodeType::dir)
            TRY(write_archive(*repository, node.subtree.value_or(chosen.tree), path == "/" ? "" : path,
                              archive_ == "zip" ? ArchiveFormat::zip : ArchiveFormat::tar, write));
        else if (node.type == NodeType::file)
            TRY(write_content(*repository, node, write));
        else
            return fail(ErrorKind::usage, fmt::format("{} is neither a file nor a folder", path),
                        "belay backup ls --long says what it is");
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    FilterOptions filter_;
    std::string archive_, target_;
    std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_dump_command()
{
    return std::make_unique<DumpCommand>();
}

}  // namespace belay::cli
