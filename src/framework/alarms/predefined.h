#pragma once
// The conditions that every site has without anybody writing them, and Belay's own events that raise and
// clear them. An alarm object of the same name says more of one: another severity, reactions, or that it is
// muted.

#include "framework/alarms/condition.h"

namespace belay::framework::alarms {

/// Events of Belay itself, component 01.
namespace events {
inline constexpr messages::EventId connection_lost{1, 101}, connection_made{1, 102};
inline constexpr messages::EventId application_failed{1, 111}, application_well{1, 112};
inline constexpr messages::EventId licence_ends{1, 121}, licence_valid{1, 122};
inline constexpr messages::EventId host_inaccessible{1, 131}, host_accessible{1, 132};
inline constexpr messages::EventId host_unavailable{1, 133}, host_available{1, 134};
inline constexpr messages::EventId host_unreachable{1, 135}, host_reachable{1, 136};
inline constexpr messages::EventId service_unavailable{1, 141}, service_available{1, 142};
inline constexpr messages::EventId solution_moved{1, 143}, solution_settled{1, 144};
inline constexpr messages::EventId message_store_lost{1, 151}, message_store_back{1, 152};
}  // namespace events

/// Whether an alarm of this name needs no detection of its own.
bool is_predefined(std::string_view name);

/// The ten, as they are where nothing is configured; then those for the thresholds of hosts, which have none
/// yet.
std::vector<Condition> predefined_conditions();

/// The table of docs/alarms.md.
std::string predefined_in_markdown();

}  // namespace belay::framework::alarms
