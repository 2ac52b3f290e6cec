#pragma once
// The rows of members that `show switch` and `show platform` have in common.

#include "upgrade/iosxe/show/fields.h"
#include "upgrade/iosxe/show/switches.h"

namespace belay::upgrade::iosxe::show {

/// "Switch/Stack Mac Address : 00b6.70ff.0600 - Local Mac Address", "Mac persistency wait time: Indefinite".
/// false: it is something else.
bool take_stack_mac(std::string_view text, std::string& mac, std::string& persistency);

/// "*1       Active   00b6.70ff.0600     15     V01     Ready"; without a MAC address there is no hardware
/// version either. Nothing where it is something else.
std::optional<SwitchMember> switch_row_of(std::string_view text, bool with_mac);

}  // namespace belay::upgrade::iosxe::show
