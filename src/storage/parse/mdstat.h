#pragma once
// /proc/mdstat: every md array that the kernel knows, with what it does at the moment.
// Source: the kernel's drivers/md/md.c (md_seq_show, status_resync) and the status functions of the levels.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::parse {

struct MdstatMember {
    std::string device;   ///< kernel name: "sda1"
    uint64_t number = 0;  ///< in brackets: the descriptor's number, which is the slot only by chance
    bool faulty = false, spare = false, write_mostly = false, journal = false, replacement = false;
    std::vector<std::string> flags;  ///< letters as printed: "F", "S"
};

/// What is under way, or waits for its turn.
struct MdstatSync {
    std::string action;                   ///< "resync", "recovery", "check", "reshape"
    std::string waits;                    ///< "DELAYED", "PENDING", "REMOTE"; empty: it works
    std::optional<double> percent;        ///< 0..100
    std::optional<uint64_t> done, total;  ///< bytes
    std::optional<double> seconds_left;   ///< the kernel's estimate
    std::optional<uint64_t> per_second;   ///< bytes
};

struct MdstatBitmap {
    std::optional<uint64_t> pages, pages_total;
    std::optional<uint64_t> memory;  ///< bytes
    std::optional<uint64_t> chunk;   ///< bytes
    std::string file;                ///< empty: it is internal
};

struct MdstatArray {
    std::string name;    ///< "md0"
    std::string state;   ///< "active", "inactive", "broken"
    std::string access;  ///< "read-only", "auto-read-only"; empty: writable
    std::string level;   ///< "raid1"; an inactive array may have none
    std::vector<MdstatMember> members;
    std::optional<uint64_t> size;  ///< bytes
    std::string metadata;   ///< "1.2", "0.90" (which the kernel does not print), "imsm", "non-persistent"
    std::string container;  ///< of an array with external metadata: "md127"
    std::string subarray;   ///< its name in the container: "0"
    std::optional<uint64_t> chunk, rounding;  ///< bytes
    std::optional<uint64_t> algorithm;
    std::string layout;                     ///< of raid10: "2 near-copies 2 offset-copies"
    std::optional<uint64_t> legs, in_sync;  ///< wanted, and there: [3/2]
    std::string slots;                      ///< a letter a leg: "UU_"
    std::optional<MdstatSync> sync;
    std::optional<MdstatBitmap> bitmap;
};

struct Mdstat {
    std::vector<std::string> personalities;
    std::vector<MdstatArray> arrays;
    std::vector<std::string> unused;
};

/// Errors: corrupt; also where the line "unused devices", which the kernel ends with, is missing.
Result<Mdstat> parse_mdstat(std::string_view text);

void to_json(nlohmann::json& json, const Mdstat& mdstat);

}  // namespace belay::storage::parse
