#include "cli/backup/run_backup.h"

#include "cli/app_words.h"
#include "cli/backup/command.h"
#include "cli/backup/large_memory.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

namespace belay::cli {
namespace {

/// The parser with the commands that it fills; they stay where they are, for it points at them.
class BackupParser {
  public:
    BackupParser();
    BackupParser(const BackupParser&) = delete;
    BackupParser& operator=(const BackupParser&) = delete;

    /// The command that was asked for; null where help was. Errors: usage.
    Result<BackupCommand*> parse(std::vector<std::string> words);
    CommonOptions& common() { return common_; }
    std::string help() const;
    std::vector<CommandWords> commands() const;

  private:
    const CLI::App& chosen() const;

    CLI::App top_{"", "belay"};
    CLI::App* app_;
    CommonOptions common_;
    std::map<const CLI::App*, std::unique_ptr<BackupCommand>> commands_;
};

BackupParser::BackupParser()
    : app_(top_.add_subcommand("backup",
                               "save files into a repository that restic reads too, and bring them back"))
{
    const auto prepare = [this](CLI::App& app, const char* example) {
        app.set_help_flag();
        app.allow_extras();
        app.footer(fmt::format("Example:\n  {}", example));
        OptionTable options(app);
        common_.declare(options);
    };
    top_.set_help_flag();
    app_->require_subcommand(0, 1);
    prepare(*app_,
            "belay backup init --repo /srv/backup\n  belay backup run /home --repo /srv/backup\n\n"
            "Environment: RESTIC_REPOSITORY, RESTIC_PASSWORD_FILE and others by restic's names; NO_COLOR.\n"
            "Exit codes: 0 done, 1 failed, 3 some files could not be read, 10 no repository, 11 locked,\n"
            "12 wrong password, 130 interrupted.");
    for (const BackupCommandKind& kind : backup_commands()) {
        CLI::App* app = app_->add_subcommand(kind.name, kind.meaning);
        std::unique_ptr<BackupCommand> command = kind.make();
        OptionTable options(*app);
        command->declare(options);
        prepare(*app, kind.example);
        commands_.emplace(app, std::move(command));
    }
}

const CLI::App& BackupParser::chosen() const
{
    const std::vector<CLI::App*> inner = app_->get_subcommands();
    return inner.empty() ? *app_ : *inner.front();
}

std::string BackupParser::help() const
{
    return chosen().help(full_name(*chosen().get_parent()));
}

Result<BackupCommand*> BackupParser::parse(std::vector<std::string> words)
{
    words.insert(words.begin(), "backup");
    std::ranges::reverse(words);  // the library takes them from the back
    std::string problem;
    try {
        top_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        problem = error.what();
    }
    if (common_.help) return nullptr;
    const std::string next = full_name(chosen()) + " --help";
    if (!problem.empty())
        return fail(ErrorKind::usage, fmt::format("\"{}\": {}", full_name(chosen()), problem), next);
    for (const CLI::App* app = &chosen(); app != &top_; app = app->get_parent())
        TRY(refuse_extras(*app, app == app_));
    const auto command = commands_.find(&chosen());
    if (command == commands_.end())
        return fail(ErrorKind::usage, fmt::format("\"{}\" needs a command", full_name(chosen())), next);
    return command->second.get();
}

std::vector<CommandWords> BackupParser::commands() const
{
    std::vector<CommandWords> words;
    for (const CLI::App* app : app_->get_subcommands({}))
        words.push_back({"backup " + app->get_name(), options_of(*app)});
    return words;
}

int say_failure(Console& console, const Style& style, bool json, const Error& error, int code)
{
    // As restic's newer versions: on standard error, for standard output may hold data.
    if (json) {
        console.err(
            json_text(
                {{"message_type", "exit_error"}, {"code", code}, {"message", error.what}, {"error", error}}) +
            '\n');
        return code;
    }
    std::string text = fmt::format("belay: {}\n", clean(style, error.what));
    if (!error.output.empty()) text += fmt::format("  it said: {}\n", clean(style, error.output));
    if (!error.next.empty()) text += fmt::format("  next: {}\n", clean(style, error.next));
    console.err(text);
    return code;
}

}  // namespace

int run_backup(const std::vector<std::string>& words, Console& console)
{
    let_go_of_large_memory();
    Style style = console.style();
    BackupParser parser;
    const Result<BackupCommand*> command = parser.parse(words);
    if (command && *command == nullptr) {
        console.out(parser.help());
        return 0;
    }
    CommonOptions& common = parser.common();
    if (common.no_color) style.colour = false;
    if (!command)
        return say_failure(console, style, common.json, command.error(),
                           static_cast<int>(BackupExit::failed));
    common.take_from_environment();
    BackupContext context(console, style, common);
    const Result<int> code = (*command)->run(context);
    if (!code)
        return say_failure(console, style, common.json, code.error(), context.exit_code_of(code.error()));
    return *code == 0 && console.failed() ? static_cast<int>(BackupExit::failed) : *code;
}

std::vector<CommandWords> backup_command_words()
{
    return BackupParser().commands();
}

}  // namespace belay::cli
