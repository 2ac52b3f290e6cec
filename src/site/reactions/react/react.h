#pragma once
// belayd-react: does one reaction, or asks for one variable, and ends. A process of its own, so that one that
// hangs is killed, one that dies takes nothing with it, a secret is gone with it, and belayd loads no library
// for mails, and none for SNMP.
//
// It takes one errand (../errand.h) on its standard input.

#include "base/json.h"

namespace belay::site::react {

/// Sends a mail by libcurl. A sentence. Errors: unavailable (not now), refused (never), usage.
Result<std::string> send_mail(const Json& errand);
/// Posts JSON by libcurl, follows no redirect. Errors: as send_mail().
Result<std::string> post_webhook(const Json& errand);
/// Asks an SNMP agent, by net-snmp's library, for one variable. Its number, in digits. Errors: unavailable
/// (no answer), refused (the agent does not take who asks, has no such variable, or it is no number), usage.
Result<std::string> read_variable(const Json& errand);
/// Becomes the command, as its user. Comes back with why not: usage, not_found, permission, io.
Error become_command(const Json& errand);

/// Dies with the belayd that started it, and has none of its files. Errors: unavailable (that has ended).
Result<void> bind_to_parent();

}  // namespace belay::site::react
