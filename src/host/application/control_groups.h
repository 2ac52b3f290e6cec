#pragma once
// Control groups of version 2 (cgroups(7)): who belongs to an application, and what it may use.

#include "base/result.h"
#include "host/descriptor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace belay::host {

/// One group. Its folder stays when this goes.
class ControlGroup {
  public:
    /// `is_new`: nobody has set limits for it.
    ControlGroup(std::string path, Descriptor folder, bool is_new)
        : path_(std::move(path)), folder_(std::move(folder)), may_have_limits_(!is_new)
    {
    }

    const std::string& path() const { return path_; }
    /// For Launch::control_group.
    int folder() const { return folder_.number(); }

    /// Nothing: as much as there is. Which of them are not in force, as "memory": the kernel does not offer
    /// them here.
    struct Limits {
        std::optional<uint64_t> memory, processor, processes;
    };
    std::vector<std::string> limit(const Limits& limits);

    /// Errors: those of the system.
    Result<bool> is_empty() const;
    /// SIGKILL to all that is in it, also to what is started meanwhile.
    void kill() const;
    /// For inotify: changes when it becomes empty.
    std::string events_file() const { return path_ + "/cgroup.events"; }

    struct Use {
        uint64_t memory = 0;  ///< bytes
        uint64_t processes = 0;
        uint64_t processor_microseconds = 0;  ///< since it was made
    };
    /// Where the kernel does not count them for a group, memory and processes are those of its members.
    /// Nothing: it has none, or they cannot be told.
    std::optional<Use> use() const;

  private:
    bool write(const char* file, std::string_view text) const;

    std::string path_;
    Descriptor folder_;
    bool may_have_limits_;
};

/// The groups of one supervisor.
class ControlGroups {
  public:
    /// Those below our own, under this name. We leave it for one beside them, as the kernel demands it where
    /// groups have limits; so may a parent of ours, by the same call. Nothing: this host has no cgroup2, or
    /// does not let us. Threads: one.
    static std::optional<ControlGroups> open(const std::string& name);

    /// Made where it is not there. Errors: those of the system.
    Result<ControlGroup> group(const std::string& name) const;
    /// An empty one goes; any other stays.
    void remove(const std::string& name) const;

    /// As "memory": what limits can be set.
    const std::vector<std::string>& controllers() const { return controllers_; }

  private:
    ControlGroups(std::string base, std::vector<std::string> controllers)
        : base_(std::move(base)), controllers_(std::move(controllers))
    {
    }
    std::string base_;
    std::vector<std::string> controllers_;
};

/// What the group of one application is called, below that of its supervisor's groups.
std::string application_group(int64_t application);

/// Which group of version 2 a process is in, as "/belay.slice/x"; empty: it is gone, or in none.
std::string group_of_process(pid_t pid);
/// Whose application's, where that is below `base`, as group_of_process() of its supervisor without the last
/// part. Nothing: no one's.
std::optional<int64_t> application_in(std::string_view group, std::string_view base);

}  // namespace belay::host
