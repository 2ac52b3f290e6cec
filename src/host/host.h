#pragma once
// The seam to the machine: the only way in which Belay runs a command, reads or writes a file or a device, or
// asks the clock. Three forms: the real one, one that plays back a recording, one that is a simulated
// machine. Every call is one contact: the fault loops make each of them fail once.

#include "base/result.h"
#include "base/units.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::host {

/// Whether a contact may alter the machine. What `reads` is never in a plan; what `changes` must be.
enum class Effect { reads, changes };

/// A program with its arguments; no shell in between. argv[0] is a bare name, looked up in
/// /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin. It runs with LC_ALL=C and nothing else from
/// the caller's environment.
struct Command {
    std::vector<std::string> argv;
    Effect effect = Effect::reads;
    std::string input = {};                         ///< its standard input
    Milliseconds limit = std::chrono::seconds(60);  ///< killed after this: kind timeout
    /// Is told its standard output as it comes, or nothing where none came for a second, by the thread that
    /// runs it; none of it is kept then. False: it is ended as at its limit, kind unavailable.
    std::function<bool(std::string_view)> heard = {};

    /// As a person would type it in one line, quoted where a shell needs it: "mdadm --grow '/dev/a b'", with
    /// its input before it: "printf '%s\n' 'label: gpt' | sfdisk /dev/sdb".
    std::string to_text() const;
};

/// What came back from a command that ran to its end, whatever its exit code.
struct Outcome {
    int exit_code = 0;  ///< 128 + signal where a signal ended it
    std::string out;    ///< at most 16 MiB; more: kind corrupt
    std::string err;    ///< the first 64 KiB
};

/// One reading of the clocks.
struct Moment {
    std::chrono::milliseconds wall;  ///< since 1970, UTC; may jump
    std::chrono::milliseconds boot;  ///< since the boot, sleep included; never jumps
    std::string boot_id;             ///< changes with every boot
    std::string machine = {};        ///< whose clocks these are; empty: not known
};

/// Room on the filesystem that holds a path.
struct Space {
    Bytes free;  ///< for those who are not root
    Bytes total;
};

/// Threads: any. All paths are absolute (else: usage).
class Host {
  public:
    virtual ~Host() = default;

    /// Runs a command to its end. A non-zero exit is an Outcome, not an error. Errors: not_found (no such
    /// program), timeout, corrupt (too much output), usage (not a bare name), lost (it may have run; nobody
    /// knows), dead.
    virtual Result<Outcome> run(const Command& command) = 0;

    /// A whole file, at most `limit` bytes (more: corrupt). Errors: not_found, permission, io.
    virtual Result<std::string> read(std::string_view path, Bytes limit = {1 << 20}) = 0;
    /// Writes into a file that exists, in one write(2): for sysfs and procfs.
    virtual Result<void> write(std::string_view path, std::string_view text) = 0;
    /// Replaces or makes a file: beside it, synced, renamed, directory synced. Mode 0644 where new, else
    /// owner and mode are kept. A symbolic link is followed and stays. Errors: lost (replaced, but perhaps
    /// not for good: the directory could not be synced).
    virtual Result<void> replace(std::string_view path, std::string_view text) = 0;
    /// Removes a file, directory synced. One that is not there is no error.
    virtual Result<void> remove(std::string_view path) = 0;
    /// Names in a folder, sorted, without "." and "..".
    virtual Result<std::vector<std::string>> list(std::string_view path) = 0;
    /// The absolute path that a symbolic link leads to in the end (realpath).
    virtual Result<std::string> resolve(std::string_view path) = 0;

    /// Bytes of a block device or file, exactly `size` of them. Errors: not_found, io, corrupt (it ends
    /// before), usage (more than 64 MiB).
    virtual Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) = 0;
    /// Writes and syncs bytes of a block device or file that exists; never makes one. After an error some of
    /// them may be written.
    virtual Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) = 0;

    virtual Result<Space> space(std::string_view path) = 0;
    virtual Result<Moment> now() = 0;
    /// Random bytes that nobody can guess (getrandom).
    virtual Result<std::string> random(size_t count) = 0;
};

/// Runs a command and takes a non-zero exit for a failure: kind failed, with what the tool said.
Result<Outcome> run_checked(Host& host, const Command& command);

}  // namespace belay::host
