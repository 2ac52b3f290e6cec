#pragma once
// What health_of() is made of: a part of the machine each. Each adds what it finds.

#include "storage/health.h"

namespace belay::storage {

using Findings = std::vector<HealthFinding>;

void find_in_arrays(const Survey& survey, Findings& findings);
void find_in_disks(const Survey& survey, Findings& findings);
void find_in_smart(const Survey& survey, Findings& findings);
void find_in_lvm(const Survey& survey, Findings& findings);
void find_in_pools(const Survey& survey, Findings& findings);
void find_in_esps(const Survey& survey, Findings& findings);
void find_in_boot_code(const Survey& survey, Findings& findings);

/// A finding on a disk or an array, under a name that outlives the boot where there is one.
HealthFinding finding_on(const Disk& disk, std::string code, Severity severity, std::string found,
                         std::string wanted, std::string mend = {});
HealthFinding finding_on(const Array& array, std::string code, Severity severity, std::string found,
                         std::string wanted, std::string mend = {});

/// The disk of that name, or the one with a partition of that name; null where there is none.
const Disk* disk_of(const Inventory& host, std::string_view device);

/// The command that replaces a disk which is in an array.
std::string replace(const Disk& disk);

/// How near to its end something is that fills up or wears out; nothing below 80 %.
struct Fullness {
    Severity severity;
    std::string text;  ///< "96 %"
};
std::optional<Fullness> fullness(double percent);

}  // namespace belay::storage
