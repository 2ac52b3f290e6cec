#include "site/snmp/sub_agent.h"

#include "site/snmp/mib.h"

// The library's headers want this order.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/agent/agent_registry.h>
// clang-format on

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <unistd.h>
#include <utility>

// Of libnetsnmpagent, which exports it and has it in no header that is installed. The library would try again
// by itself only after whole seconds.
extern "C" int subagent_open_master_session(void);

namespace belay::site::snmp {
namespace {

constexpr const char* own_name = "belay-snmp";
constexpr auto between_attempts = std::chrono::milliseconds(200);
/// How long the master waits for an answer. Only a set takes longer than a moment: see Orders.
constexpr int master_waits_seconds = 5;
/// A walk is a question for each variable, and the next one comes at once. To be woken for it would take
/// longer than to answer it, above all on a virtual machine, whose processors are woken by the one below.
constexpr auto stays_awake = std::chrono::microseconds(200);
constexpr size_t most_kept_notifications = 1000;
// RFC 2741, 6.1; the library has them as commands of its PDUs.
constexpr int agentx_get = 5, agentx_get_next = 6, agentx_response = 18;
constexpr std::array<oid, 11> trap_oid = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};

void put(netsnmp_variable_list* into, const Variable& variable)
{
    switch (variable.kind) {
        case Variable::Kind::text:
            snmp_set_var_typed_value(into, ASN_OCTET_STR, variable.text.data(), variable.text.size());
            return;
        case Variable::Kind::gauge:
            snmp_set_var_typed_integer(into, ASN_GAUGE, variable.number);
            return;
        case Variable::Kind::integer:
            snmp_set_var_typed_integer(into, ASN_INTEGER, variable.number);
            return;
    }
}

OidView name_of(const netsnmp_variable_list& variable)
{
    return {variable.name, variable.name_length};
}

/// What a search for the next one may find: where it begins is the name, where it ends the value, of which
/// nothing but zeros is no end. Source: RFC 2741, 5.2.
const Variable* next_in_range(const Picture& picture, const netsnmp_variable_list& range)
{
    const Variable* const found = picture.next(name_of(range), range.type == ASN_PRIV_INCL_RANGE);
    const OidView end(range.val.objid, range.val_len / sizeof(oid));
    const bool has_end = std::ranges::any_of(end, [](oid number) { return number != 0; });
    const bool is_within =
        found != nullptr && (!has_end || std::ranges::lexicographical_compare(found->oid, end));
    return is_within ? found : nullptr;
}

/// What the library does not say. Another address than a path is nobody's.
bool is_kept_from(const std::string& master)
{
    return master.starts_with('/') && access(master.c_str(), W_OK) != 0 && errno == EACCES;
}

void begin_library(const std::string& master)
{
    // It has no use for modules.
    netsnmp_set_mib_directory("");
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_MIB_ERRORS, 0);
    const auto set = [](int store, int what) { netsnmp_ds_set_boolean(store, what, 1); };
    set(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS);
    set(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE);
    set(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD);
    set(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE);
    set(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS);
    set(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_ROOT_ACCESS);
    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, master.c_str());
    netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL, 0);
    netsnmp_enable_subagent();
}

}  // namespace

Result<std::unique_ptr<SubAgent>> SubAgent::start(Options options, const std::shared_ptr<Log>& log)
{
    auto notified = std::make_shared<const host::Descriptor>(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!*notified) return std::unexpected(system_error("begin to follow belayd", errno));
    std::unique_ptr<SubAgent> agent(new SubAgent(std::move(options), log, std::move(notified)));
    SubAgent* const self = agent.get();
    snmp_disable_log();
    snmp_enable_calllog();
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, log_line, self);
    snmp_register_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, attached, self);
    snmp_register_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, detached, self);
    begin_library(self->options_.master);
    init_agent(own_name);
    const Oid& arc = self->options_.arc;
    netsnmp_handler_registration* const registration = netsnmp_create_handler_registration(
        own_name, handle, arc.data(), arc.size(),
        self->options_.allow_set ? HANDLER_CAN_RWRITE : HANDLER_CAN_RONLY);
    if (registration == nullptr) return fail(ErrorKind::failed, "net-snmp's library does not begin");
    registration->my_reg_void = self;
    registration->timeout = master_waits_seconds;
    if (netsnmp_register_handler(registration) != MIB_REGISTERED_OK)
        return fail(ErrorKind::failed, "net-snmp's library does not take the arc");
    init_snmp(own_name);
    return agent;
}

