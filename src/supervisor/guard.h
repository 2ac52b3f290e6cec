#pragma once
// The parent of a supervisor: starts it anew when it dies, and sees how applications end that have outlived
// the supervisor that started them, for they become its children then (PR_SET_CHILD_SUBREAPER).

#include <optional>
#include <string>

namespace belay::supervisor {

/// Comes back in the supervisor, again and again in a new one: where it was killed or has failed, another is
/// started. In the guard it comes back only at the end, with the exit code; signals to end or to renew are
/// handed on. To be called before there is a thread.
struct Guarded {
    bool is_guard = false;
    int exit_code = 0;
    pid_t by = 0;  ///< the guard; it may be gone already
};
/// `ready_fd`: of the first supervisor alone; nothing in those after it.
Guarded guard(const std::string& run_folder, std::optional<int>& ready_fd);

}  // namespace belay::supervisor
