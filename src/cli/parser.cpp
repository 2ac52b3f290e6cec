#include "cli/app_words.h"
#include "cli/invocation.h"
#include "cli/sense.h"
#include "storage/parse/kinds.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>

namespace belay::cli {
namespace {

/// What was typed where a length of time or a number is wanted; it is read here, and not by the library.
struct Typed {
    std::string timer, gate_grace, soak, extend, limit;
};

/// The parser with the values that it fills; they stay where they are, for it points at them.
class Parser {
  public:
    Parser();
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    Result<Parsed> parse(std::vector<std::string> words);
    std::vector<CommandWords> commands() const;

  private:
    CLI::App* command(CLI::App& parent, Command command, const char* name, const char* meaning,
                      const char* example);
    CLI::App* request(Command which, const char* name, const char* meaning, const char* example);
    void common_options(CLI::App& app);
    void runbook_commands();
    void config_commands();
    CLI::App* config(Command which, const char* name, const char* meaning, const char* example);
    CLI::App* runbook(Command which, const char* name, const char* meaning, const char* example);
    void procedure_option(CLI::App& app);
    void plan_options(CLI::App& app);
    void run_options(CLI::App& app);
    void why_option(CLI::App& app);
    void no_wait_option(CLI::App& app);
    Result<void> check_words(const CLI::App& chosen);
    Result<void> read_typed();

