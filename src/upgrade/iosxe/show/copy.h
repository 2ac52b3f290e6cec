#pragma once
// `copy URL FILE`: a file that the device fetches, as "copy https://images.example.net/x.bin flash:x.bin".

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace belay::upgrade::iosxe::show {

/// What became of it. The device prints a mark for each piece of the file, which says nothing of its size.
struct Copied {
    std::string source;             ///< "https://images.example.net/x.bin"
    std::string destination;        ///< the name that it has asked for; empty: it did not ask
    std::optional<uint64_t> bytes;  ///< of the whole file; nothing where it failed
    std::string took, rate;         ///< as printed: "412.123 secs", "1233976 bytes/sec"
    std::string problem;            ///< "%Error opening https://... (No such file or directory)"; empty: none
};

/// Errors: corrupt, also where the text ends before the device said what became of it.
Result<Copied> read_copy(std::string_view text);

void to_json(nlohmann::json& json, const Copied& copied);

}  // namespace belay::upgrade::iosxe::show
