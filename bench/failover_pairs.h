#pragma once
// What is measured: a pair of the same small server, of which one serves at the virtual address, kept by
// Belay or by keepalived.

#include "failover_client.h"

#include <memory>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace belay::bench {

/// Two hosts have a server, 1 and 2. Ends with all its processes. Threads: one.
class MeasuredPair {
  public:
    virtual ~MeasuredPair() = default;
    MeasuredPair(const MeasuredPair&) = delete;
    MeasuredPair& operator=(const MeasuredPair&) = delete;

    /// Waits until one serves and the other could; which serves. Errors: timeout.
    virtual Result<int> settle() = 0;
    virtual pid_t server(int host) = 0;
    /// The one that serves ends in good order, as by a person's word; the other is to serve.
    virtual Result<void> switch_over(int from) = 0;
    /// What does not run there runs again.
    virtual Result<void> mend(int host) = 0;
    /// Of all that runs on a host, but for the server.
    virtual std::set<pid_t> keepers(int host) = 0;
    virtual int hosts() const = 0;

    /// All at once, and the cable with them.
    void cut_power(int host, const std::vector<pid_t>& all) const;
    /// After that: nothing is left of it, and it starts anew.
    Result<void> power_on(int host, const std::vector<pid_t>& all);
    /// The server first.
    std::vector<pid_t> processes(int host);

    AskingClient& client() { return *client_; }
    const HostNetwork& network() const { return network_; }
    /// Of both servers: a line for each thing that happens.
    std::string trace() const { return folder_ + "/trace"; }
    /// How often one of them was told to serve.
    size_t begun_to_serve() const;

  protected:
    MeasuredPair(HostNetwork network, std::string folder, Serving serving);
    std::string folder_of(int host) const;
    std::vector<std::string> server_words(int host) const;
    /// Its processes have been ended by force.
    virtual void forget(int host) = 0;

    std::string programs_;
    int act_every_ = 0;

  private:
    HostNetwork network_;
    std::string folder_;
    std::unique_ptr<AskingClient> client_;
};

/// What all of them are given.
struct PairGround {
    std::string folder;    ///< in memory, as /run is
    std::string programs;  ///< the folder that this program, belay-supervisor and belay-stand-in lie in
    int act_every = 1;     ///< milliseconds between two acts of who serves
};

/// `advert_ms`: between two adverts. Errors: those of the system and of the programs.
Result<std::unique_ptr<MeasuredPair>> begin_belay(const PairGround& ground);
Result<std::unique_ptr<MeasuredPair>> begin_keepalived(const PairGround& ground, int advert_ms);

/// Waits for its end, where it is a child of ours or has become one.
void await_end(pid_t process);

}  // namespace belay::bench
