#include "storage/parse/kinds.h"

#include "storage/parse/hdparm.h"
#include "storage/parse/lsblk.h"
#include "storage/parse/lvm.h"
#include "storage/parse/mdadm_detail.h"
#include "storage/parse/mdadm_examine.h"
#include "storage/parse/mdstat.h"
#include "storage/parse/sfdisk_dump.h"
#include "storage/parse/smartctl.h"
#include "storage/parse/zpool_status.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

using printed::as_json;

/// mdadm prints either report for either question, by what the device is. A text is read as what it is; where
/// it is neither, the error is that of the report that was asked for.
template <auto asked, auto other>
Result<Json> as_either(std::string_view text)
{
    auto json = as_json<asked>(text);
    if (json) return json;
    auto instead = as_json<other>(text);
    return instead ? instead : json;
}

constexpr std::array<Kind, 10> all_kinds{{
    {"mdstat", "the md arrays of the kernel", "cat /proc/mdstat", as_json<parse_mdstat>},
    {"mdadm-detail", "an md array and its devices", "mdadm --detail /dev/md0",
     as_either<parse_mdadm_detail, parse_mdadm_examine>},
    {"mdadm-examine", "the md superblock on a device", "mdadm --examine /dev/sda1",
     as_either<parse_mdadm_examine, parse_mdadm_detail>},
    {"sfdisk-dump", "a partition table", "sfdisk --dump /dev/sda", as_json<parse_sfdisk_dump>},
    {"lsblk-json", "block devices, as a tree or a list", "lsblk --json --bytes --output-all",
     as_json<parse_lsblk_tree>},
    {"smartctl-json", "what a disk says of its health", "smartctl --json --xall /dev/sda",
     as_json<parse_smartctl>},
    {"lvm-json", "volume groups, physical and logical volumes",
     "lvm fullreport --reportformat json --units b --nosuffix", as_json<parse_lvm>},
    {"zpool-status", "the pools of ZFS", "zpool status -v", as_json<parse_zpool_status>},
    {"hdparm-max", "the sectors of an ATA disk behind an HPA", "hdparm -N /dev/sda",
     as_json<parse_hdparm_max>},
    {"hdparm-dco", "what an ATA disk was built with", "hdparm --dco-identify /dev/sda",
     as_json<parse_hdparm_dco>},
}};

}  // namespace

std::span<const Kind> kinds()
{
    return all_kinds;
}

const Kind* kind_named(std::string_view name)
{
    const auto found = std::ranges::find(all_kinds, name, &Kind::name);
    return found == all_kinds.end() ? nullptr : &*found;
}

}  // namespace belay::storage::parse
