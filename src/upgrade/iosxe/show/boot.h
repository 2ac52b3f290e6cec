#pragma once
// `show boot`, `show bootvar`, `show boot system`: what each member would start with, and whether by itself.
// Three forms: variables with "Standby" before those of the other supervisor; a part for each switch; and the
// path lists of older stacks. Any of them may be the answer to `show boot`.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

struct BootSettings {
    std::string member;                    ///< "active", "standby"; of a stack the number: "1"
    std::optional<std::string> boot;       ///< "flash:packages.conf;"; may be empty
    std::optional<std::string> next_boot;  ///< on next reload, where the device says it apart
    std::optional<bool> manual_boot;       ///< false: it starts by itself (autoboot)
    std::optional<bool> enable_break, auto_upgrade, allow_dev_key, boot_optimization;
    std::optional<bool> download_by_dhcp, next_download_by_dhcp;
    std::optional<std::string> config_file;  ///< may be empty
    std::string mode, baud, private_config_file, bootldr;
    std::optional<uint64_t> ipxe_timeout, nvram_buffer;
    std::string config_download_timeout;
    std::string config_register, next_config_register;  ///< "0x102"
};

struct Boot {
    std::vector<BootSettings> members;  ///< at least one
    bool standby_not_ready = false;     ///< "Standby not ready to show bootvar"

    /// Null where there is none of this name.
    const BootSettings* of(std::string_view member) const;
};

/// Errors: corrupt. The text cannot say how many members there are: hold them against `show switch`.
Result<Boot> read_boot(std::string_view text, std::string_view command = "show boot");

void to_json(nlohmann::json& json, const Boot& boot);

}  // namespace belay::upgrade::iosxe::show
