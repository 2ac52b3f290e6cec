#pragma once
// `hdparm -N` and `hdparm --dco-identify`: sectors that an ATA disk has and does not show.
// Source: hdparm 9.65, hdparm.c (process_dev, do_get_native_max_sectors) and identify.c (dco_identify_print).
//
// Both end with 0 whether the disk answered or not; what went wrong stands among the lines, or on standard
// error. So an answer is held against what else is known of the disk before it is believed.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::parse {

/// More than ATA can count: 48 bits.
constexpr uint64_t too_many_ata_sectors = uint64_t{1} << 48;

/// What one disk said to READ NATIVE MAX ADDRESS. Counts are logical sectors.
struct HdparmMax {
    std::string device;                      ///< "/dev/sda"; empty: the text does not say
    std::optional<uint64_t> visible = {};    ///< that the disk admits
    std::optional<uint64_t> native = {};     ///< that it has behind an HPA
    std::optional<bool> is_limited = {};     ///< "HPA is enabled"; absent: hdparm itself did not believe it
    bool by_accessible_max_address = false;  ///< the newer feature of ACS-3, in the place of HPA
    std::string problem = {};                ///< what hdparm said where the disk gave no good answer
};

/// What one disk said to DEVICE CONFIGURATION IDENTIFY.
struct HdparmDco {
    std::string device;
    std::string revision = {};                  ///< "0x0002"
    std::optional<bool> checksum_correct = {};  ///< of the structure that the disk sent
    /// Logical sectors that the disk was built with. Absent where it is no number of sectors: hdparm before
    /// 9.62 extends a sign into it, and some disks fill in nothing, which is one sector.
    std::optional<uint64_t> real_max_sectors = {};
    std::vector<std::string> transfer_modes = {};  ///< "udma6"
    std::vector<std::string> features = {};        ///< that a DCO may take away: "SMART", "HPA", "NCQ"
    std::string problem = {};
};

/// A disk a device that was asked, in their order. Errors: corrupt, where the text is none of `hdparm -N`, or
/// ends behind the name of a device.
Result<std::vector<HdparmMax>> parse_hdparm_max(std::string_view text);
/// As parse_hdparm_max(), for `hdparm --dco-identify`.
Result<std::vector<HdparmDco>> parse_hdparm_dco(std::string_view text);

/// {"devices": [...]}, as docs/cli.md describes it.
void to_json(nlohmann::json& json, const std::vector<HdparmMax>& devices);
void to_json(nlohmann::json& json, const std::vector<HdparmDco>& devices);

/// What went wrong, of a line that hdparm wrote of it: "SG_IO: bad/missing sense data (aborted command)"
/// where the disk has refused, "(illegal request)" where the adapter has; empty where the line is no such
/// one.
std::string hdparm_problem(std::string_view line);

}  // namespace belay::storage::parse
