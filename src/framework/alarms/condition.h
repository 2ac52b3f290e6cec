#pragma once
// A condition: what raises an alarm and what ends it. The folder's model.
//
//     messages, figures, findings ─► Detector ─► verdicts ─► AlarmBook (in the store) ─► reactions
//
// Source: mission F10; severities, selection, clearing by event or after 48 hours are those of its platform.

#include "framework/configuration/object.h"
#include "framework/messages/message.h"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace belay::framework::alarms {

/// The worst first.
enum class Severity { critical, major, minor };
std::string_view name_of(Severity severity);
/// Errors: usage.
Result<Severity> severity_named(std::string_view name);

/// What an alarm is about: a condition raises one for each host and application of which it holds. Of one
/// key there is one alarm at a time.
struct Key {
    std::string condition;         ///< its name
    std::string host = {};         ///< by its name; empty: none
    std::string application = {};  ///< by its name; empty: Belay, or the host itself
    std::string object = {};       ///< a device, a filesystem, a variable

    auto operator<=>(const Key&) const = default;
};

/// Whom a condition is for.
struct Selection {
    bool any_host = true, any_application = true;
    std::set<std::string> hosts = {}, applications = {};

    bool fits(std::string_view host, std::string_view application) const;
};

/// An event comes `count` times within a span from one application.
struct EventCount {
    messages::EventId id = {};
    uint32_t count = 1;
    Milliseconds within{60'000};

    bool operator==(const EventCount&) const = default;
};

/// An event does not come any more.
struct EventMissing {
    messages::EventId id = {};
    Milliseconds longest{0};

    bool operator==(const EventMissing&) const = default;
};

/// What storage health finds: a code, or the front of some with a star.
struct StorageCode {
    std::string code;
    bool critical_alone = false;  ///< what is worth a warning only does not count

    bool fits(std::string_view found) const;
    bool operator==(const StorageCode&) const = default;
};

/// Raised from `rising` on, cleared from `falling` down.
struct Threshold {
    int64_t rising = 0, falling = 0;

    bool operator==(const Threshold&) const = default;
};

/// A figure of a host, in percent.
struct Figure {
    std::string figure;                              ///< "processor", "memory", "swap", "disk"
    std::optional<Threshold> everywhere = {};        ///< none: on those hosts alone
    std::map<std::string, Threshold> on_hosts = {};  ///< by name; before the one for all

    /// Null: it is not watched there.
    const Threshold* on(const std::string& host) const;
    bool operator==(const Figure&) const = default;
};

/// An SNMP variable.
struct Variable {
    std::string oid;
    std::string agent;              ///< HOST:PORT
    configuration::Id account = 0;  ///< the object of the type snmp; 0: none is named
    Threshold threshold = {};

    bool operator==(const Variable&) const = default;
};

using Detect = std::variant<EventCount, EventMissing, StorageCode, Figure, Variable>;

struct Condition {
    std::string name;
    Severity severity = Severity::minor;
    std::string description = {};  ///< what a person should do
    Detect detect = {};
    Milliseconds every{60'000};  ///< how often a figure or a variable is looked at
    Selection selection = {};
    std::optional<messages::EventId> clear_event = {};
    Milliseconds clear_after = std::chrono::hours(48);
    std::vector<configuration::Id> reactions = {};  ///< objects of the type script, in their order
    bool is_muted = false;                          ///< disabled: it is kept, and nothing is done
    bool is_predefined = false;
};

/// All of a site: the predefined ones, with what the objects of their names say in their place, and those
/// that are configured besides. What does not read as a condition any more is left out: the configuration is
/// held against its checks where it is changed. By name, each once. Threads: any.
std::vector<Condition> conditions_of(const configuration::Configuration& configuration);

/// Hosts on which somebody works.
std::set<std::string> hosts_in_maintenance(const configuration::Configuration& configuration);

}  // namespace belay::framework::alarms
