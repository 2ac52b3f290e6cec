#include "cli/parser.h"

#include "cli/backup/times.h"
#include "cli/environment.h"
#include "cli/parse_kinds.h"
#include "cli/sense.h"

#include <algorithm>
#include <charconv>

namespace belay::cli {
namespace {

/// A length of time back, or a point in time.
Result<void> read_moment(const char* option, const std::string& typed, std::optional<Milliseconds>& into,
                         bool& is_ago)
{
    if (typed.empty()) return {};
    if (const Result<Milliseconds> span = parse_span(typed)) {
        into = *span;
        is_ago = true;
        return {};
    }
    const backup::Timestamp point = TRY(read_time(option, typed));
    into = Milliseconds(point.seconds * 1000 + point.nanoseconds / 1'000'000);
    return {};
}

}  // namespace

Parser::Parser()
{
    app_.set_help_flag();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    app_.footer(
        "Example:\n  belay storage show\n  belay procedures\n\nEnvironment: BELAY_SOCKET, BELAY_STATE_DIR, "
        "BELAY_SITE, NO_COLOR.");
    common_options(app_);
    app_.add_flag("--version", version_, "say which version this is");

    storage_commands();
    image_commands();
    CLI::App* procedures =
        command(app_, Command::procedures, "procedures", "list what Belay can do, or explain one procedure",
                "belay procedures disk.replace");
    procedures->add_option("name", invocation_.target, "a procedure, as disk.replace")->type_name("");

    CLI::App* plan =
        command(app_, Command::plan, "plan", "make, check and show a plan, and keep it; nothing is touched",
                "belay plan disk.replace --leaving sda --joining sdc");
    procedure_option(*plan);
    plan_options(*plan);
    hosts_options(*plan);
    plan->add_flag("--dry-run", invocation_.dry_run, "show the plan and do not keep it");

    CLI::App* add = command(app_, Command::add, "add",
                            "prepare: a procedure with its arguments, or an operation that was planned",
                            "belay add disk.replace --leaving sda --joining sdc --timer 4h\n  belay add 7");
    procedure_option(*add);
    plan_options(*add);
    hosts_options(*add);
    no_wait_option(*add);

    CLI::App* run = command(app_, Command::run, "run",
                            "add, activate and commit in one go; there is no way back after it",
                            "belay run disk.replace --leaving sda --joining sdc --soak 30s --yes");
    procedure_option(*run);
    plan_options(*run);
    run_options(*run);

    runbook_commands();
    config_commands();
    site_commands();
    // Has a parser of its own, for its commands and options are restic's: run_backup().
    app_.add_subcommand("backup", "save files into a repository that restic reads too, and bring them back");
    // The same: run_catalog() and run_restore().
    app_.add_subcommand("catalog", "know which machines were saved where, and find their files");
    app_.add_subcommand("restore", "bring back a path of a machine, from wherever the catalog finds it");

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
        command(app_, Command::parse, "parse", "read what a tool or a device prints, and write it as JSON",
                "belay parse mdstat < /proc/mdstat\n  mdadm --detail /dev/md0 | belay parse mdadm-detail\n  "
                "ssh SWITCH \"show version\" | belay parse \"iosxe:show version\"");
    parse->add_option("kind", invocation_.target, "what the text is")->type_name("");
    parse->footer(parse->get_footer() + parse_kinds_text());

    command(app_, Command::version, "version", "say which version this is", "belay version");
}

void Parser::runbook_commands()
{
    group(runbook_, "runbook", "procedures of your own, as TOML files", "belay runbook lint web.toml");
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
    CLI::App* add = set(runbook(Command::runbook_add, "add", "make a plan of a runbook, and prepare",
                                "belay runbook add web.toml --set service=nginx --timer 1h\n"
                                "  belay runbook add web.toml --on web2,web1 --waves 1"));
    no_wait_option(*add);
    for (CLI::App* app : {plan, add}) hosts_options(*app);
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

CLI::App& Parser::group(CLI::App*& group, const char* name, const char* meaning, const char* example)
{
    group = app_.add_subcommand(name, meaning);
    group->set_help_flag();
    group->allow_extras();
    group->require_subcommand(0, 1);
    group->footer(fmt::format("Example:\n  {}", example));
    common_options(*group);
    return *group;
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
    app.add_option("--socket", invocation_.socket, "the daemon's socket (BELAY_SOCKET)")->type_name("PATH");
    app.add_option("--state-dir", invocation_.state_folder, "where a daemon that is started keeps its state")
        ->type_name("PATH")
        ->envname("BELAY_STATE_DIR");
    app.add_option("--site", invocation_.site,
                   "ask the controllers of a site that you have logged in to (BELAY_SITE)")
        ->type_name("NAME");
    app.add_option("--proxy", invocation_.proxy,
                   "ask the proxy of this host's branch, which answers while no controller does")
        ->type_name("HOST:PORT")
        ->excludes("--site");
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

void Parser::hosts_options(CLI::App& app)
{
    app.add_option(
           "--on", typed_.hosts,
           "on a controller: do it on these hosts together, in this order; all of them end the same way")
        ->type_name("HOST,...");
    app.add_option(
           "--waves", typed_.waves,
           "with --on: how many hosts are switched at once, wave by wave; the rest follow together. One, "
           "then a tenth, then the rest unless told")
        ->type_name("N,...");
    app.add_option("--wave-soak", typed_.wave_soak,
                   "with --on: wait so long between two waves; 1m unless told")
        ->type_name("TIME");
    app.add_option("--failures", typed_.failures,
                   "with --on: so many hosts may fail and are left out; none unless told")
        ->type_name("N");
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

namespace {

std::vector<std::string> between_commas(const std::string& text)
{
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= text.size();) {
        const size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin) parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

Result<uint64_t> count_of(const std::string& text, std::string_view option)
{
    uint64_t count = 0;
    const char* begin = text.c_str();
    const char* end = begin + text.size();
    const auto [stopped, problem] = std::from_chars(begin, end, count);
    if (problem != std::errc{} || stopped != end || text.empty())
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" is no number of hosts, and {} wants one", text, option),
                    "belay add --help");
    return count;
}

}  // namespace

Result<void> Parser::read_hosts()
{
    invocation_.hosts = between_commas(typed_.hosts);
    for (const std::string& wave : between_commas(typed_.waves))
        invocation_.waves.push_back(TRY(count_of(wave, "--waves")));
    if (!typed_.failures.empty()) invocation_.failures = TRY(count_of(typed_.failures, "--failures"));
    if (!typed_.wave_soak.empty()) invocation_.wave_soak = TRY(parse_span(typed_.wave_soak));
    if (invocation_.hosts.empty() &&
        (!invocation_.waves.empty() || invocation_.failures || invocation_.wave_soak))
        return fail(ErrorKind::usage,
                    "--waves, --wave-soak and --failures are for what is done on several hosts",
                    "the same, with --on HOST,HOST");
    return {};
}

/// Who is asked: what was typed goes before the environment. Not by the library, which cannot tell one from
/// the other.
void Parser::read_surroundings()
{
    const bool is_typed =
        !invocation_.site.empty() || !invocation_.proxy.empty() || !invocation_.socket.empty();
    if (invocation_.socket.empty()) invocation_.socket = environment("BELAY_SOCKET");
    if (!is_typed) invocation_.site = environment("BELAY_SITE");
}

Result<void> Parser::read_typed()
{
    TRY(read_hosts());
    if (!typed_.timer.empty()) invocation_.timer = TRY(parse_span(typed_.timer));
    if (!typed_.gate_grace.empty()) invocation_.gate_grace = TRY(parse_span(typed_.gate_grace));
    if (!typed_.soak.empty()) invocation_.soak = TRY(parse_span(typed_.soak));
    if (!typed_.valid.empty()) invocation_.valid = TRY(parse_span(typed_.valid));
    if (!typed_.lasts.empty()) invocation_.lasts = TRY(parse_span(typed_.lasts));
    if (!typed_.extend.empty()) invocation_.extend = TRY(parse_span(typed_.extend));
    TRY(read_moment("--since", typed_.since, invocation_.since, invocation_.since_is_ago));
    TRY(read_moment("--until", typed_.until, invocation_.until, invocation_.until_is_ago));
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
    read_surroundings();
    TRY(read_typed());
    TRY(check_sense(invocation_));
    return Parsed{invocation_, std::nullopt};
}

std::vector<CommandWords> Parser::commands() const
{
    std::vector<CommandWords> commands{{"", options_of(app_)}};
    for (const CLI::App* app : app_.get_subcommands({})) {
        if (std::ranges::find(own_parsers, app->get_name()) != std::end(own_parsers)) continue;
        if (app->get_subcommands({}).empty()) commands.push_back({app->get_name(), options_of(*app)});
        for (const CLI::App* child : app->get_subcommands({}))
            commands.push_back({app->get_name() + ' ' + child->get_name(), options_of(*child)});
    }
    return commands;
}

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