SubAgent::SubAgent(Options options, std::shared_ptr<Log> log,
                   std::shared_ptr<const host::Descriptor> notified)
    : options_(std::move(options)),
      log_(std::move(log)),
      notified_(std::move(notified)),
      sets_(options_.socket, log_),
      watch_({.socket = options_.socket,
              .arc = options_.arc,
              .notified = [event = notified_] { eventfd_write(event->number(), 1); }},
             log_)
{
}

SubAgent::~SubAgent()
{
    // First, for the library frees what its callbacks are given when it shuts down.
    snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, log_line, this, 1);
    snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_START, attached, this, 1);
    snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, SNMPD_CALLBACK_INDEX_STOP, detached, this, 1);
    // Tells the master that it goes.
    snmp_shutdown(own_name);
}

int SubAgent::attached(int, int, void* session, void* agent)
{
    auto* const self = static_cast<SubAgent*>(agent);
    self->is_attached_ = true;
    self->log_->standard(fmt::format("attached to the master agent at {}", self->options_.master));
    auto* const of_master = static_cast<netsnmp_session*>(session);
    if (of_master->callback == received) return 0;
    self->by_library_ = {.call = of_master->callback, .with = of_master->callback_magic};
    of_master->callback = received;
    of_master->callback_magic = self;
    return 0;
}

int SubAgent::detached(int, int, void*, void* agent)
{
    auto* const self = static_cast<SubAgent*>(agent);
    // The library says so twice.
    if (std::exchange(self->is_attached_, false))
        self->log_->standard(fmt::format("the master agent at {} is gone", self->options_.master));
    return 0;
}

int SubAgent::log_line(int, int, void* message, void* agent)
{
    std::string line = static_cast<const snmp_log_message*>(message)->msg;
    while (line.ends_with('\n')) line.pop_back();
    if (!line.empty()) static_cast<SubAgent*>(agent)->log_->trace("net-snmp: " + line);
    return 0;
}

void SubAgent::attach()
{
    if (subagent_open_master_session() == 0) {
        has_said_why_ = false;
        return register_mib_reattach();
    }
    if (std::exchange(has_said_why_, true)) return;
    log_->standard(fmt::format("there is no master agent at {}: {}", options_.master,
                               is_kept_from(options_.master)
                                   ? "this account may not get to it; agentXPerms in snmpd.conf says who may"
                                   : "snmpd is one with the line \"master agentx\" in snmpd.conf"));
}

int SubAgent::received(int operation, netsnmp_session* session, int request, netsnmp_pdu* asked, void* agent)
{
    auto* const self = static_cast<SubAgent*>(agent);
    if (operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && self->answer_at_once(session, asked)) return 1;
    return self->by_library_.call(operation, session, request, asked, self->by_library_.with);
}

bool SubAgent::answer_at_once(netsnmp_session* session, netsnmp_pdu* asked)
{
    const bool is_next = asked->command == agentx_get_next;
    if ((!is_next && asked->command != agentx_get) || asked->community_len > 0) return false;
    for (const netsnmp_variable_list* one = asked->variables; one != nullptr; one = one->next_variable) {
        if (one->name_length < options_.arc.size() ||
            !std::ranges::equal(name_of(*one).first(options_.arc.size()), options_.arc))
            return false;
    }
    netsnmp_pdu* const answer = snmp_clone_pdu(asked);
    if (answer == nullptr) return false;
    answer->command = agentx_response;
    answer->errstat = SNMP_ERR_NOERROR;
    answer->errindex = 0;
    const std::shared_ptr<const Picture> picture = watch_.picture();
    const netsnmp_variable_list* one = asked->variables;
    for (netsnmp_variable_list* into = answer->variables; into != nullptr && one != nullptr;
         into = into->next_variable, one = one->next_variable) {
        const Variable* const found = is_next ? next_in_range(*picture, *one) : picture->find(name_of(*one));
        if (found == nullptr) {
            snmp_set_var_typed_value(into, is_next ? SNMP_ENDOFMIBVIEW : SNMP_NOSUCHINSTANCE, nullptr, 0);
            continue;
        }
        if (is_next) snmp_set_var_objid(into, found->oid.data(), found->oid.size());
        put(into, *found);
    }
    if (snmp_send(session, answer) == 0) snmp_free_pdu(answer);
    answered_ = std::chrono::steady_clock::now();
    return true;
}

void SubAgent::serve(const host::Descriptor& end)
{
    do {
        if (!is_attached_) attach();
        send_notifications();
    } while (wait(end));
}

