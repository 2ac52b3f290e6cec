#pragma once
// Object identifiers, as net-snmp has them.

#include "base/result.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace belay::site::snmp {

using Oid = std::vector<unsigned long>;
using OidView = std::span<const unsigned long>;

/// SNMP's limit.
constexpr size_t most_sub_identifiers = 128;
/// That many are left for a table, its entry, a column and a name.
constexpr size_t most_in_arc = 20;

/// An arc to serve variables below, as "1.3.6.1.4.1.32473.1", with or without a dot before. Errors: usage: it
/// is none, is not below 1.3.6.1 (internet), or so short that it would cover what others serve.
Result<Oid> arc_of(std::string_view text);

}  // namespace belay::site::snmp
