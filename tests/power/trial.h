#pragma once
// One array in the lab on which one operation after the other is cut short, and must end well every time.

#include "mirror.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace belay::trial {

/// What the replacement is meant to do.
enum class Course {
    commit,  ///< a one-shot: add, activate, commit
    abort,   ///< a one-shot whose gate is broken: add, activate, back
};

/// When something is cut: at the n-th commit of the store, or when the copy has come so far.
struct Cut {
    bool before = true;
    unsigned commit = 0;          ///< counted from 1; 0: not by commits
    unsigned copied_percent = 0;  ///< 0: not by the copy
    std::string text() const;
};

/// What is tried. Without words: disk.replace, one disk after the other.
struct Subject {
    std::string level = "1";
    unsigned members = 2;
    Bytes disk = {48 << 20}, used = {0};  ///< of each member, as in MirrorOptions
    std::string content = "ext4";
    Bytes joining = {48 << 20};                    ///< of each disk that joins
    static constexpr const char* array = "ARRAY";  ///< among the words: the array
    std::vector<std::string> words = {};           ///< of `belay run`
    /// What has become of the disk that is to leave, before each operation.
    enum class Leaving { serves, failed, gone } leaving = Leaving::serves;
    /// What is wrong with a host on which it has ended in that state; empty: nothing.
    std::function<Result<std::string>(lab::Mirror&, const std::string& state)> wrong = nullptr;
    /// Called after a power cut, when the host is up again and Belay is not.
    std::function<Result<void>(lab::Mirror&)> after_cut = nullptr;
};

/// How a cut operation ended.
struct Ending {
    bool was_cut = false;  ///< false: it had ended before the cut came
    std::string state;     ///< "committed", "aborted", or "none": it was cut before it was kept
};

/// Threads: one.
class Trial {
  public:
    static Result<Trial> begin(const lab::Folder& folder, Subject subject = {});

    /// Begins the operation, kills the daemon at the cut, starts another, and waits for the end.
    Result<Ending> with_killed_daemon(Course course, const Cut& cut);
    /// Begins the operation, cuts the power of the host at the cut, boots it again, and waits for the end.
    Result<Ending> with_power_cut(Course course, const Cut& cut);

  private:
    explicit Trial(lab::Mirror mirror) : mirror_(std::move(mirror)) {}

    Result<void> start_load();
    Result<void> verify_load();
    Result<lab::Process> begin_operation(Course course, const std::string& fate);
    Result<nlohmann::json> operations(Milliseconds limit);
    Result<bool> cut_came(lab::Process& daemon, const Cut& cut);
    Result<nlohmann::json> wait_for_end();
    Result<void> hold_promises(const nlohmann::json& operation);
    Result<std::string> wrong_with_members(const std::string& state);
    Result<void> lose_leaving();
    Result<bool> is_member(const std::string& serial);
    std::vector<std::string> pulled() const;
    Result<void> prepare_next(const std::string& state);
    Result<void> set_speed(const Cut& cut);
    Result<Ending> finish(bool was_cut);

    lab::Mirror mirror_;
    std::optional<lab::Process> load_;
    std::optional<lab::Process> asking_;  ///< the belay that asked for the replacement
    std::string asked_;                   ///< what it said, where it ended before the cut
    Subject subject_;
    size_t seen_ = 0;             ///< operations that have ended
    uint64_t last_answered_ = 0;  ///< of the load's writes
    std::string load_text_;
    std::string leaving_ = lab::Mirror::leaving;
    std::string staying_ = lab::Mirror::staying;
    std::string joining_ = lab::Mirror::joining;
};

}  // namespace belay::trial
