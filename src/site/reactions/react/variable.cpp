// Variables of SNMP agents, by net-snmp's library.

#include "site/reactions/react/react.h"

// The library's headers want this order.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
// clang-format on

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <vector>

namespace belay::site::react {
namespace {

constexpr int attempts = 3;
constexpr const char* library_name = "belayd-react";

struct CloseSession {
    void operator()(void* session) const { ::snmp_sess_close(session); }
};
using OpenSession = std::unique_ptr<void, CloseSession>;

struct FreeAnswer {
    void operator()(netsnmp_pdu* answer) const { ::snmp_free_pdu(answer); }
};
using Answer = std::unique_ptr<netsnmp_pdu, FreeAnswer>;

/// Nothing of this host's configuration of SNMP, and no word but ours.
void begin_library()
{
    // To nobody: without any log the library writes to standard error.
    ::snmp_disable_log();
    ::snmp_enable_calllog();
    ::netsnmp_set_mib_directory("");
    for (const int what : {NETSNMP_DS_LIB_DONT_READ_CONFIGS, NETSNMP_DS_LIB_DONT_PERSIST_STATE,
                           NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE})
        ::netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, what, 1);
    ::init_snmp(library_name);
}

struct Asked {
    std::string variable, agent, user;
    bool is_version_3 = false;
};

Result<std::vector<oid>> number_of(const std::string& text)
{
    std::vector<oid> number(MAX_OID_LEN);
    size_t length = number.size();
    if (::read_objid(("." + text).c_str(), number.data(), &length) == 0)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no number of a variable", text));
    number.resize(length);
    return number;
}

struct Protocol {
    oid* number;
    size_t length;
};

Protocol authentication_named(const std::string& name)
{
    if (name == "SHA") return {&usmHMACSHA1AuthProtocol[0], std::size(usmHMACSHA1AuthProtocol)};
    if (name == "SHA-512") return {&usmHMAC384SHA512AuthProtocol[0], std::size(usmHMAC384SHA512AuthProtocol)};
    return {&usmHMAC192SHA256AuthProtocol[0], std::size(usmHMAC192SHA256AuthProtocol)};
}

Result<void> make_key(const Protocol& protocol, const std::string& password, const char* what, u_char* key,
                      size_t* key_length)
{
    *key_length = USM_AUTH_KU_LEN;
    const auto* const bytes = reinterpret_cast<const u_char*>(password.data());
    if (::generate_Ku(protocol.number, static_cast<u_int>(protocol.length), bytes, password.size(), key,
                      key_length) == SNMPERR_SUCCESS)
        return {};
    return fail(ErrorKind::refused,
                fmt::format("the {} is shorter than {} characters, which SNMPv3 does not have", what,
                            USM_LENGTH_P_MIN));
}

/// Who asks, by version 3. The session points to the user's name.
Result<void> set_user(netsnmp_session& session, const Json& errand, std::string& user)
{
    const Protocol authentication = authentication_named(errand.value("authentication", "SHA-256"));
    session.version = SNMP_VERSION_3;
    session.securityName = user.data();
    session.securityNameLen = user.size();
    session.securityLevel = SNMP_SEC_LEVEL_AUTHNOPRIV;
    session.securityAuthProto = authentication.number;
    session.securityAuthProtoLen = authentication.length;
    TRY(make_key(authentication, errand.value("authentication_password", ""), "authentication password",
                 &session.securityAuthKey[0], &session.securityAuthKeyLen));
    const std::string privacy = errand.value("privacy_password", "");
    if (privacy.empty()) return {};
    session.securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    session.securityPrivProto = &usmAESPrivProtocol[0];
    session.securityPrivProtoLen = std::size(usmAESPrivProtocol);
    return make_key(authentication, privacy, "privacy password", &session.securityPrivKey[0],
                    &session.securityPrivKeyLen);
}

/// Why the library got no answer, or none that it could take. `is_known`: the agent has told who it is.
std::unexpected<Error> problem_of(int problem, const Asked& asked, bool is_known)
{
    switch (problem) {
        case SNMPERR_TIMEOUT:
            if (asked.is_version_3 && is_known)
                return fail(ErrorKind::unavailable,
                            fmt::format("{} is there, and does not answer what {} asks: a wrong privacy "
                                        "password is not answered",
                                        asked.agent, asked.user));
            return fail(
                ErrorKind::unavailable,
                fmt::format("{} does not answer{}", asked.agent,
                            asked.is_version_3 ? "" : ": nobody is there, or the community is wrong"));
        case SNMPERR_UNKNOWN_USER_NAME:
        case SNMPERR_USM_UNKNOWNSECURITYNAME:
            return fail(ErrorKind::refused, fmt::format("{} knows no user {}", asked.agent, asked.user));
        case SNMPERR_AUTHENTICATION_FAILURE:
        case SNMPERR_USM_AUTHENTICATIONFAILURE:
            return fail(ErrorKind::refused,
                        fmt::format("{} does not take the password of {}, or its authentication is another",
                                    asked.agent, asked.user));
        case SNMPERR_UNSUPPORTED_SEC_LEVEL:
        case SNMPERR_USM_UNSUPPORTEDSECURITYLEVEL:
            return fail(ErrorKind::refused, fmt::format("{} has for {} another authentication, or no privacy",
                                                        asked.agent, asked.user));
        case SNMPERR_DECRYPTION_ERR:
        case SNMPERR_USM_DECRYPTIONERROR:
            return fail(ErrorKind::refused,
                        fmt::format("{} does not take the privacy password of {}", asked.agent, asked.user));
        default:
            return fail(ErrorKind::unavailable,
                        fmt::format("{} cannot be asked: {}", asked.agent, ::snmp_api_errstring(problem)));
    }
}

Result<std::string> number_in(const netsnmp_variable_list& variable, const Asked& asked)
{
    constexpr unsigned bits_of_half = 32;
    switch (variable.type) {
        case ASN_INTEGER:
            return fmt::format("{}", *variable.val.integer);
        case ASN_COUNTER:
        case ASN_GAUGE:
        case ASN_TIMETICKS:
        case ASN_UINTEGER:
            return fmt::format("{}", static_cast<uint32_t>(*variable.val.integer));
        case ASN_COUNTER64: {
            const uint64_t whole =
                (uint64_t{variable.val.counter64->high} << bits_of_half) + variable.val.counter64->low;
            // What is told of a threshold has a sign.
            return fmt::format("{}", std::min<uint64_t>(whole, std::numeric_limits<int64_t>::max()));
        }
        case SNMP_NOSUCHOBJECT:
        case SNMP_NOSUCHINSTANCE:
        case SNMP_ENDOFMIBVIEW:
            return fail(ErrorKind::refused, fmt::format("{} has no variable {}, or does not show it",
                                                        asked.agent, asked.variable));
        default:
            return fail(ErrorKind::refused,
                        fmt::format("{} at {} is no whole number", asked.variable, asked.agent));
    }
}

/// Of version 3 the agent is asked who it is.
Result<OpenSession> open_session(const Json& errand, const Asked& asked, const std::string& address)
{
    netsnmp_session session{};
    ::snmp_sess_init(&session);
    std::string peer = address, user = asked.user, community = errand.value("community", "");
    session.peername = peer.data();
    session.retries = attempts - 1;
    session.timeout = static_cast<long>(errand.value("limit_ms", int64_t{3000}) * 1000 / attempts);
    if (asked.is_version_3) {
        TRY(set_user(session, errand, user));
    } else {
        session.version = SNMP_VERSION_2c;
        session.community = reinterpret_cast<u_char*>(community.data());
        session.community_len = community.size();
    }
    OpenSession open(::snmp_sess_open(&session));
    if (open == nullptr) return problem_of(session.s_snmp_errno, asked, false);
    return open;
}

}  // namespace

