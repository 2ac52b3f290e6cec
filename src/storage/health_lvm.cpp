// What is not as it should be with volume groups and the volumes in them.

#include "storage/health_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

using parse::LvmGroup;
using parse::LvmLogical;

std::string lvm_text(const parse::LvmFields& fields, const char* column)
{
    const auto found = fields.find(column);
    return found != fields.end() && found->second.is_string() ? found->second.get<std::string>() : "";
}

uint64_t lvm_number(const parse::LvmFields& fields, const char* column)
{
    const auto found = fields.find(column);
    return found != fields.end() && found->second.is_number_unsigned() ? found->second.get<uint64_t>() : 0;
}

class LvmHealth {
  public:
    LvmHealth(const parse::Lvm& lvm, Findings& findings) : lvm_(lvm), findings_(findings) {}

    void look()
    {
        for (const LvmGroup& group : lvm_.groups) look_at(group);
        for (const LvmLogical& volume : lvm_.logical) {
            if (!volume.hidden) look_at(volume);
        }
    }

  private:
    void look_at(const LvmGroup& group)
    {
        const uint64_t missing = lvm_number(group.fields, "vg_missing_pv_count");
        if (missing == 0) return;
        std::vector<std::string> partial;
        for (const LvmLogical& volume : lvm_.logical) {
            if (volume.group == group.name && lvm_text(volume.fields, "lv_health_status") == "partial")
                partial.push_back(volume.name);
        }
        findings_.push_back(
            {"lvm.pv-missing", Severity::critical, "vg:" + group.uuid, group.name,
             fmt::format(
                 "{} of {} physical volumes missing{}", missing, lvm_number(group.fields, "pv_count"),
                 partial.empty() ? "" : fmt::format(", and with it parts of {}", fmt::join(partial, ", "))),
             "all physical volumes of the group",
             fmt::format("vgextend --restoremissing {} DEVICE", group.name)});
    }

    void say(const LvmLogical& volume, std::string code, Severity severity, std::string found,
             std::string wanted, std::string mend)
    {
        const std::string name = volume.group + '/' + volume.name;
        findings_.push_back({std::move(code), severity, "lv:" + volume.uuid, name, std::move(found),
                             std::move(wanted), std::move(mend)});
    }

    void look_at(const LvmLogical& volume)
    {
        const std::string layout = ',' + lvm_text(volume.fields, "lv_layout") + ',';
        if (layout.find(",pool,") != std::string::npos)
            look_at_pool(volume);
        else if (!volume.origin.empty() && volume.pool.empty())
            look_at_snapshot(volume);
        look_at_state(volume);
    }

    void look_at_pool(const LvmLogical& pool)
    {
        const std::string name = pool.group + '/' + pool.name;
        if (const auto used = fullness(pool.data_percent.value_or(0)))
            say(pool, "lvm.pool-data-full", used->severity, used->text + " of the pool's data is used",
                "less than 80 %: when it is full, what is in it gets errors or stands still",
                fmt::format("lvextend --size +SIZE {}", name));
        if (const auto used = fullness(pool.metadata_percent.value_or(0)))
            say(pool, "lvm.pool-metadata-full", used->severity,
                used->text + " of the pool's metadata is used",
                "less than 80 %: when it is full, the pool takes no writes and must be repaired",
                fmt::format("lvextend --poolmetadatasize +SIZE {}", name));
    }

    void look_at_snapshot(const LvmLogical& snapshot)
    {
        const std::string name = snapshot.group + '/' + snapshot.name;
        if (lvm_text(snapshot.fields, "lv_snapshot_invalid") == "snapshot invalid") {
            say(snapshot, "lvm.snapshot-invalid", Severity::critical,
                fmt::format("it ran full: what it kept of {} is lost", snapshot.origin),
                "a snapshot with room", fmt::format("lvremove {}", name));
            return;
        }
        if (const auto used = fullness(snapshot.data_percent.value_or(0)))
            say(snapshot, "lvm.snapshot-full", used->severity, used->text + " of its room is used",
                "less than 80 %: when it is full, the snapshot is lost",
                fmt::format("lvextend --size +SIZE {}", name));
    }

    void look_at_state(const LvmLogical& volume)
    {
        const std::string health = lvm_text(volume.fields, "lv_health_status");
        const std::string name = volume.group + '/' + volume.name;
        // What is partial is told of its group; the others are as somebody wanted them.
        if (health.empty() || health == "partial" || health == "writemostly" || health == "reshaping") return;
        const bool is_pool = health == "failed" || health == "out_of_data" || health == "metadata_read_only";
        say(volume, "lvm.volume-unwell", is_pool ? Severity::critical : Severity::warning,
            fmt::format("LVM says of it: {}", health), "a volume that is well",
            is_pool ? fmt::format("lvconvert --repair {}", name)
            : health == "refresh needed"
                ? fmt::format("lvchange --refresh {}", name)
                : fmt::format("lvs -a -o +lv_health_status,devices {}", volume.group));
    }

    const parse::Lvm& lvm_;
    Findings& findings_;
};

}  // namespace

void find_in_lvm(const Survey& survey, Findings& findings)
{
    if (survey.lvm) LvmHealth(*survey.lvm, findings).look();
}

}  // namespace belay::storage
