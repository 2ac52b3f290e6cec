#pragma once
// `verify /md5 FILE [DIGEST]`, `verify /sha512 FILE`: the digest of a file, as the device computes it.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace belay::upgrade::iosxe::show {

struct Verification {
    std::string algorithm;        ///< "md5", "sha512"; empty where the device does not say it
    std::string file;             ///< "flash:cat9k_iosxe.17.09.05.SPA.bin"
    std::string digest;           ///< hexadecimal, in lower case, all of it
    std::optional<bool> matches;  ///< where a digest was given with the command
    std::string submitted;        ///< that digest, where it does not match
};

/// Errors: corrupt, also for a digest whose length is not that of its algorithm; not_found, where the device
/// cannot open the file.
Result<Verification> read_verify(std::string_view text);

void to_json(nlohmann::json& json, const Verification& verification);

}  // namespace belay::upgrade::iosxe::show
