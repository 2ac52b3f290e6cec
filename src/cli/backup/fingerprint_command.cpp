#include "backup/view/content_fingerprint.h"
#include "cli/backup/command.h"
#include "host/real.h"

#include <filesystem>

namespace belay::cli {
namespace {

class FingerprintCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.word("path", path_, "a folder, or a block device that nobody uses, or an image file");
    }

    Result<int> run(BackupContext& context) override
    {
        if (path_.empty())
            return fail(ErrorKind::usage, "no folder and no device is named",
                        "belay backup fingerprint /srv/data");
        const bool tree = std::filesystem::is_directory(path_);
        const std::unique_ptr<host::Host> host = host::real_host();
        const backup::ContentFingerprint found =
            TRY(tree ? backup::fingerprint_of_tree(path_) : backup::fingerprint_of_device(*host, path_));
        if (context.options().json)
            context.json({{"message_type", "fingerprint"},
                          {"kind", tree ? "tree" : "device"},
                          {tree ? "entries" : "bytes_used", found.count},
                          {"sha256", found.sha256}});
        else
            context.note(fmt::format("{}  {}\n", found.sha256, clean(context.style(), path_)));
        return 0;
    }

  private:
    std::string path_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_fingerprint_command()
{
    return std::make_unique<FingerprintCommand>();
}

}  // namespace belay::cli
