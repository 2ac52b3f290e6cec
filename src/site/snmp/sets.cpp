#include "site/snmp/sets.h"

#include "site/snmp/mib.h"

// The library's headers want this order.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
// clang-format on

namespace belay::site::snmp {
namespace {

/// What somebody who may not set a variable is told.
int snmp_error_of(const Error& error)
{
    switch (error.kind) {
        case ErrorKind::permission:
            return SNMP_ERR_NOACCESS;
        case ErrorKind::busy:
        case ErrorKind::timeout:
        case ErrorKind::unavailable:
            return SNMP_ERR_RESOURCEUNAVAILABLE;
        default:
            return SNMP_ERR_GENERR;
    }
}

const char* want_of(int64_t number)
{
    return mib::wants.at(static_cast<size_t>(number - 1));
}

}  // namespace

int Sets::phase(int mode, const netsnmp_request_info_s* requests, const Picture& picture)
{
    switch (mode) {
        case MODE_SET_RESERVE1:
            return check(requests, picture);
        case MODE_SET_RESERVE2:
            return check_right();
        case MODE_SET_ACTION:
            return order();
        case MODE_SET_UNDO:
            undo();
            return SNMP_ERR_NOERROR;
        default:
            return SNMP_ERR_NOERROR;
    }
}

int Sets::check(const netsnmp_request_info_s* requests, const Picture& picture)
{
    set_ = {};
    // Of several one could be done and another not, and an application that was stopped is not as it was.
    if (requests->next != nullptr) return SNMP_ERR_RESOURCEUNAVAILABLE;
    const netsnmp_variable_list& asked = *requests->requestvb;
    const Variable* const found = picture.find({asked.name, asked.name_length});
    if (found == nullptr) return SNMP_ERR_NOCREATION;
    if (found->application.empty()) return SNMP_ERR_NOTWRITABLE;
    if (asked.type != ASN_INTEGER) return SNMP_ERR_WRONGTYPE;
    const long wanted = *asked.val.integer;
    if (wanted < 1 || wanted > static_cast<long>(mib::wants.size())) return SNMP_ERR_WRONGVALUE;
    set_ = {
        .application = found->application, .before = found->number, .wanted = wanted, .may_be_done = false};
    return SNMP_ERR_NOERROR;
}

int Sets::check_right()
{
    const Result<void> may = orders_.may();
    if (may) return SNMP_ERR_NOERROR;
    log_->standard(fmt::format("{} is not set: {}", set_.application, may.error().what));
    return snmp_error_of(may.error());
}

int Sets::order()
{
    const char* const want = want_of(set_.wanted);
    const Result<void> done = orders_.order(set_.application, want);
    set_.may_be_done = done || done.error().kind == ErrorKind::timeout;
    log_->standard(done ? fmt::format("{} is to be {}, asked by SNMP", set_.application, want)
                        : fmt::format("{} is not set: {}", set_.application, done.error().what));
    // What is not done at last has no other number, by RFC 2741 (7.2.4.2).
    return done ? SNMP_ERR_NOERROR : SNMP_ERR_COMMITFAILED;
}

/// Something else that was to be set with it was not.
void Sets::undo()
{
    if (!std::exchange(set_.may_be_done, false)) return;
    const Result<void> done = orders_.order(set_.application, want_of(set_.before));
    log_->standard(done ? fmt::format("{} is to be as before", set_.application)
                        : fmt::format("{} is not as before: {}", set_.application, done.error().what));
}

}  // namespace belay::site::snmp
