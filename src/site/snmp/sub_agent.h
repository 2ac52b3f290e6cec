#pragma once
// AgentX by net-snmp's library: variables are registered with a master agent, which asks for them.

#include "host/descriptor.h"
#include "site/log.h"
#include "site/snmp/sets.h"
#include "site/snmp/watch.h"

#include <deque>
#include <memory>
#include <string>

// Of net-snmp. NOLINTBEGIN(readability-identifier-naming)
struct netsnmp_agent_request_info_s;
struct netsnmp_handler_registration_s;
struct netsnmp_mib_handler_s;
struct netsnmp_request_info_s;
struct snmp_pdu;
struct snmp_session;
// NOLINTEND(readability-identifier-naming)

namespace belay::site::snmp {

/// One in a process, for the library has one state for all. Threads: that which made it.
class SubAgent {
  public:
    struct Options {
        std::string master;  ///< where the master listens: a path, or as "tcp:localhost:705"
        std::string socket;  ///< of belayd
        Oid arc;
        bool allow_set = false;
    };

    /// Whether there is a master already or not. Errors: those of the system.
    static Result<std::unique_ptr<SubAgent>> start(Options options, const std::shared_ptr<Log>& log);
    ~SubAgent();
    SubAgent(const SubAgent&) = delete;
    SubAgent& operator=(const SubAgent&) = delete;

    /// Serves until `end` can be read. A master that goes is looked for every 200 ms until there is one.
    void serve(const host::Descriptor& end);

  private:
    SubAgent(Options options, std::shared_ptr<Log> log, std::shared_ptr<const host::Descriptor> notified);

    void attach();
    void send_notifications();
    /// For whatever comes, and does what is the library's. Whether it goes on.
    bool wait(const host::Descriptor& end);
    /// select(), which does not sleep for a moment after an answer.
    int select_awake(int count, fd_set& readable, timeval* limit) const;
    /// What is only asked for is answered here: the library passes each question on to itself by two pipes,
    /// and a walk is a question for each variable. False: that is for the library.
    bool answer_at_once(snmp_session* session, snmp_pdu* asked);
    void answer(int mode, netsnmp_request_info_s* requests);
    void get(netsnmp_request_info_s* requests);
    void get_next(netsnmp_request_info_s* requests);

    static int handle(netsnmp_mib_handler_s*, netsnmp_handler_registration_s* registration,
                      netsnmp_agent_request_info_s* asked, netsnmp_request_info_s* requests);
    static int received(int operation, snmp_session* session, int request, snmp_pdu* asked, void* agent);
    static int attached(int, int, void*, void* agent);
    static int detached(int, int, void*, void* agent);
    static int log_line(int, int, void* message, void* agent);

    const Options options_;
    const std::shared_ptr<Log> log_;
    const std::shared_ptr<const host::Descriptor> notified_;
    Sets sets_;
    Watch watch_;
    bool is_attached_ = false;
    std::chrono::steady_clock::time_point answered_ = {};
    /// What the library would call for each message of the master.
    struct Callback {
        int (*call)(int, snmp_session*, int, snmp_pdu*, void*) = nullptr;
        void* with = nullptr;
    };
    Callback by_library_;
    bool has_said_why_ = false;  ///< there is no master
    std::deque<Notification> to_send_;
};

}  // namespace belay::site::snmp
