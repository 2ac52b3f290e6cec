#pragma once
// A message as syslog has it.
//
//     <129>1 2026-11-29T18:04:05.120Z web1 stat_server - 20-00031 [belay@32473 level="alarm"
//     application="stat server"][attributes@32473 seats="40"] no licence for 40 seats
//
// Source: RFC 5424. The number of private enterprises in it is that for documentation (RFC 5612): Belay has
// none of its own yet.

#include "framework/messages/message.h"

namespace belay::framework::messages {

/// `facility`: 0..23. The application's name as it is and the interaction are in the element belay@32473,
/// attributes in attributes@32473; of names, what syslog cannot have there is "_". No line feed at its end.
std::string syslog_line(const Message& message, unsigned facility);

/// With its length before it, as a stream has it. Source: RFC 6587, 3.4.1, and RFC 5425, 4.3.
std::string syslog_frame(const Message& message, unsigned facility);

}  // namespace belay::framework::messages
