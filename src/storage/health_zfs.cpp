// What is not as it should be with pools of ZFS.

#include "storage/health_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

using parse::ZpoolVdev;

/// A spare says AVAIL, or INUSE where it has stepped in.
bool is_well(const std::string& state)
{
    return state.empty() || state == "ONLINE" || state == "AVAIL" || state == "INUSE";
}

bool has_errors(const ZpoolVdev& vdev)
{
    return std::ranges::any_of(std::array{&vdev.read, &vdev.write, &vdev.cksum},
                               [](const auto* count) { return !count->text.empty() && !count->is_zero(); });
}

/// zpool sets its sentences apart by two blanks.
std::string with_single_blanks(const std::string& text)
{
    std::string single;
    for (const char c : text) {
        if (c != ' ' || !single.ends_with(' ')) single += c;
    }
    return single;
}

std::string or_zero(const std::string& text)
{
    return text.empty() ? "0" : text;
}

class PoolHealth {
  public:
    PoolHealth(const Pool& pool, Findings& findings) : pool_(pool), findings_(findings) {}

    void look()
    {
        if (!is_well(pool_.status.state))
            say("zfs.pool-not-online", Severity::critical,
                fmt::format("the pool is {}{}{}", pool_.status.state, pool_.status.status.empty() ? "" : ": ",
                            with_single_blanks(pool_.status.status)),
                "ONLINE", "zpool status -v " + name());
        if (pool_.status.config) look_at(*pool_.status.config);
        for (const auto& [group, vdevs] : pool_.status.groups) {
            for (const ZpoolVdev& vdev : vdevs) look_at(vdev);
        }
        look_at_data();
        look_at_scans();
        look_at_room();
    }

  private:
    const std::string& name() const { return pool_.row.name; }

    void say(std::string code, Severity severity, std::string found, std::string wanted, std::string mend)
    {
        findings_.push_back({std::move(code), severity, "pool:" + name(), "pool " + name(), std::move(found),
                             std::move(wanted), std::move(mend)});
    }

    /// Of leaves alone: what is above them is told by them.
    void look_at(const ZpoolVdev& vdev, bool is_being_replaced = false)
    {
        for (const ZpoolVdev& child : vdev.children) look_at(child, vdev.type == "replacing");
        if (vdev.type != "leaf") return;
        if (!is_well(vdev.state))
            say("zfs.vdev-not-online", Severity::critical,
                fmt::format("{} is {}{}", vdev.name, vdev.state, vdev.note.empty() ? "" : ", " + vdev.note),
                "every vdev ONLINE", is_being_replaced ? "zpool wait -t resilver " + name() : mend_of(vdev));
        if (has_errors(vdev))
            say("zfs.vdev-errors", Severity::warning,
                fmt::format("{}: {} read, {} write and {} checksum errors", vdev.name,
                            or_zero(vdev.read.text), or_zero(vdev.write.text), or_zero(vdev.cksum.text)),
                "none", fmt::format("zpool scrub {0}; when the cause is mended: zpool clear {0}", name()));
    }

    /// What an administrator took offline is sound, and what was pulled may be put back.
    std::string mend_of(const ZpoolVdev& vdev) const
    {
        if (vdev.state == "OFFLINE") return fmt::format("zpool online {} {}", name(), vdev.name);
        if (vdev.state == "REMOVED")
            return fmt::format("zpool online {0} {1}, when the disk is back; else zpool replace {0} {1} NEW",
                               name(), vdev.name);
        return fmt::format("zpool replace {} {} NEW", name(), vdev.name);
    }

    void look_at_data()
    {
        const uint64_t damaged = pool_.status.data_errors.value_or(0);
        if (damaged == 0) return;
        say("zfs.data-errors", Severity::critical,
            damaged == 1 ? "1 file or object is damaged"
                         : fmt::format("{} files or objects are damaged", damaged),
            "none", fmt::format("zpool status -v {}", name()));
    }

    void look_at_scans()
    {
        for (const parse::ZpoolScan& scan : pool_.status.scans) {
            if (scan.state == "in progress")
                say("zfs.scanning", Severity::note,
                    scan.percent ? fmt::format("{} at {:.0f} %", scan.function, *scan.percent)
                                 : scan.function + " on its way",
                    "at rest", "");
            if (scan.errors.value_or(0) > 0)
                say("zfs.scan-errors", Severity::warning,
                    fmt::format("the last {} ended with {} errors", scan.function, *scan.errors), "none",
                    fmt::format("zpool status -v {}", name()));
        }
    }

    void look_at_room()
    {
        if (const auto used = fullness(static_cast<double>(pool_.row.capacity_percent.value_or(0))))
            say("zfs.pool-full", used->severity, used->text + " of the pool is used",
                "less than 80 %: above it ZFS becomes slow, and full it can hardly be emptied",
                fmt::format("zfs list -r -t all -o space {}", name()));
    }

    const Pool& pool_;
    Findings& findings_;
};

}  // namespace

void find_in_pools(const Survey& survey, Findings& findings)
{
    for (const Pool& pool : survey.pools) PoolHealth(pool, findings).look();
    for (const PoolAway& pool : pools_away(survey))
        findings.push_back({"zfs.not-imported", Severity::warning, "pool:" + pool.guid,
                            "pool " + (pool.name.empty() ? pool.guid : pool.name),
                            fmt::format("not imported; on /dev/{}", fmt::join(pool.devices, ", /dev/")),
                            "an imported pool, or disks without its labels", "zpool import " + pool.guid});
}

}  // namespace belay::storage
