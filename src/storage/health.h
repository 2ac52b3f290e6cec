#pragma once
// What is not as it should be with the storage of a host, and what mends it.

#include "storage/survey.h"

namespace belay::storage {

enum class Severity {
    note,      ///< worth knowing; nothing is at risk
    warning,   ///< one more mishap costs data or service, or will before long
    critical,  ///< data or service is without protection now, or is lost already
};

/// The stable name, as "warning".
std::string_view name_of(Severity severity);

/// One thing that was found. The codes are stable; docs/health.md tells each of them.
struct HealthFinding {
    std::string code;  ///< as "md.member-failed"
    Severity severity = Severity::note;
    std::string object;  ///< a name that outlives the boot where there is one: "/dev/disk/by-id/..."
    std::string shown;   ///< the same for a person: "md0", "LAB0001 (/dev/sda)"
    std::string found;
    std::string wanted;
    std::string mend;  ///< the command that leads on; empty: none is needed
};

void to_json(nlohmann::json& json, const HealthFinding& finding);

/// All findings, the gravest first. Reads nothing but the survey; what that did not look at raises nothing.
std::vector<HealthFinding> health_of(const Survey& survey);

/// {"findings": [...], "worst": "warning" or null, "looked_at": {"disks": n, "arrays": n, "groups": n,
/// "pools": n}, "not_looked": [{"what", "why", "next"}]}, as `belay storage health --json`.
nlohmann::json health_report(const Survey& survey);

}  // namespace belay::storage
