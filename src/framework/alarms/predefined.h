#pragma once
// The conditions that every site has without anybody writing them, and Belay's own events that raise and
// clear them. An alarm object of the same name says more of one: another severity, reactions, or that it is
// muted.

#include "framework/alarms/condition.h"

namespace belay::framework::alarms {

/// Events of Belay itself: 01 messages, 03 applications, 04 solutions, 05 hosts.
namespace events {
inline constexpr messages::EventId message_store_lost{1, 20}, message_store_back{1, 21};
inline constexpr messages::EventId application_failed{3, 20}, application_well{3, 10};
inline constexpr messages::EventId licence_ends{3, 40}, licence_valid{3, 41};
inline constexpr messages::EventId service_unavailable{4, 30}, service_available{4, 31};
inline constexpr messages::EventId solution_moved{4, 32}, solution_settled{4, 33};
inline constexpr messages::EventId host_inaccessible{5, 30}, host_accessible{5, 31};
inline constexpr messages::EventId host_unavailable{5, 32}, host_available{5, 33};
inline constexpr messages::EventId host_unreachable{5, 34}, host_reachable{5, 35};
inline constexpr messages::EventId connection_lost{5, 36}, connection_made{5, 37};
}  // namespace events

/// The events that messages have to be looked through for: those that conditions name, but for the ones
/// above, which are told by how things stand.
std::vector<messages::EventId> events_in_messages(const std::vector<Condition>& conditions);
bool is_told_by_standings(messages::EventId id);

/// Whether an alarm of this name needs no detection of its own.
bool is_predefined(std::string_view name);

/// The ten, as they are where nothing is configured; then those for the thresholds of hosts, which have none
/// yet.
std::vector<Condition> predefined_conditions();

/// The table of docs/alarms.md.
std::string predefined_in_markdown();

}  // namespace belay::framework::alarms