    CLI::App app_{"Change disks under a running service, with the way back kept open until you commit.",
                  "belay"};
    CLI::App* storage_ = nullptr;
    CLI::App* runbook_ = nullptr;
    CLI::App* config_ = nullptr;
    static constexpr const char* backup_name = "backup";
    std::map<const CLI::App*, Command> commands_;
    bool help_ = false;
    bool version_ = false;
    Invocation invocation_;
    Typed typed_;
};

/// The kinds that `parse` knows, for its help.
std::string kinds_text();

Parser::Parser()
{
    app_.set_help_flag();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    app_.footer(
        "Example:\n  belay storage show\n  belay procedures\n\nEnvironment: BELAY_SOCKET, BELAY_STATE_DIR, "
        "NO_COLOR.");
    common_options(app_);
    app_.add_flag("--version", version_, "say which version this is");

    storage_ = app_.add_subcommand("storage", "the disks of this host and what is on them");
    storage_->set_help_flag();
    storage_->allow_extras();
    storage_->require_subcommand(0, 1);
    storage_->footer("Example:\n  belay storage show");
    common_options(*storage_);
    CLI::App* storage_show =
        command(*storage_, Command::storage_show, "show", "show disks, partitions, arrays and filesystems",
                "belay storage show\n  belay storage show md0\n  belay storage show --summary\n"
                "  belay storage show --from host.recording");
    storage_show
        ->add_option("device", invocation_.target,
                     "what stands under it and on it alone: a device, serial number, volume group, pool or "
                     "mount point")
        ->type_name("");
    storage_show->add_flag("--summary", invocation_.summary, "how many there are of each kind");
    CLI::App* health = command(*storage_, Command::storage_health, "health",
                               "what is not as it should be, and what mends it", "belay storage health");
    for (CLI::App* app : {storage_show, health})
        app->add_option("--from", invocation_.from, "look at a recording instead of at this machine")
            ->type_name("FILE");
    CLI::App* record =
        command(*storage_, Command::storage_record, "record",
                "keep all answers of this machine in a file, to be looked at elsewhere",
                "belay storage record host.recording --mask\n  belay storage show --from host.recording");
    record->add_option("file", invocation_.file, "a new file, or - for standard output")->type_name("");
    record->add_flag("--mask", invocation_.mask, "replace serial numbers by pseudonyms");

    command(*storage_, Command::storage_ports, "ports", "which disk is at which port of which controller",
            "belay storage ports");
    CLI::App* monitor = command(*storage_, Command::storage_monitor, "monitor",
                                "what happened to the arrays while belayd watched them",
                                "belay storage monitor --follow\n  belay storage monitor --test");
    monitor->add_flag("--follow", invocation_.follow, "show each alarm as it comes, until Ctrl-C");
    monitor->add_flag("--test", invocation_.test, "raise an alarm of nothing, to see who hears it");
    monitor->add_option("--limit", typed_.limit, "the newest so many")->type_name("NUMBER");
    CLI::App* esp_sync = command(*storage_, Command::storage_esp_sync, "esp-sync",
                                 "bring the copies of the EFI system partition up to date",
                                 "belay storage esp-sync --dry-run");
    esp_sync->add_flag("--dry-run", invocation_.dry_run, "say what differs, and write nothing");

    CLI::App* procedures =
        command(app_, Command::procedures, "procedures", "list what Belay can do, or explain one procedure",
                "belay procedures disk.replace");
    procedures->add_option("name", invocation_.target, "a procedure, as disk.replace")->type_name("");

    CLI::App* plan =
        command(app_, Command::plan, "plan", "make, check and show a plan, and keep it; nothing is touched",
                "belay plan disk.replace --leaving sda --joining sdc");
    procedure_option(*plan);
    plan_options(*plan);
    plan->add_flag("--dry-run", invocation_.dry_run, "show the plan and do not keep it");

    CLI::App* add = command(app_, Command::add, "add",
                            "prepare: a procedure with its arguments, or an operation that was planned",
                            "belay add disk.replace --leaving sda --joining sdc --timer 4h\n  belay add 7");
    procedure_option(*add);
    plan_options(*add);
    no_wait_option(*add);

    CLI::App* run = command(app_, Command::run, "run",
                            "add, activate and commit in one go; there is no way back after it",
                            "belay run disk.replace --leaving sda --joining sdc --soak 30s --yes");
    procedure_option(*run);
    plan_options(*run);
    run_options(*run);

    runbook_commands();
    config_commands();
    // Has a parser of its own, for its commands and options are restic's: run_backup().
    app_.add_subcommand(backup_name,
                        "save files into a repository that restic reads too, and bring them back");

    request(Command::activate, "activate", "switch to the new, under the abort timer", "belay activate 7");
    request(Command::commit, "commit", "let the old go; there is no way back after it", "belay commit 7");
    request(Command::abort, "abort", "go back to what was before", "belay abort 7 --why 'errors on sdc'");
    request(Command::clear, "clear", "give up an operation that can go neither way; says what is left behind",
            "belay clear 7");

    CLI::App* timer = command(app_, Command::timer, "timer", "show or change the abort timer of an operation",
                              "belay timer 7 --extend 2h");
    timer->add_option("operation", invocation_.target, "its number")->type_name("");
    timer->add_flag("--stop", invocation_.stop, "stop it: nothing aborts by itself any more");
    timer->add_flag("--restart", invocation_.restart, "start it anew with its whole length");
    timer->add_option("--extend", typed_.extend, "give it so much more")->type_name("TIME");
    why_option(*timer);

    CLI::App* show = command(app_, Command::show, "show",
                             "show the operations that have not ended, or one in full", "belay show 7");
    show->add_option("operation", invocation_.target, "its number")->type_name("");
    show->add_flag("--journal", invocation_.journal, "its journal, record by record");
    show->add_flag("--follow", invocation_.follow,
                   "watch it until it has ended or is held, the soak included");
    no_wait_option(*show);

    CLI::App* history = command(app_, Command::history, "history", "show all operations, the ended ones too",
                                "belay history --audit");
    history->add_flag("--audit", invocation_.audit, "who asked for what, when, and from where");
    history->add_option("--limit", typed_.limit, "the newest so many")->type_name("NUMBER");

    CLI::App* clean = command(app_, Command::clean, "clean", "remove what no operation needs any more",
                              "belay clean --dry-run");
    clean->add_flag("--dry-run", invocation_.dry_run, "say what would go, and remove nothing");

    CLI::App* parse =
        command(app_, Command::parse, "parse", "read what a storage tool prints, and write it as JSON",
                "belay parse mdstat < /proc/mdstat\n  mdadm --detail /dev/md0 | belay parse mdadm-detail");
    parse->add_option("kind", invocation_.target, "what the text is")->type_name("");
    parse->footer(parse->get_footer() + kinds_text());

    command(app_, Command::version, "version", "say which version this is", "belay version");
}

std::string kinds_text()
{
    std::string text = "\n\nKinds, and what prints them:";
    for (const storage::parse::Kind& kind : storage::parse::kinds())
        text += fmt::format("\n  {:<14} {}: {}", kind.name, kind.summary, kind.example);
    return text;
}

void Parser::runbook_commands()
{
    runbook_ = app_.add_subcommand("runbook", "procedures of your own, as TOML files");
    runbook_->set_help_flag();
    runbook_->allow_extras();
    runbook_->require_subcommand(0, 1);
    runbook_->footer("Example:\n  belay runbook lint web.toml");
    common_options(*runbook_);
    runbook(Command::runbook_lint, "lint", "say what is wrong with a runbook; nothing is run",
            "belay runbook lint web.toml");
    const auto set = [&](CLI::App* app) {
        app->add_option("--set", invocation_.set, "the value of a variable; may be repeated")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
        plan_options(*app);
        return app;
    };
    CLI::App* plan = set(runbook(Command::runbook_plan, "plan",
                                 "make, check and show a plan, and keep it; nothing is touched",
                                 "belay runbook plan web.toml --set service=nginx --dry-run"));
    plan->add_flag("--dry-run", invocation_.dry_run, "show the plan and do not keep it");
    no_wait_option(*set(runbook(Command::runbook_add, "add", "make a plan of a runbook, and prepare",
                                "belay runbook add web.toml --set service=nginx --timer 1h")));
    run_options(*set(runbook(Command::runbook_run, "run",
                             "add, activate and commit in one go; there is no way back after it",
                             "belay runbook run web.toml --set service=nginx --soak 30s --yes")));
}

CLI::App* Parser::runbook(Command which, const char* name, const char* meaning, const char* example)
{
    CLI::App* app = command(*runbook_, which, name, meaning, example);
    app->add_option("file", invocation_.target, "the runbook, a TOML file")->type_name("");
    return app;
}

void Parser::config_commands()
{
    config_ =
        app_.add_subcommand("config", "the configuration of the site: hosts, applications, people, alarms");
    config_->set_help_flag();
    config_->allow_extras();
    config_->require_subcommand(0, 1);
    config_->footer("Example:\n  belay config export > site.toml\n  belay config apply site.toml");
    common_options(*config_);
    CLI::App* get =
        config(Command::config_get, "get", "show what is configured, as TOML",
               "belay config get\n  belay config get application\n  belay config get application 'stat "
               "server'");
    CLI::App* edit = config(Command::config_edit, "edit", "change one object in your editor, and apply it",
                            "belay config edit application 'stat server' --why 'more memory'");
    for (CLI::App* app : {get, edit}) {
        app->add_option("type", invocation_.target, "a type, as host or application")->type_name("");
        app->add_option("name", invocation_.name, "the name of one object")->type_name("");
    }
    CLI::App* check =
        config(Command::config_check, "check",
               "say all that is wrong with a file that describes a whole site; no daemon is asked",
               "belay config check site.toml");
    CLI::App* diff = config(Command::config_diff, "diff", "say what a file would change, and what that does",
                            "belay config diff site.toml --mode whole");
    CLI::App* apply =
        config(Command::config_apply, "apply",
               "change what a file says; unless it is committed within its timer, it returns by itself",
               "belay config apply more-memory.toml --timer 30m");
    CLI::App* import = config(Command::config_import, "import",
                              "make the site what a file says: what it does not name is removed",
                              "belay config import site.toml");
    config(Command::config_export, "export", "write the whole as TOML, to be compared, kept and imported",
           "belay config export > site.toml");
    for (CLI::App* app : {check, diff, apply, import})
        app->add_option("file", invocation_.target, "a TOML file, or - for standard input")->type_name("");
    for (CLI::App* app : {diff, apply})
        app->add_option(
               "--mode", invocation_.mode,
               "what the file does not name: merge, it stays (unless told); objects, other objects stay; "
               "whole, they are removed")
            ->type_name("MODE");
    CLI::App* history =
        config(Command::config_history, "history", "who changed the configuration, when and why",
               "belay config history --limit 20");
    history->add_option("--limit", typed_.limit, "the newest so many")->type_name("NUMBER");
    CLI::App* revert = config(Command::config_revert, "revert",
                              "return to an earlier version, as a new change", "belay config revert 12");
    revert->add_option("version", invocation_.target, "as belay config history names it")->type_name("");
    for (CLI::App* app : {edit, apply, import, revert}) {
        plan_options(*app);
        no_wait_option(*app);
    }
}

CLI::App* Parser::config(Command which, const char* name, const char* meaning, const char* example)
{
    return command(*config_, which, name, meaning, example);
}

CLI::App* Parser::command(CLI::App& parent, Command which, const char* name, const char* meaning,
                          const char* example)
{
    CLI::App* app = parent.add_subcommand(name, meaning);
    app->set_help_flag();
    // What is not known here belongs to a procedure, or is refused by check_words().
    app->allow_extras();
    app->footer(fmt::format("Example:\n  {}", example));
    common_options(*app);
    commands_.emplace(app, which);
    return app;
}

CLI::App* Parser::request(Command which, const char* name, const char* meaning, const char* example)
{
    CLI::App* app = command(app_, which, name, meaning, example);
    app->add_option("operation", invocation_.target, "its number")->type_name("");
    why_option(*app);
    no_wait_option(*app);
    return app;
}

void Parser::common_options(CLI::App& app)
{
    app.add_flag("-h,--help", help_, "show this help");
    app.add_flag("--json", invocation_.json, "write JSON");
    app.add_option("--socket", invocation_.socket, "the daemon's socket")
        ->type_name("PATH")
        ->envname("BELAY_SOCKET");
    app.add_option("--state-dir", invocation_.state_folder, "where a daemon that is started keeps its state")
        ->type_name("PATH")
        ->envname("BELAY_STATE_DIR");
    app.add_flag("--no-color", invocation_.no_color, "no colours");
}

void Parser::procedure_option(CLI::App& app)
{
    app.add_option("procedure", invocation_.target, "a procedure, followed by its own --name VALUE arguments")
        ->type_name("");
}

void Parser::run_options(CLI::App& app)
{
    app.add_option("--soak", typed_.soak, "wait so long, with the gates watched, before the commit")
        ->type_name("TIME");
    app.add_flag("--yes", invocation_.yes, "do not ask; needed where there is no terminal to ask on");
    no_wait_option(app);
}

void Parser::plan_options(CLI::App& app)
{
    app.add_option("--timer", typed_.timer, "abort by itself so long after activate, unless committed")
        ->type_name("TIME");
    app.add_option(
           "--gate", invocation_.gates,
           "must hold through the soak: array:NAME, command:PROGRAM, tcp:HOST:PORT, http://...; may be "
           "repeated")
        ->type_name("GATE")
        ->allow_extra_args(false);
    app.add_option("--gate-grace", typed_.gate_grace, "abort when a gate is broken for so long")
        ->type_name("TIME");
    why_option(app);
}

void Parser::why_option(CLI::App& app)
{
    app.add_option("--why", invocation_.why, "the reason, for the history")->type_name("TEXT");
}

void Parser::no_wait_option(CLI::App& app)
{
    app.add_flag("--no-wait", invocation_.no_wait, "do not follow the operation");
}

/// Refuses what no option and no command took.
Result<void> Parser::check_words(const CLI::App& chosen)
{
    const std::vector<std::string> extra = chosen.remaining();
    const auto found = commands_.find(&chosen);
    const bool takes_words =
        found != commands_.end() &&
        (found->second == Command::plan || found->second == Command::add || found->second == Command::run);
    if (takes_words) {
        invocation_.words = extra;
        return {};
    }
    return refuse_extras(chosen, found == commands_.end());
}

Result<void> Parser::read_typed()
{
    if (!typed_.timer.empty()) invocation_.timer = TRY(parse_span(typed_.timer));
    if (!typed_.gate_grace.empty()) invocation_.gate_grace = TRY(parse_span(typed_.gate_grace));
    if (!typed_.soak.empty()) invocation_.soak = TRY(parse_span(typed_.soak));
    if (!typed_.extend.empty()) invocation_.extend = TRY(parse_span(typed_.extend));
    if (typed_.limit.empty()) return {};
    const char* end = typed_.limit.data() + typed_.limit.size();
    uint64_t limit = 0;
    const auto [stopped, problem] = std::from_chars(typed_.limit.data(), end, limit);
    if (problem != std::errc{} || stopped != end || limit == 0)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is not a number of entries", typed_.limit),
                    "belay history --help");
    invocation_.limit = limit;
    return {};
}

Result<Parsed> Parser::parse(std::vector<std::string> words)
{
    std::ranges::reverse(words);  // the library takes them from the back
    std::string problem;
    try {
        app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
        problem = error.what();
    }
    const CLI::App* chosen = &app_;
    while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
    const std::string next = full_name(*chosen) + " --help";
    if (help_) {
        const CLI::App* parent = chosen->get_parent();
        return Parsed{invocation_, chosen->help(parent == nullptr ? "" : full_name(*parent))};
    }
    if (!problem.empty())
        return fail(ErrorKind::usage, fmt::format("\"{}\": {}", full_name(*chosen), problem), next);
    for (const CLI::App* app = chosen; app != nullptr; app = app->get_parent()) TRY(check_words(*app));
    const auto command = commands_.find(chosen);
    if (command == commands_.end()) {
        if (!version_)
            return fail(ErrorKind::usage, fmt::format("\"{}\" needs a command", full_name(*chosen)), next);
        invocation_.command = Command::version;
    } else {
        invocation_.command = command->second;
    }
    TRY(read_typed());
    TRY(check_sense(invocation_));
    return Parsed{invocation_, std::nullopt};
}

std::vector<CommandWords> Parser::commands() const
{
    std::vector<CommandWords> commands{{"", options_of(app_)}};
    for (const CLI::App* app : app_.get_subcommands({})) {
        if (app != storage_ && app != runbook_ && app != config_ && app->get_name() != backup_name)
            commands.push_back({app->get_name(), options_of(*app)});
    }
    for (const CLI::App* parent : {storage_, runbook_, config_}) {
        for (const CLI::App* app : parent->get_subcommands({}))
            commands.push_back({parent->get_name() + ' ' + app->get_name(), options_of(*app)});
    }
    return commands;
}

}  // namespace

Result<Parsed> parse_command_line(const std::vector<std::string>& words)
{
    Parser parser;
    return parser.parse(words);
}

std::vector<CommandWords> all_commands()
{
    return Parser().commands();
}

}  // namespace belay::cli
