#pragma once
// What a command of `belay backup` works with: the console, the repository, and the way to speak of both.

#include "backup/backend/location.h"
#include "backup/repository/repository_lock.h"
#include "backup/repository/snapshot_choice.h"
#include "base/json.h"
#include "cli/backup/common_options.h"
#include "cli/console.h"
#include "cli/signals.h"

#include <mutex>

namespace belay::cli {

/// The exit codes of `belay backup`, which are restic's.
enum class BackupExit : int {
    done = 0,
    failed = 1,
    incomplete = 3,  ///< the snapshot was made, but some of the files could not be read
    no_repository = 10,
    locked = 11,
    wrong_password = 12,
    interrupted = 130,
};

struct Network;
struct SourceOptions;

/// Threads: out(), line(), problem() and json() any.
class BackupContext {
  public:
    BackupContext(Console& console, Style style, CommonOptions options);
    /// For another repository that `command` works with: what ends this ends the command, with its exit code.
    BackupContext(BackupContext& command, const SourceOptions& source);
    /// The same of one whose options are known.
    BackupContext(BackupContext& command, CommonOptions options);
    ~BackupContext();
    BackupContext(const BackupContext&) = delete;
    BackupContext& operator=(const BackupContext&) = delete;

    Console& console() const { return console_; }
    const Style& style() const { return style_; }
    const CommonOptions& options() const { return options_; }
    /// What reaches a site; null where nothing does.
    const Network* network() const { return network_; }
    void use_network(const Network* network) { network_ = network; }

    /// The place of the repository. Errors: usage.
    Result<std::unique_ptr<backup::Backend>> place();
    /// How it is reached; its retries speak on this context. Errors: usage.
    Result<backup::PlaceOptions> place_options();
    /// Where the place is, with all that it was said with. Errors: usage; those of the file that says it.
    Result<std::string> location() const;
    /// The variable that holds the password, where neither file nor program is named.
    void use_password_variable(const char* name) { password_variable_ = name; }
    Result<std::string> password(bool twice) const;
    /// The repository, opened with its password and locked as wanted; the lock is given back when this object
    /// goes, and on Ctrl-C.
    Result<backup::Repository*> open(std::optional<backup::Access> access = backup::Access::shared);
    /// Takes the lock of the repository that was opened without.
    Result<void> lock(backup::Access access);
    /// Gives the lock back before the command ends.
    void unlock() { lock_.reset(); }
    /// The lock that is held; null with --no-lock.
    const backup::RepositoryLock* held_lock() const { return lock_.get(); }
    /// From now on Ctrl-C and the like end the command in order: its locks are given back.
    void catch_signals();
    /// For one that goes on until a signal ends it: that is no failure, so it ends with `code`; what is not
    /// in order after `grace` ends at once.
    void is_ended_by_signals(BackupExit code, Milliseconds grace);
    /// Signals are left to others again; whether one came until now.
    bool leaves_signals();
    /// The same, with its index.
    Result<backup::Repository*> open_with_index(
        std::optional<backup::Access> access = backup::Access::shared);
    /// The same, and shared, before it is known whether nobody took a lock at the same moment: confirm_lock()
    /// tells, and nothing may be written before.
    /// `meanwhile` is called when the password is known, which is then made into a key: it may begin what
    /// needs no repository.
    Result<backup::Repository*> open_unconfirmed(const std::function<void()>& meanwhile);
    /// Threads: any.
    Result<void> confirm_lock();
    /// All snapshots, oldest first; those that are damaged are told. With an index: all that it knows.
    Result<std::vector<backup::Snapshot>> snapshots();

    Result<backup::Compression> compression() const;
    Result<size_t> pack_size() const;

    /// Text for a person; nothing with --json.
    void out(std::string_view text);
    /// As out(), and nothing with --quiet.
    void note(std::string_view text);
    /// One line of JSON, on standard output and on standard error.
    void json(const Json& value);
    void error_line(const Json& value);
    /// Text on standard error.
    void say_on_error(std::string_view text);
    /// Something that went wrong and does not end it all.
    void problem(const Error& error);
    uint64_t problems() const { return problems_; }

    /// What shows how far the command has come. All of it is called by one thread at a time.
    struct Watcher {
        std::function<void()> tick = {};   ///< called some times a second
        std::function<void()> clear = {};  ///< text comes: what stands there goes
        std::function<void()> leave = {};  ///< the process ends at once
    };
    void watch(Watcher watcher);
    /// Set by the first Ctrl-C once somebody has asked for this; the second ends at once.
    const std::atomic<bool>& given_up();

    void fails_with(BackupExit code);
    /// How `error` ends the command.
    int exit_code_of(const Error& error) const;

  private:
    void tick();
    void on_signal(int signal);
    /// Without a word, its locks given back.
    [[noreturn]] void end_at_once(int code);
    /// Ends the command where nobody listens any more.
    void write_out(std::string_view text);
    /// The first half of lock(): what is read before the second need not wait.
    Result<void> begin_lock(backup::Access access);
    Result<void> load_index();
    Result<backup::Repository> open_at(std::unique_ptr<backup::Backend> place,
                                       const std::function<void()>& meanwhile = {});

    Console& console_;
    Style style_;
    CommonOptions options_;
    const Network* network_ = nullptr;
    const char* password_variable_ = "RESTIC_PASSWORD";
    std::optional<backup::Repository> repository_;
    std::optional<std::vector<backup::Snapshot>> snapshots_;  ///< that were there before the index was read
    std::unique_ptr<backup::RepositoryLock> lock_;
    BackupContext* command_ = nullptr;
    std::atomic<std::optional<BackupExit>> exit_of_failure_;
    std::recursive_mutex mutex_;  ///< of the console and the watcher, who writes to it
    Watcher watcher_;
    std::atomic<uint64_t> problems_ = 0;
    std::atomic<bool> ends_orderly_ = false, given_up_ = false;
    struct SignalEnd {
        BackupExit code;
        Milliseconds grace;
        std::optional<std::chrono::steady_clock::time_point> at_once_at = {};
    };
    std::optional<SignalEnd> signal_end_;
    std::unique_ptr<Ticker> ticker_;
};

/// "10M", "5k", "12": a size as restic's users write it. Errors: usage, naming the option.
Result<uint64_t> read_size(const char* option, std::string_view text);
/// A whole number. Errors: usage, naming the option.
Result<uint64_t> read_count(const char* option, std::string_view text);
/// "a,b" and "c" as {{a, b}, {c}}: a list for each time that the option was given.
std::vector<std::vector<std::string>> tag_lists(const std::vector<std::string>& said);

/// --host, --tag and --path: which snapshots are meant.
struct FilterOptions {
    std::vector<std::string> hosts, tags, paths;

    /// `with_short`: -H means --host too.
    void declare(OptionTable& options, bool with_short = true);
    Result<backup::SnapshotFilter> filter() const;
};

}  // namespace belay::cli
