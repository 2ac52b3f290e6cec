#pragma once
// What a command line asks for. The parser knows words and options; which procedures there are and what they
// take is the daemon's to say.

#include "base/units.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace belay::cli {

enum class Command {
    storage_show,
    storage_health,
    storage_record,
    storage_ports,
    storage_monitor,
    storage_esp_sync,
    image_build,
    image_key,
    image_sign,
    image_verify,
    image_show,
    image_list,
    image_expand,
    image_remove,
    image_publish,
    image_withdraw,
    image_summary,
    device,
    image_remove_inactive,
    image_clear,
    procedures,
    plan,
    add,
    run,
    activate,
    commit,
    abort,
    clear,
    timer,
    show,
    history,
    clean,
    parse,
    runbook_lint,
    runbook_plan,
    runbook_add,
    runbook_run,
    config_get,
    config_edit,
    config_check,
    config_diff,
    config_apply,
    config_import,
    config_export,
    config_history,
    config_revert,
    status,
    host_invite,
    host_list,
    host_show,
    host_maintenance,
    host_revoke,
    host_rename,
    host_renew,
    app_list,
    app_show,
    app_start,
    app_stop,
    app_restart,
    app_suspend,
    app_resume,
    app_log,
    app_pairs,
    app_switch_over,
    messages,
    solution_list,
    solution_show,
    solution_plan,
    solution_start,
    solution_stop,
    alarm_list,
    alarm_show,
    alarm_acknowledge,
    alarm_mute,
    alarm_test,
    account_add,
    account_list,
    account_password,
    account_role,
    account_disable,
    account_enable,
    account_remove,
    login,
    logout,
    media_status,
    media_add,
    media_list,
    media_password,
    media_grant,
    media_revoke,
    media_disable,
    media_enable,
    media_remove,
    media_quota,
    media_import,
    media_export,
    media_certificate,
    version,
};

struct Invocation {
    Command command = Command::version;

    bool json = false;
    bool no_color = false;
    bool no_wait = false;
    std::string socket;
    std::string state_folder;
    std::string site;   ///< whose controllers are asked, as the person calls it; empty: this machine's daemon
    std::string proxy;  ///< HOST:PORT of the one that is asked, in place of that daemon; may be empty

    // storage
    std::string from;   ///< a recording to look at instead of this machine
    std::string file;   ///< where a recording goes, "-": standard output; or an image; may be empty
    bool mask = false;  ///< serial numbers are replaced in it
    bool summary = false;

    std::string target;  ///< an operation's number, a procedure's name, a runbook's file, a kind of text, or
                         ///< what of the storage is to be shown; may be empty
    std::string why;

    // image; all may be empty
    std::string key;   ///< a file with a private key
    std::string keys;  ///< a folder with public keys
    std::string root;  ///< a library of installed versions

    // plan, add, run
    std::vector<std::string> words;  ///< what the procedure is to read, as "--leaving", "/dev/sda"
    std::optional<Milliseconds> timer, gate_grace;
    std::vector<std::string> gates;
    bool dry_run = false;  ///< of clean, storage esp-sync, image build and host maintenance as well
    Milliseconds soak{0};
    bool yes = false;
    std::vector<std::string> hosts;  ///< of the site, on which it is to be done together
    std::vector<uint64_t> waves;
    std::optional<uint64_t> failures;
    std::optional<Milliseconds> wave_soak;

    // runbook
    std::vector<std::string> set;  ///< "NAME=VALUE"

    // config
    std::string mode;  ///< of import: "merge", "objects", "whole"; may be empty
    std::string name;  ///< of the object whose type is the target; the new name of a host, or of a site;
                       ///< the version of an image

    // host, account, login
    std::string role;     ///< may be empty
    std::string account;  ///< may be empty
    std::optional<Milliseconds> valid;
    std::optional<Milliseconds> lasts;  ///< of host maintenance and alarm mute: it ends by itself

    // media; may be empty
    std::string access;         ///< "read", "append", "full"
    std::string password_file;  ///< its first line is the password
    std::string quota;          ///< a size, or "none"
    std::string media_socket;
    std::string media_state;  ///< the folder of the media server's accounts
    bool generate = false;    ///< a new password is made

    // timer
    bool stop = false, restart = false;
    std::optional<Milliseconds> extend;

    // alarm
    bool all = false;         ///< those that have ended as well
    bool conditions = false;  ///< what can raise one, in place of those that are
    bool fire = false;        ///< of test: it is done
    std::string note;         ///< may be empty

    bool test = false;     ///< of storage monitor: raise an alarm of nothing
    bool journal = false;  ///< of show
    bool follow = false;
    bool also_needed = false;  ///< of solution stop: those that need it as well
    std::string verb;          ///< of solution plan: start or stop; of host maintenance: on or off
    // messages; all may be empty
    std::string language;  ///< as "de"
    std::string level, application, host, id, interaction, text;
    std::optional<Milliseconds> since, until;  ///< wall clock, or how long ago, as `*_is_ago` says
    bool since_is_ago = false, until_is_ago = false;

    // history
    bool audit = false;
    std::optional<uint64_t> limit;
};

/// An operation's number, and so not a procedure's name.
bool is_operation(std::string_view target);

/// A command line as it was understood; or the help that it asked for.
struct Parsed {
    Invocation invocation;
    std::optional<std::string> help;
};

/// Reads the words after the program's name, and BELAY_SOCKET, BELAY_STATE_DIR and BELAY_SITE from the
/// environment; what is typed goes before them. Errors: usage.
Result<Parsed> parse_command_line(const std::vector<std::string>& words);

/// A command with its options, for whoever must know them all: the tests of man page and completion.
struct CommandWords {
    std::string name;  ///< "storage show"
    std::vector<std::string> options;
};
/// Every command; the first one, without a name, is `belay` itself.
std::vector<CommandWords> all_commands();

/// `--name value` and `--name=value` as {name: value}. Errors: usage.
Result<std::map<std::string, std::string>> procedure_arguments(const std::vector<std::string>& words);

/// `NAME=VALUE` as {name: value}. Errors: usage.
Result<std::map<std::string, std::string>> runbook_values(const std::vector<std::string>& set);

}  // namespace belay::cli
