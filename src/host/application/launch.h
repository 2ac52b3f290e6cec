#pragma once
// The start of a process that is to live longer than the one who starts it: its account, its rights, its
// open files, its control group.
//
// Why no posix_spawn: it knows no control groups, and moving a process that runs already into one costs
// milliseconds in the kernel (cgroup_threadgroup_rwsem); clone3(2) makes it there. And posix_spawn
// comes back when the program is loaded, in which time the next start can be made ready. Until it is its
// program the child shares our memory, as after posix_spawn, and makes system calls alone, as it must where
// there are other threads.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::host {

/// Who a process is.
struct Account {
    uid_t user = 0;
    gid_t group = 0;
    std::vector<gid_t> groups = {};  ///< supplementary
    std::string name = {}, home = {}, shell = {};
};
/// Errors: not_found, io. Threads: any.
Result<Account> account_named(const std::string& user);

/// The numbers of these capabilities, as "cap_net_bind_service", in a mask. Errors: usage, naming the one
/// that there is not.
Result<uint64_t> capability_mask(const std::vector<std::string>& names);

struct Launch {
    std::string program;                        ///< a path
    std::vector<std::string> argv;              ///< argv[0] included
    std::vector<std::string> environment = {};  ///< "NAME=VALUE"
    std::string folder = "/";
    int output = -1;               ///< its standard output and error; not owned
    std::vector<int> passed = {};  ///< 3 and following in the child; not owned
    /// Of the first of them, which $LISTEN_FDS and $LISTEN_FDNAMES tell.
    std::vector<std::string> passed_names = {};
    std::optional<Account> account = {};    ///< nothing: ours
    std::optional<int> control_group = {};  ///< the folder of one, opened; not owned
    std::optional<uint64_t> open_files = {};
    bool no_new_privileges = true;
    std::optional<uint64_t> capabilities = {};  ///< a mask of those that it keeps; nothing: as they are
    bool private_tmp = false;
    std::vector<std::string> read_only = {};
};

struct Launched {
    pid_t pid = -1;        ///< its process group too, and its session where we have a terminal
    uint64_t started = 0;  ///< as ProcessName has it
    Descriptor process;    ///< its pidfd: readable when it has ended
};

/// A process that is on its way to its program, and goes on where nobody has this any more. Threads: one at a
/// time.
class Launching {
  public:
    virtual ~Launching() = default;
    virtual Launched& process() = 0;
    /// Waits no longer than that. True: finish() need not wait.
    virtual bool has_arrived(Milliseconds patience) = 0;
    /// Waits until its program runs, which may be for ever where that is on a disk that does not answer.
    /// Errors: why it does not run, with what it was doing ("become user www-data"); its process then ends.
    virtual Result<void> finish() = 0;
};

/// Its standard input is empty. Waits a moment where several are on their way. Errors: why there is no
/// process. Threads: any.
Result<std::shared_ptr<Launching>> begin_launch(Launch launch);

/// Comes back when the program runs. Errors: those of both. Threads: any.
Result<Launched> launch(Launch launch);

}  // namespace belay::host
