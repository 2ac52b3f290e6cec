#pragma once
// Lab hosts of one site: each with belayd and its state on a disk of its own, on one network; the first one
// is the controller, and a host of the site as well.

#include "host.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace belay::lab {

struct SiteOptions {
    std::vector<std::string> names = {"alpha", "web1", "web2"};  ///< the first is the controller
    std::string programs = {};      ///< the folder of belay and belayd; empty: that of the running program
    std::string daemon = "belayd";  ///< the program in it that serves
    /// Of `names`: those that are controllers too. They stand by; the arguments of enrol() name a store that
    /// all of them can reach.
    std::vector<std::string> controllers = {};
    std::shared_ptr<Network> network = nullptr;  ///< that the hosts are on; nothing: one of their own
    /// Of `names`: those whose disk with the state has another size than 64 MiB.
    std::map<std::string, Bytes> disk_sizes = {};
    std::vector<std::string> modules = {};  ///< of the kernel, on each of them, from the start
    /// Run on each of them, one after another, as soon as it is ready; after each boot.
    std::vector<std::vector<std::string>> at_boot = {};
};

/// Threads: as Host. Hosts are named by their place in `names`.
class Site {
  public:
    static constexpr const char* state = "/var/lib/belay";

    /// Boots the hosts on new disks, side by side, without a daemon. Errors: those of the lab; permission
    /// (a network needs root). `folder` must outlive it.
    static Result<Site> build(const Folder& folder, SiteOptions options = {});

    size_t size() const { return options_.names.size(); }
    const std::string& name(size_t host) const { return options_.names[host]; }
    std::string address(size_t host) const { return fmt::format("10.77.0.{}", host + 1); }
    Host& host(size_t host) { return *hosts_[host].host; }
    std::string program(const std::string& name) const { return options_.programs + "/" + name; }

    /// Starts belayd and returns when it serves. `arguments`: further ones.
    Result<void> start_daemon(size_t host, const std::vector<std::string>& arguments = {});
    /// The one that was started last, and not ended.
    Process& daemon(size_t host) { return *hosts_[host].daemon; }
    /// SIGKILL, and returns when it has gone.
    Result<void> kill_daemon(size_t host);
    /// SIGTERM, and returns when it has gone.
    Result<void> stop_daemon(size_t host);

    /// Makes the first host the controller, and all of them hosts of its site; returns when each is attached.
    /// `arguments`: further ones of the first start of each controller.
    Result<void> enrol(const std::vector<std::string>& arguments = {});
    /// Invites a host on the controller and lets it join, without a start of its daemon.
    Result<void> join(size_t host);

    void power_cut(size_t host);
    /// Boots it again on its disk as it is, without a daemon.
    Result<void> boot(size_t host);
    /// Takes the host's network away, or gives it back.
    Result<void> set_link(size_t host, bool up);

    /// Runs a command in the guest and takes a non-zero exit for a failure.
    Result<std::string> run(size_t host, std::vector<std::string> argv, std::string_view input = {});
    /// Runs belay with these arguments; its exit code is the caller's to look at.
    Result<host::Outcome> belay(size_t host, std::vector<std::string> arguments, std::string_view input = {},
                                Milliseconds limit = std::chrono::seconds(120));

  private:
    struct Guest {
        std::unique_ptr<Host> host;
        std::optional<Process> daemon;
    };

    Site(const Folder& folder, SiteOptions options, std::shared_ptr<Network> network)
        : folder_(&folder),
          options_(std::move(options)),
          network_(std::move(network)),
          hosts_(options_.names.size())
    {
    }

    Result<void> await_attached();
    bool is_controller(size_t host) const;
    std::vector<std::string> listening(size_t host, const std::vector<std::string>& arguments) const;

    const Folder* folder_;
    SiteOptions options_;
    std::shared_ptr<Network> network_;
    std::vector<Guest> hosts_;
};

}  // namespace belay::lab
