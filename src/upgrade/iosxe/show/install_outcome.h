#pragma once
// What the commands say that do something: `install add`, `activate`, `commit`, `abort`, `remove`, and
// `clear install state`.
//
// Only the last word counts, and any failure before it: "Finished Add" stands also after "Failed on [2]", and
// "Completed install abort" also after "FAILED: ABORT operation is not allowed".
// Source: "Troubleshoot In-Service Software Upgrade on Catalyst 9000", with its transcripts.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

/// One thing that is done on members: "Add", "install_remote", "clear_install_state".
struct InstallTask {
    std::string name;
    std::vector<std::string> passed, failed;  ///< members as printed: "1", "2"; "R0"
    std::vector<std::string> began, ended;    ///< members that said "[1] Add ...", "[1] Finished Add ..."
    bool finished = false;                    ///< "Finished Add": its end, not its success
    std::vector<std::string> said;            ///< between the two, of any member: "cp: cannot stat ..."
};

/// "STAGE 2: Restarting Standby".
struct InstallStage {
    uint64_t number = 0;
    std::string title;
};

enum class Verdict {
    succeeded,
    failed,
    unsaid,  ///< the text ends before the device said it
};

/// "succeeded", "failed", "unsaid".
std::string_view name_of(Verdict verdict);

struct InstallOutcome {
    std::string command;         ///< as the device calls it: "install_add", "install_add_activate_commit"
    std::string started, ended;  ///< as printed: "Fri Feb 8 09:22:00 jst 2019"; `ended` may be empty
    Verdict verdict = Verdict::unsaid;
    std::string image_version;          ///< of `install add` in newer releases: "17.12.04.0.4898"
    std::optional<uint64_t> exit_code;  ///< where it failed and says one
    std::vector<std::string> reasons;   ///< the lines that say a failure, in order, as printed
    std::vector<InstallStage> stages;   ///< those that began
    std::vector<InstallTask> tasks;
    std::vector<std::string> verified;  ///< "standby is in Standby Hot state": checks that began
    std::vector<std::string> deleted;   ///< of `install remove`: the files that it names, of each member

    bool succeeded() const { return verdict == Verdict::succeeded; }
    /// Members of any task that failed; each once.
    std::vector<std::string> failed_members() const;
};

/// The whole answer. Errors: corrupt, where the device's verdict is not in it (the line was lost, or the text
/// is cut), or where it is of another command than `command` ("install add", "clear install state").
Result<InstallOutcome> read_install_outcome(std::string_view text, std::string_view command);

/// As far as it came: an answer whose end was lost with the connection, which is what a switch-over does.
/// The verdict is unsaid where it was not said, also where members failed already. Errors: corrupt, where it
/// is no answer to `command`.
Result<InstallOutcome> read_install_progress(std::string_view text, std::string_view command);

void to_json(nlohmann::json& json, const InstallOutcome& outcome);

}  // namespace belay::upgrade::iosxe::show
