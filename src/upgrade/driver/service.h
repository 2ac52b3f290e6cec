#pragma once
// A service of this host as systemd knows it, or as a process that a file names.

#include "upgrade/driver/driver.h"

#include <sys/types.h>

namespace belay::upgrade::driver {

struct ServiceAsk {
    std::string unit = {};        ///< empty: the process alone
    std::string pid_file = {};    ///< counts where there is no unit
    bool starts_at_boot = false;  ///< somebody has said so, of what systemd does not start
};

/// A process that runs.
struct Process {
    pid_t pid = 0;
    std::string program;  ///< its path, also where another has been put in its place
    std::string version;  ///< what that program says of itself; empty: nothing that we know how to ask
};

/// The process whose number the file holds; nothing where none runs. Errors: those of the host.
Result<std::optional<Process>> process_in(host::Host& host, const std::string& pid_file);

/// Whether systemd starts the unit at a boot; false where there is no systemd.
Result<bool> starts_by_itself(host::Host& host, const std::string& unit);

host::Command signal_to(pid_t pid, std::string_view signal);

/// A word of a command in which a path of another version of the image stands, at its beginning or behind a
/// "=": with that of `image_folder`, LIBRARY/NAME/VERSION, in its place. Any other word is as it was.
std::string with_version(const std::string& word, const std::string& image_folder);

/// "Keepalived v2.2.7 (01/16,2022)", "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - ...", "nginx version:
/// nginx/1.22.1": the version; empty where there is none.
std::string version_in(std::string_view said);

class Service {
  public:
    Service(const Ground& ground, ServiceAsk ask) : ground_(ground), ask_(std::move(ask)) {}

    Result<std::optional<Process>> look();
    Result<bool> starts_by_itself();
    /// Without a unit: the process gets SIGTERM, and what it was called by is called again, from the version
    /// of the image that is named now where it is of an image; such a program goes into the background by
    /// itself.
    Result<void> restart();
    Result<std::vector<std::string>> restart_commands();

  private:
    Result<std::vector<std::string>> called_by(const Process& process);

    Ground ground_;
    ServiceAsk ask_;
};

}  // namespace belay::upgrade::driver