int SubAgent::select_awake(int count, fd_set& readable, timeval* limit) const
{
    const fd_set wanted = readable;
    while (std::chrono::steady_clock::now() < answered_ + stays_awake) {
        timeval at_once{};
        const int found = select(count, &readable, nullptr, nullptr, &at_once);
        if (found != 0) return found;
        readable = wanted;
        // Where the master has this very processor, the question comes only when it gets it.
        sched_yield();
    }
    return select(count, &readable, nullptr, nullptr, limit);
}

bool SubAgent::wait(const host::Descriptor& end)
{
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(end.number(), &readable);
    FD_SET(notified_->number(), &readable);
    int count = std::max(end.number(), notified_->number()) + 1;
    timeval limit{.tv_sec = 0,
                  .tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(between_attempts).count()};
    // In: whether it may wait for ever, beyond which time else. Out: the same, with the library's own timers.
    int may_wait = is_attached_ ? 1 : 0;
    snmp_select_info(&count, &readable, &limit, &may_wait);
    const int found = select_awake(count, readable, may_wait == 0 ? &limit : nullptr);
    if (found > 0 && FD_ISSET(end.number(), &readable)) return false;
    eventfd_t times = 0;
    if (found > 0 && FD_ISSET(notified_->number(), &readable)) eventfd_read(notified_->number(), &times);
    if (found > 0) snmp_read(&readable);
    if (found == 0) snmp_timeout();
    run_alarms();
    netsnmp_check_outstanding_agent_requests();
    return true;
}

void SubAgent::send_notifications()
{
    for (Notification& one : watch_.take_notifications()) to_send_.push_back(std::move(one));
    // While there is no master they wait for it, and it for them.
    for (; to_send_.size() > most_kept_notifications; to_send_.pop_front())
        log_->standard("a notification is lost: the master agent is away, and too many wait for it");
    while (is_attached_ && !to_send_.empty()) {
        const Notification& one = to_send_.front();
        Oid name = options_.arc;
        name.push_back(mib::notifications);
        name.push_back(one.number);
        netsnmp_variable_list* list = nullptr;
        snmp_varlist_add_variable(&list, trap_oid.data(), trap_oid.size(), ASN_OBJECT_ID, name.data(),
                                  name.size() * sizeof(oid));
        for (const Variable& variable : one.variables) {
            netsnmp_variable_list* const added = snmp_varlist_add_variable(
                &list, variable.oid.data(), variable.oid.size(), ASN_NULL, nullptr, 0);
            if (added != nullptr) put(added, variable);
        }
        send_v2trap(list);
        snmp_free_varbind(list);
        // A master that has gone meanwhile has not got it.
        if (is_attached_) to_send_.pop_front();
    }
}

int SubAgent::handle(netsnmp_mib_handler_s*, netsnmp_handler_registration_s* registration,
                     netsnmp_agent_request_info_s* asked, netsnmp_request_info_s* requests)
{
    static_cast<SubAgent*>(registration->my_reg_void)->answer(asked->mode, requests);
    return SNMP_ERR_NOERROR;
}

void SubAgent::answer(int mode, netsnmp_request_info_s* requests)
{
    if (mode == MODE_GET) return get(requests);
    if (mode == MODE_GETNEXT) return get_next(requests);
    const int problem = sets_.phase(mode, requests, *watch_.picture());
    if (problem != SNMP_ERR_NOERROR) netsnmp_request_set_error_all(requests, problem);
}

void SubAgent::get(netsnmp_request_info_s* requests)
{
    const std::shared_ptr<const Picture> picture = watch_.picture();
    for (netsnmp_request_info* request = requests; request != nullptr; request = request->next) {
        if (request->processed != 0) continue;
        if (const Variable* const found = picture->find(name_of(*request->requestvb)))
            put(request->requestvb, *found);
        else
            netsnmp_request_set_error(request, SNMP_NOSUCHINSTANCE);
    }
}

/// Where nothing follows the request stays as it is, and the library goes on behind the arc.
void SubAgent::get_next(netsnmp_request_info_s* requests)
{
    const std::shared_ptr<const Picture> picture = watch_.picture();
    for (netsnmp_request_info* request = requests; request != nullptr; request = request->next) {
        if (request->processed != 0) continue;
        const Variable* const found = picture->next(name_of(*request->requestvb), request->inclusive != 0);
        if (found == nullptr) continue;
        snmp_set_var_objid(request->requestvb, found->oid.data(), found->oid.size());
        put(request->requestvb, *found);
    }
}

}  // namespace belay::site::snmp
