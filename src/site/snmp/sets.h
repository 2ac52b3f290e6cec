#pragma once
// What managers set: what an application is to do. SNMP sets in phases, so that of several things all are set
// or none.

#include "site/log.h"
#include "site/snmp/orders.h"
#include "site/snmp/picture.h"

#include <memory>
#include <string>

// Of net-snmp. NOLINTNEXTLINE(readability-identifier-naming)
struct netsnmp_request_info_s;

namespace belay::site::snmp {

/// Threads: that of the sub-agent.
class Sets {
  public:
    /// `socket`: of belayd.
    Sets(const std::string& socket, std::shared_ptr<Log> log) : log_(std::move(log)), orders_(socket) {}

    /// One phase (`mode`, of net-snmp's library). An error of SNMP, or that there is none.
    int phase(int mode, const netsnmp_request_info_s* requests, const Picture& picture);

  private:
    int check(const netsnmp_request_info_s* requests, const Picture& picture);
    int check_right();
    int order();
    void undo();

    /// Between the phases: which application, and what it was to do before.
    struct Set {
        std::string application;
        int64_t before = 0, wanted = 0;
        bool may_be_done = false;
    };

    const std::shared_ptr<Log> log_;
    Orders orders_;
    Set set_;
};

}  // namespace belay::site::snmp
