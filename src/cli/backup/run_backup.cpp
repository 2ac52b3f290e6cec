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
    explicit BackupParser(const CommandGroup& group);
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
    std::string name_;
    CommonOptions common_;
    std::map<const CLI::App*, std::unique_ptr<BackupCommand>> commands_;
};

BackupParser::BackupParser(const CommandGroup& group)
    : app_(top_.add_subcommand(group.name, group.meaning)), name_(group.name)
{
    const auto prepare = [&](CLI::App& app, const char* example) {
        app.set_help_flag();
        app.allow_extras();
        app.footer(fmt::format("Example:\n  {}", example));
        OptionTable options(app);
        group.declare_common(common_, options);
    };
    top_.set_help_flag();
    app_->require_subcommand(0, 1);
    prepare(*app_, group.examples);
    for (const BackupCommandKind& kind : group.commands) {
        // One that is called as its group is all of it.
        const bool is_alone = std::string_view(kind.name) == group.name;
        CLI::App* app = is_alone ? app_ : app_->add_subcommand(kind.name, kind.meaning);
        std::unique_ptr<BackupCommand> command = kind.make();
        OptionTable options(*app);
        command->declare(options);
        if (!is_alone) prepare(*app, kind.example);
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
    words.insert(words.begin(), name_);
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
        TRY(refuse_extras(*app, app == app_ && !commands_.contains(app_)));
    const auto command = commands_.find(&chosen());
    if (command == commands_.end())
        return fail(ErrorKind::usage, fmt::format("\"{}\" needs a command", full_name(chosen())), next);
    return command->second.get();
}

std::vector<CommandWords> BackupParser::commands() const
{
    std::vector<CommandWords> words;
    if (commands_.contains(app_)) words.push_back({name_, options_of(*app_)});
    for (const CLI::App* app : app_->get_subcommands({}))
        words.push_back({name_ + " " + app->get_name(), options_of(*app)});
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

int run_group(const CommandGroup& group, const std::vector<std::string>& words, Console& console,
              const Network* network)
{
    let_go_of_large_memory();
    Style style = console.style();
    BackupParser parser(group);
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
    context.use_network(network);
    const Result<int> code = (*command)->run(context);
    if (!code)
        return say_failure(console, style, common.json, code.error(), context.exit_code_of(code.error()));
    return *code == 0 && console.failed() ? static_cast<int>(BackupExit::failed) : *code;
}

std::vector<CommandWords> words_of_group(const CommandGroup& group)
{
    return BackupParser(group).commands();
}

namespace {

CommandGroup backup_group()
{
    return {"backup", "save files into a repository that restic reads too, and bring them back",
            "belay backup init --repo /srv/backup\n  belay backup run /home --repo /srv/backup\n\n"
            "Environment: RESTIC_REPOSITORY, RESTIC_PASSWORD_FILE and others by restic's names; NO_COLOR.\n"
            "Exit codes: 0 done, 1 failed, 3 some files could not be read, 10 no repository, 11 locked,\n"
            "12 wrong password, 130 interrupted.",
            backup_commands(), [](CommonOptions& common, OptionTable& options) { common.declare(options); }};
}

}  // namespace

int run_backup(const std::vector<std::string>& words, Console& console)
{
    return run_group(backup_group(), words, console);
}

std::vector<CommandWords> backup_command_words()
{
    return words_of_group(backup_group());
}

}  // namespace belay::cli