Result<std::string> read_variable(const Json& errand)
{
    const std::string host = errand.value("host", "");
    const bool is_ipv6 = host.find(':') != std::string::npos;
    const std::string agent = is_ipv6 ? fmt::format("[{}]:{}", host, errand.value("port", 0))
                                      : fmt::format("{}:{}", host, errand.value("port", 0));
    const Asked asked{.variable = errand.value("oid", ""),
                      .agent = agent,
                      .user = errand.value("user", ""),
                      .is_version_3 = errand.value("version", "") == "3"};
    begin_library();
    const std::vector<oid> number = TRY(number_of(asked.variable));
    const OpenSession open =
        TRY(open_session(errand, asked, fmt::format("{}:{}", is_ipv6 ? "udp6" : "udp", agent)));

    netsnmp_pdu* const question = ::snmp_pdu_create(SNMP_MSG_GET);
    if (question == nullptr) return fail(ErrorKind::unavailable, "there is no memory to ask with");
    ::snmp_add_null_var(question, number.data(), number.size());
    netsnmp_pdu* plain = nullptr;
    const int status = ::snmp_sess_synch_response(open.get(), question, &plain);
    const Answer answer(plain);
    if (status == STAT_TIMEOUT) return problem_of(SNMPERR_TIMEOUT, asked, true);
    if (status != STAT_SUCCESS || answer == nullptr)
        return problem_of(::snmp_sess_session(open.get())->s_snmp_errno, asked, true);
    if (answer->errstat != SNMP_ERR_NOERROR)
        return fail(ErrorKind::refused,
                    fmt::format("{} answers {} to {}", asked.agent,
                                ::snmp_errstring(static_cast<int>(answer->errstat)), asked.variable));
    if (answer->variables == nullptr)
        return fail(ErrorKind::unavailable, fmt::format("{} answers nothing", asked.agent));
    return number_in(*answer->variables, asked);
}

}  // namespace belay::site::react
