#pragma once
// `zpool status`: the pools of ZFS, what they stand on, and what is wrong with them.
// Source: OpenZFS, cmd/zpool/zpool_main.c (status_callback, print_scan_status, print_status_config), and the
// wordings of older versions and of Solaris.

#include "base/result.h"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::parse {

/// A number as zpool prints it: "0", "17", or rounded, "1.21K".
struct ZpoolNumber {
    std::string text;               ///< empty: nothing was printed
    std::optional<uint64_t> exact;  ///< where it was not rounded

    bool is_zero() const { return exact == 0; }
};

struct ZpoolVdev {
    std::string name;
    /// By its name: "root", "mirror", "raidz1", "draid2", "replacing", "spare", "indirect", "distributed
    /// spare"; "leaf": a disk, a partition or a file, which zpool does not tell.
    std::string type;
    std::string state;  ///< "ONLINE", "DEGRADED", "AVAIL"
    ZpoolNumber read, write, cksum, slow;
    std::string note;  ///< "too many errors", "was /dev/sdb1", "(resilvering)"
    std::vector<ZpoolVdev> children;
};

/// A scrub or a resilver. Points in time are as printed: in the zone of that host, which is not said.
struct ZpoolScan {
    std::string text;      ///< in one line
    std::string function;  ///< "scrub", "resilver", "error scrub"; empty: none was asked for
    std::string state;     ///< "none", "in progress", "finished", "canceled", "paused"; empty: not understood
    std::string vdev;      ///< of a resilver of one vdev alone
    std::string since, ended;
    std::string duration, left;                  ///< "11:16:03", "0h5m"
    std::optional<uint64_t> duration_s, left_s;  ///< where seconds were printed
    ZpoolNumber processed;                       ///< bytes repaired or resilvered
    ZpoolNumber scanned, issued, total;          ///< bytes
    std::optional<double> percent;               ///< some versions go past 100
    std::optional<uint64_t> errors;
};

struct ZpoolPool {
    std::string name, id, state;
    std::string status, action, see, comment;  ///< paragraphs in one line
    std::vector<ZpoolScan> scans;
    std::map<std::string, std::string> other;  ///< "remove", "checkpoint", "expand", as printed in one line
    std::optional<ZpoolVdev> config;           ///< the root; absent where it "cannot be determined"
    /// "logs", "cache", "spares", "special", "dedup"
    std::map<std::string, std::vector<ZpoolVdev>> groups;
    std::string errors;                   ///< as printed
    std::optional<uint64_t> data_errors;  ///< how many; absent where it is not known
    std::vector<std::string> error_list;  ///< files and objects, of `zpool status -v`
};

struct ZpoolStatus {
    std::vector<ZpoolPool> pools;  ///< none: there are no pools, or all that was asked for are healthy
    std::string message;           ///< "no pools available", "all pools are healthy"
};

/// Errors: corrupt; also where a pool's table or its line of errors is missing.
Result<ZpoolStatus> parse_zpool_status(std::string_view text);

/// A scan as its lines say it.
ZpoolScan parse_zpool_scan(const std::vector<std::string>& lines);
/// "1.21K", "0B", "17".
ZpoolNumber zpool_number(std::string_view text);
/// By its name. `leaf`: nothing stands below it.
std::string zpool_vdev_type(std::string_view name, bool leaf);

void to_json(nlohmann::json& json, const ZpoolStatus& status);

}  // namespace belay::storage::parse
