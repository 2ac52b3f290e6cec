#pragma once
// What a supervisor leaves for the one after it, in a folder that a reboot empties:
//
//     RUN/12.json      application 12: how it is described, what is wanted, and its process
//     RUN/12.out       the pipe that it prints to
//     RUN/12.notify    the socket that it speaks to us by, where it does
//     RUN/12.orders    the pipe that it is told by, where it is
//     RUN/12.move      its address is on its way to another host or from there: "giving", "taking"
//     RUN/ended        how processes ended whose supervisor had ended before them
//
// Descriptions may have secrets in them: every file is for its owner alone, and nobody else may list the
// folder. What an application reopens by its path, as /dev/stdout, belongs to the user that it runs as.

#include "framework/supervision/life.h"
#include "host/application/process_handle.h"

#include <map>
#include <string>
#include <vector>

namespace belay::supervisor {

using framework::supervision::Application;
using framework::supervision::ApplicationId;

/// One application, as it is kept.
struct Record {
    Application described;
    framework::supervision::Want want = framework::supervision::Want::stopped;
    framework::supervision::Phase phase = framework::supervision::Phase::stopped;
    framework::supervision::Past past = {};
    std::optional<host::ProcessName> process = {};
    std::optional<Application> running = {};  ///< what the process was started by, where that is another
    /// Held by the supervisor over its own renewal, in the order of their description; empty: by none.
    std::vector<int> sockets = {};
    std::optional<int> notify = {};  ///< the socket that it speaks to us by, kept open likewise
    /// Who has those two open: to anybody but that process and its children they are other files, or none.
    std::optional<host::ProcessName> kept_open_by = {};
    /// Of files that it is to be restarted for: the version that it was started with, by path.
    std::map<std::string, std::string> files = {};
};

/// Threads: one; add_end() is another process's as well.
class RunFolder {
  public:
    /// Made where it is not there. Errors: those of the system.
    static Result<RunFolder> open(const std::string& path);

    const std::string& path() const { return path_; }
    /// The name of its control groups: there may be several supervisors on a host.
    static std::string groups_of(const std::string& path);
    std::string output_of(ApplicationId id) const { return fmt::format("{}/{}.out", path_, id); }
    std::string notify_of(ApplicationId id) const { return fmt::format("{}/{}.notify", path_, id); }
    std::string orders_of(ApplicationId id) const { return fmt::format("{}/{}.orders", path_, id); }

    /// `described`: what it is described by, in JSON, which is long and the same for many records. Errors:
    /// those of the system.
    Result<void> keep(const Record& record, std::string_view described) const;
    void forget(ApplicationId id) const;
    /// Those that can be read; what cannot is named in `problems`.
    std::vector<Record> all(std::vector<std::string>& problems) const;

    /// Of a process that was no child of ours when it ended, or of the supervisor before this one.
    std::optional<framework::supervision::Ended> end_of(const host::ProcessName& process) const;
    /// Before it is taken away from the kernel. Those of long ago are forgotten.
    static void add_end(const std::string& folder, const host::ProcessName& process,
                        const host::ProcessEnd& end);

  private:
    explicit RunFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace belay::supervisor
