#include "backup/repository/client_identity.h"
#include "cli/backup/command.h"
#include "cli/backup/identity_options.h"

namespace belay::cli {
namespace {

class IdentityCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        identity_.declare(options);
        options.word("action", action_, "create or show");
    }

    Result<int> run(BackupContext& context) override
    {
        if (action_ != "create" && action_ != "show")
            return fail(ErrorKind::usage, "identity does one of: create, show", "belay backup identity show");
        const std::string path = identity_.path();
        if (path.empty())
            return fail(ErrorKind::usage, "no file is named for the identity", "--identity FILE");
        const std::string identity =
            TRY(action_ == "create" ? backup::create_identity(path) : backup::read_identity(path));
        const std::string tag = backup::tag_of_identity(identity);
        if (context.options().json)
            context.json(
                {{"message_type", "identity"}, {"identity", identity}, {"file", path}, {"tag", tag}});
        context.out(fmt::format("{}\n", identity));
        if (action_ == "create")
            context.note(
                fmt::format("its key is in {}; keep a copy of it\n"
                            "older snapshots of this machine get it by\n"
                            "  belay backup tag --add {} --host {}\n",
                            clean(context.style(), path), tag, "NAME"));
        return 0;
    }

  private:
    IdentityOptions identity_;
    std::string action_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_identity_command()
{
    return std::make_unique<IdentityCommand>();
}

}  // namespace belay::cli
