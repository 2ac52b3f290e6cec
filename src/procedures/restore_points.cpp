#include "procedures/restore_points.h"

#include "storage/parse/lvm.h"
#include "storage/probe.h"
#include "storage/restore_point.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using restore_point::Piece;

class Collector {
  public:
    Collector(host::Host& machine, const Inventory& host, const operation::Plan& plan)
        : machine_(machine), host_(host), plan_(plan)
    {
    }

    Result<std::vector<Piece>> collect()
    {
        for (const std::string& lock : plan_.locks) {
            const std::string name = lock.substr(lock.find(':') + 1);
            if (lock.starts_with("disk:")) TRY(add_disk(name));
            if (lock.starts_with("md:")) TRY(add_array(name));
            if (lock.starts_with("lvm:")) TRY(add_group(name));
        }
        return std::move(pieces_);
    }

  private:
    void add(std::vector<Piece> pieces, bool may_fail)
    {
        for (Piece& piece : pieces) {
            if (!files_.insert(piece.file).second) continue;
            piece.may_fail = may_fail;
            pieces_.push_back(std::move(piece));
        }
    }

    /// Looked at again after an abort: then it is there now, and is to stay.
    bool is_compared(const std::string& path) const
    {
        return std::ranges::any_of(plan_.fingerprints, [&](const operation::Question& question) {
            const Json disks = question.arguments.value("disks", Json::array());
            return std::find(disks.begin(), disks.end(), Json(path)) != disks.end();
        });
    }

    Result<void> add_disk(const std::string& path)
    {
        const Result<Disk> disk = host_.disk(path);
        if (!disk) return {};
        const bool may_fail = !is_compared(path);
        add(restore_point::of_disk(*disk), may_fail);
        TRY(add_content(disk->by_id, disk->content, disk->serial, disk->size, may_fail));
        for (const Partition& partition : disk->partitions) {
            if (partition.uuid.empty()) continue;
            TRY(add_content("/dev/disk/by-partuuid/" + partition.uuid, partition.content, disk->serial,
                            partition.size, may_fail));
        }
        return {};
    }

    Result<void> add_array(const std::string& uuid)
    {
        const auto array = std::ranges::find(host_.arrays, uuid, &Array::uuid);
        if (array == host_.arrays.end()) return {};
        add(restore_point::of_array(host_, *array), false);
        return add_content(array->path, array->content, array->uuid, array->size, false);
    }

    Result<void> add_content(const std::string& device, const Content& content, const std::string& serial,
                             Bytes size, bool may_fail)
    {
        if (content.type == "crypto_LUKS") add(restore_point::of_luks(device, content.uuid), may_fail);
        if (content.type == "zfs_member") add(restore_point::of_zfs(device, serial, size), may_fail);
        if (content.type != "LVM2_member") return {};
        for (const parse::LvmPhysical& volume : TRY(volumes()).physical) {
            if (volume.uuid == content.uuid && !volume.group.empty()) TRY(add_group(volume.group));
        }
        return {};
    }

    Result<void> add_group(const std::string& name)
    {
        std::vector<std::pair<std::string, std::string>> members;
        for (const parse::LvmPhysical& volume : TRY(volumes()).physical) {
            if (volume.group == name) members.emplace_back(volume.name, volume.uuid);
        }
        if (!members.empty()) add(restore_point::of_group(name, members), false);
        return {};
    }

    Result<parse::Lvm> volumes()
    {
        if (!volumes_) {
            const host::Outcome outcome = TRY(host::run_checked(
                machine_, {.argv = {"lvm", "pvs", "--reportformat", "json", "--units", "b", "--nosuffix",
                                    "--options", "pv_name,pv_uuid,vg_name"}}));
            volumes_ = TRY(parse::parse_lvm(outcome.out));
        }
        return *volumes_;
    }

    host::Host& machine_;
    const Inventory& host_;
    const operation::Plan& plan_;
    std::optional<parse::Lvm> volumes_;
    std::set<std::string> files_;
    std::vector<Piece> pieces_;
};

Result<operation::Plan> begun_with_restore_point(host::Host& machine, operation::Plan plan)
{
    if (plan.steps.empty()) return plan;
    const Inventory host = TRY(read_inventory(machine));
    const std::vector<Piece> pieces = TRY(Collector(machine, host, plan).collect());
    if (pieces.empty()) return plan;
    operation::Act act = restore_point::keep(pieces);
    operation::Step step{
        .name = "restore-point",
        .title =
            fmt::format("keep {} pieces of metadata, by which a person can put them back", pieces.size()),
        .phase = operation::Phase::add,
        .action = std::move(act.action),
        .arguments = std::move(act.arguments),
        .commands = std::move(act.commands),
        .undo_commands = std::move(act.undo_commands)};
    plan.steps.insert(plan.steps.begin(), std::move(step));
    const std::string folder(operation::own_folder);
    if (std::ranges::find(plan.keeps, folder) == plan.keeps.end()) plan.keeps.push_back(folder);
    plan.room.push_back({folder, restore_point::room_of(pieces)});
    TRY(operation::validate(plan));
    return plan;
}

}  // namespace

Procedure with_restore_point(Procedure procedure)
{
    const auto make = std::move(procedure.make);
    procedure.make = [make](host::Host& machine,
                            const std::map<std::string, std::string>& arguments) -> Result<operation::Plan> {
        return begun_with_restore_point(machine, TRY(make(machine, arguments)));
    };
    return procedure;
}

}  // namespace belay::procedures
