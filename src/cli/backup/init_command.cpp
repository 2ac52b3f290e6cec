#include "cli/backup/command.h"
#include "cli/backup/password.h"
#include "cli/backup/source_options.h"

namespace belay::cli {
namespace {

class InitCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.value("--repository-version", version_, "VERSION", "1, 2, latest or stable: 2 unless said");
        options.flag("--copy-chunker-params", copy_chunker_,
                     "cut files as another repository does, to copy from it");
        from_.declare(options);
    }

    Result<int> run(BackupContext& context) override
    {
        backup::Repository::NewRepository wanted;
        if (version_ == "1" || version_ == "2")
            wanted.version = version_ == "1" ? 1 : 2;
        else if (!version_.empty() && version_ != "latest" && version_ != "stable")
            return fail(ErrorKind::usage, fmt::format("\"{}\" is no version of a repository", version_),
                        "--repository-version 1 or 2");
        if (copy_chunker_) wanted.polynomial = TRY(polynomial_of_other(context));
        std::unique_ptr<backup::Backend> place = TRY(context.place());
        const std::string location = place->location();
        const std::string password = TRY(context.password(true));
        const backup::Repository made = TRY(backup::Repository::create(std::move(place), password, wanted));
        if (context.options().json)
            context.json(
                {{"message_type", "initialized"}, {"id", made.config().id.hex()}, {"repository", location}});
        context.note(fmt::format("made the repository {} at {}\n", made.config().id.hex().substr(0, 10),
                                 clean(context.style(), location)));
        context.note(
            "Without the password nothing can be read from it, by nobody: keep it in a safe place.\n"
            "  next: belay backup run PATH...\n");
        return 0;
    }

  private:
    Result<backup::Polynomial> polynomial_of_other(BackupContext& context) const
    {
        BackupContext source(context, from_);
        return TRY(source.open(std::nullopt))->config().polynomial;
    }

    std::string version_;
    bool copy_chunker_ = false;
    SourceOptions from_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_init_command()
{
    return std::make_unique<InitCommand>();
}

}  // namespace belay::cli
