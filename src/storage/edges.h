#pragma once
// The first and the last 64 KiB of a disk: where partition tables and md put what an abort must take away
// again. The bytes that were there are kept in the journal and put back.

#include "host/host.h"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace belay::storage {

/// MBR, GPT and its entries (at most 34 sectors of 4096 bytes in front, 5 behind), md's superblock and
/// bitmap.
inline constexpr Bytes edge{64 << 10};

struct Edges {
    std::string head, tail;
    bool operator==(const Edges&) const = default;
};

/// `size`: of the disk, at least 64 KiB. Errors: those of the host.
Result<Edges> read_edges(host::Host& host, const std::string& disk, Bytes size);
Result<void> write_edges(host::Host& host, const std::string& disk, Bytes size, const Edges& edges);

/// What stands for write_edges() among the commands of a plan.
std::string edges_hint(const std::string& disk);

/// For the journal; zeros take no room there.
nlohmann::json packed(const Edges& edges);
/// Errors: corrupt.
Result<Edges> unpacked_edges(const nlohmann::json& json);

}  // namespace belay::storage
