// The commands about a site: its configuration, its hosts, and the people who may use it.

#include "cli/parser.h"

namespace belay::cli {

void Parser::config_commands()
{
    group(config_, "config", "the configuration of the site: hosts, applications, people, alarms",
          "belay config export > site.toml\n  belay config apply site.toml");
    CLI::App* get =
        command(*config_, Command::config_get, "get", "show what is configured, as TOML",
                "belay config get\n  belay config get application\n  belay config get application 'stat "
                "server'");
    CLI::App* edit =
        command(*config_, Command::config_edit, "edit", "change one object in your editor, and apply it",
                "belay config edit application 'stat server' --why 'more memory'");
    for (CLI::App* app : {get, edit}) {
        app->add_option("type", invocation_.target, "a type, as host or application")->type_name("");
        app->add_option("name", invocation_.name, "the name of one object")->type_name("");
    }
    CLI::App* check =
        command(*config_, Command::config_check, "check",
                "say all that is wrong with a file that describes a whole site; no daemon is asked",
                "belay config check site.toml");
    CLI::App* diff =
        command(*config_, Command::config_diff, "diff", "say what a file would change, and what that does",
                "belay config diff site.toml --mode whole");
    CLI::App* apply =
        command(*config_, Command::config_apply, "apply",
                "change what a file says; unless it is committed within its timer, it returns by itself",
                "belay config apply more-memory.toml --timer 30m");
    CLI::App* import = command(*config_, Command::config_import, "import",
                               "make the site what a file says: what it does not name is removed",
                               "belay config import site.toml");
    command(*config_, Command::config_export, "export",
            "write the whole as TOML, to be compared, kept and imported", "belay config export > site.toml");
    for (CLI::App* app : {check, diff, apply, import})
        app->add_option("file", invocation_.target, "a TOML file, or - for standard input")->type_name("");
    for (CLI::App* app : {diff, apply})
        app->add_option(
               "--mode", invocation_.mode,
               "what the file does not name: merge, it stays (unless told); objects, other objects stay; "
               "whole, they are removed")
            ->type_name("MODE");
    CLI::App* history =
        command(*config_, Command::config_history, "history", "who changed the configuration, when and why",
                "belay config history --limit 20");
    history->add_option("--limit", typed_.limit, "the newest so many")->type_name("NUMBER");
    CLI::App* revert = command(*config_, Command::config_revert, "revert",
                               "return to an earlier version, as a new change", "belay config revert 12");
    revert->add_option("version", invocation_.target, "as belay config history names it")->type_name("");
    for (CLI::App* app : {edit, apply, import, revert}) {
        plan_options(*app);
        no_wait_option(*app);
    }
}

void Parser::site_commands()
{
    CLI::App* status =
        command(app_, Command::status, "status",
                "how this host stands, its load, applications, solutions and operations; on a controller "
                "those of the whole site",
                "belay status\n  belay status --follow\n  belay --site branch-3 status");
    status->add_flag("--follow", invocation_.follow,
                     "go on with what comes, until you end it; on a terminal in place");
    host_commands();
    CLI::App* device =
        command(app_, Command::device, "device",
                "the devices that are upgraded over their own command lines, or how one of them stands",
                "belay device\n  belay device core\n  belay plan pair.upgrade --pair core --version 17.9.5 "
                "--image /srv/images/cat9k_iosxe.17.09.05.SPA.bin");
    device->add_option("device", invocation_.target, "its name, as it is configured")->type_name("");
    app_commands();
    message_commands();
    solution_commands();
    alarm_commands();
    account_commands();
    people_commands();
    media_commands();
}

void Parser::host_commands()
{
    group(host_, "host", "this host, and the hosts of the site",
          "belay host show\n  belay host invite --name web1\n  belay host list");
    CLI::App* invite =
        command(*host_, Command::host_invite, "invite", "make an invitation for one host; it is good once",
                "belay host invite --name web1 --valid 2h");
    invite
        ->add_option("--name", invocation_.name,
                     "what the host will be called; as it calls itself unless told")
        ->type_name("NAME");
    invite->add_option("--role", invocation_.role, "agent (unless told), proxy or controller")
        ->type_name("ROLE");
    invite->add_option("--valid", typed_.valid, "how long it may be used; 1h unless told")->type_name("TIME");
    CLI::App* list = command(*host_, Command::host_list, "list", "the hosts, and whether they are there",
                             "belay host list\n  belay host list web1");
    CLI::App* show = command(
        *host_, Command::host_show, "show",
        "one host: processor, memory, disks, its applications, and the processes that nobody watches; "
        "this one unless told",
        "belay host show\n  belay host show web1 --follow");
    show->add_flag("--follow", invocation_.follow,
                   "go on with what comes, until you end it; on a terminal in place");
    CLI::App* maintenance =
        command(*host_, Command::host_maintenance, "maintenance",
                "stop what runs on a host and start nothing there, for somebody works on it; or end that",
                "belay host maintenance web1 on --dry-run\n"
                "  belay host maintenance web1 on --why 'new memory' --for 2h\n"
                "  belay host maintenance web1 off");
    maintenance->add_flag("--dry-run", invocation_.dry_run, "say what would be stopped or started");
    maintenance->add_option("--for", typed_.lasts, "with on: it ends by itself so long after it has begun")
        ->type_name("TIME");
    no_wait_option(*maintenance);
    CLI::App* revoke = command(*host_, Command::host_revoke, "revoke",
                               "shut a host out, from now on and for good; to come back it has to be invited",
                               "belay host revoke web1 --why 'stolen'");
    CLI::App* rename = command(*host_, Command::host_rename, "rename", "call a host otherwise",
                               "belay host rename web1 web-north-1");
    CLI::App* renew =
        command(*host_, Command::host_renew, "renew",
                "have a host make another key and get another certificate now", "belay host renew web1");
    for (CLI::App* app : {list, show, revoke, rename, renew})
        app->add_option("host", invocation_.target, "its name or number")->type_name("");
    maintenance->add_option("host", invocation_.target, "its name, as it is configured")->type_name("");
    maintenance->add_option("state", invocation_.verb, "on or off")->type_name("");
    rename->add_option("name", invocation_.name, "what it will be called")->type_name("");
    revoke->add_flag("--yes", invocation_.yes, "do not ask; needed where there is no terminal to ask on");
    for (CLI::App* app : {invite, maintenance, revoke, rename, renew}) why_option(*app);
}

void Parser::app_commands()
{
    group(applications_, "app", "the applications of this host: how they stand, start and stop",
          "belay app list\n  belay app start 'stat server'");
    CLI::App* list = command(*applications_, Command::app_list, "list", "all of them, and how they stand",
                             "belay app list\n  belay app list --follow");
    CLI::App* show =
        command(*applications_, Command::app_show, "show",
                "how one stands, what it waits for and what it uses", "belay app show 'stat server'");
    CLI::App* start =
        command(*applications_, Command::app_start, "start",
                "start one, and keep it running, also after the next boot", "belay app start 'stat server'");
    CLI::App* stop = command(*applications_, Command::app_stop, "stop",
                             "stop one; it stays so, also after the next boot, until it is started",
                             "belay app stop 'stat server' --why 'new licence'");
    CLI::App* restart =
        command(*applications_, Command::app_restart, "restart",
                "stop one and start it again, as it is configured now", "belay app restart 'stat server'");
    CLI::App* suspend =
        command(*applications_, Command::app_suspend, "suspend",
                "let one finish what it has, and take nothing new", "belay app suspend proxy");
    CLI::App* resume = command(*applications_, Command::app_resume, "resume",
                               "let one that is suspended serve again", "belay app resume proxy");
    CLI::App* log =
        command(*applications_, Command::app_log, "log", "what one has printed",
                "belay app log 'stat server' --lines 200\n  belay app log 'stat server' --follow");
    CLI::App* pairs = command(*applications_, Command::app_pairs, "pairs",
                              "the pairs of applications, and who of each serves",
                              "belay app pairs\n  belay app pairs --follow");
    CLI::App* switch_over =
        command(*applications_, Command::app_switch_over, "switch-over",
                "let the other application of a pair serve", "belay app switch-over 'stat servers'");
    switch_over->add_option("pair", invocation_.target, "its name, or that of one of its applications")
        ->type_name("");
    switch_over->add_flag("--dry-run", invocation_.dry_run, "say who would serve, and do nothing");
    for (CLI::App* app : {show, start, stop, restart, suspend, resume, log})
        app->add_option("application", invocation_.target, "its name")->type_name("");
    for (CLI::App* app : {start, stop, restart, suspend, resume}) {
        no_wait_option(*app);
        why_option(*app);
    }
    for (CLI::App* app : {list, log, pairs})
        app->add_flag("--follow", invocation_.follow, "go on with what comes, until you end it");
    log->add_option("--lines", typed_.limit, "the newest so many; 100 unless told")->type_name("NUMBER");
}

void Parser::message_commands()
{
    CLI::App* messages =
        command(app_, Command::messages, "messages",
                "what applications and Belay itself have said and printed, the newest at the end",
                "belay messages --level alarm --since 2d\n"
                "  belay messages --app 'stat server' --grep timeout\n"
                "  belay messages --follow --language de\n"
                "  belay messages explain 03-00020");
    messages->add_option("explain", invocation_.verb, "explain: what an event is, and what to do about it")
        ->type_name("");
    messages->add_option("event", invocation_.target, "the id of the event")->type_name("");
    messages
        ->add_option("--language", invocation_.language,
                     "texts of known events in this language, as de; that of your locale unless told")
        ->type_name("LANGUAGE");
    messages->add_flag("--follow", invocation_.follow, "go on with what comes, until you end it");
    messages
        ->add_option("--level", invocation_.level,
                     "alarm, standard, interaction, trace or debug: this one and more important ones")
        ->type_name("LEVEL");
    messages->add_option("--app", invocation_.application, "of one application alone")->type_name("NAME");
    messages->add_option("--host", invocation_.host, "of one host alone")->type_name("NAME");
    messages->add_option("--id", invocation_.id, "of one event, as 03-00020")->type_name("ID");
    messages
        ->add_option("--interaction", invocation_.interaction,
                     "of one piece of work on its way through the applications")
        ->type_name("NAME");
    messages
        ->add_option("--since", typed_.since,
                     "not older than a length of time, as 2h, or than a point in time, as '2026-11-29 14:00'")
        ->type_name("TIME");
    messages->add_option("--until", typed_.until, "older than that")->type_name("TIME");
    messages->add_option("--grep", invocation_.text, "with this in their text, in capitals or not")
        ->type_name("TEXT");
    messages->add_option("--limit", typed_.limit, "the newest so many; 100 unless told")->type_name("NUMBER");
}

void Parser::alarm_commands()
{
    CLI::App* list = command(app_, Command::alarm_list, "alarms", "the alarms that are raised",
                             "belay alarms\n  belay alarms --all --limit 50\n  belay alarms --follow");
    list->add_flag("--all", invocation_.all, "those that have ended as well");
    list->add_flag("--follow", invocation_.follow, "go on with what comes, until you end it");
    list->add_flag("--conditions", invocation_.conditions, "what can raise one, and what a person does then");
    list->add_option("--limit", typed_.limit, "the newest so many")->type_name("NUMBER");
    group(alarm_, "alarm", "one alarm, or one condition that raises alarms",
          "belay alarm show 12\n  belay alarm ack 12 --note 'on my way'");
    CLI::App* show = command(*alarm_, Command::alarm_show, "show", "everything about one, and what was done",
                             "belay alarm show 12");
    CLI::App* acknowledge = command(*alarm_, Command::alarm_acknowledge, "ack", "say that you have seen it",
                                    "belay alarm ack 12 --note 'on my way'");
    for (CLI::App* app : {show, acknowledge})
        app->add_option("number", invocation_.target, "its number")->type_name("");
    CLI::App* mute = command(
        *alarm_, Command::alarm_mute, "mute", "let nothing be done about alarms of a condition for a while",
        "belay alarm mute host-disk --for 2h --note 'the disk is on its way'\n  belay alarm mute "
        "host-disk --for 0s");
    mute->add_option("--for", typed_.lasts, "so long; 0s: no longer")->type_name("TIME");
    CLI::App* test = command(*alarm_, Command::alarm_test, "test",
                             "say what the reactions of a condition would do; nothing is done",
                             "belay alarm test host-disk\n  belay alarm test host-disk --fire");
    test->add_flag("--fire", invocation_.fire, "do it, as if it were raised");
    for (CLI::App* app : {mute, test})
        app->add_option("condition", invocation_.target, "its name, as belay alarms --conditions has it")
            ->type_name("");
    for (CLI::App* app : {acknowledge, mute})
        app->add_option("--note", invocation_.note, "a few words for the others")->type_name("TEXT");
}

void Parser::solution_commands()
{
    group(solutions_, "solution", "applications that serve together: start and stop them in their order",
          "belay solution list\n  belay solution plan start centre\n  belay solution start centre");
    command(*solutions_, Command::solution_list, "list", "all of them, and how they stand",
            "belay solution list");
    CLI::App* show = command(*solutions_, Command::solution_show, "show", "one, with its applications",
                             "belay solution show centre\n  belay solution show centre --follow");
    CLI::App* plan = command(*solutions_, Command::solution_plan, "plan",
                             "say what a start, a stop or a move would do; nothing is done",
                             "belay solution plan start centre\n  belay solution plan stop centre "
                             "--also-needed\n  belay solution plan "
                             "move centre");
    CLI::App* start = command(*solutions_, Command::solution_start, "start",
                              "start one, and what it needs, each when what it needs is ready",
                              "belay solution start centre");
    CLI::App* stop = command(*solutions_, Command::solution_stop, "stop",
                             "stop one in reverse; what others need that run stays",
                             "belay solution stop centre --also-needed --why 'new switch'");
    plan->add_option("verb", invocation_.verb, "start or stop")->type_name("");
    for (CLI::App* app : {show, plan, start, stop})
        app->add_option("solution", invocation_.target, "its name")->type_name("");
    for (CLI::App* app : {plan, stop})
        app->add_flag("--also-needed", invocation_.also_needed,
                      "stop those outside as well that need something of it");
    for (CLI::App* app : {start, stop}) {
        no_wait_option(*app);
        why_option(*app);
    }
    show->add_flag("--follow", invocation_.follow, "go on with what comes, until you end it");
}

void Parser::account_commands()
{
    group(account_, "account", "the people who may use the site from elsewhere",
          "belay account add anna --role operate\n  belay account list");
    CLI::App* add = command(*account_, Command::account_add, "add",
                            "let somebody in; the password is asked for, or read from standard input",
                            "belay account add anna --role operate");
    add->add_option("--role", invocation_.role, "view, operate or administer")->type_name("ROLE");
    command(*account_, Command::account_list, "list", "who there is, and what they may",
            "belay account list");
    CLI::App* password = command(*account_, Command::account_password, "password",
                                 "give another password; its sessions end", "belay account password anna");
    CLI::App* role = command(*account_, Command::account_role, "role",
                             "let somebody do more or less, sessions that are open included",
                             "belay account role anna administer");
    CLI::App* disable = command(*account_, Command::account_disable, "disable",
                                "shut somebody out, and keep the account", "belay account disable anna");
    CLI::App* enable = command(*account_, Command::account_enable, "enable",
                               "let somebody in again who was shut out", "belay account enable anna");
    CLI::App* remove = command(*account_, Command::account_remove, "remove",
                               "remove an account, and end its sessions", "belay account remove anna");
    for (CLI::App* app : {add, password, role, disable, enable, remove})
        app->add_option("name", invocation_.target, "the account")->type_name("");
    role->add_option("role", invocation_.role, "view, operate or administer")->type_name("");
    for (CLI::App* app : {add, password, role, disable, enable, remove}) why_option(*app);
}

void Parser::people_commands()
{
    CLI::App* login =
        command(app_, Command::login, "login",
                "open a session with a site; the password is asked for, or read from standard input",
                "belay login belaysite1.Chg... --account anna --as branch-3\n"
                "  belay login branch-3");
    login
        ->add_option("site", invocation_.target,
                     "the word that belay account add says; a site that is known already by its name")
        ->type_name("");
    login->add_option("--account", invocation_.account, "who you are there; as the last time unless told")
        ->type_name("NAME");
    login->add_option("--as", invocation_.name, "what you call the site; by its number unless told")
        ->type_name("NAME");
    CLI::App* logout =
        command(app_, Command::logout, "logout", "end the session with a site", "belay logout branch-3");
    logout->add_option("site", invocation_.target, "as you call it")->type_name("");
}

}  // namespace belay::cli
