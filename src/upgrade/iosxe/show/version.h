#pragma once
// `show version`: what runs, since when, and of which members the device consists.
// Source: outputs of Catalyst 9000, 4500 and ISR/ASR; "Cisco IOS XE ... Command Reference", show version.

#include "base/result.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::iosxe::show {

/// One switch of a stack, or the only one. A chassis with two supervisors is one member; a device that tells
/// nothing of its members (a router) has none.
struct VersionMember {
    std::optional<uint64_t>
        number;                  ///< from 1; nothing: the one that answers, where there is no table of them
    std::optional<bool> active;  ///< the row with the star; nothing: there is no table of switches
    std::optional<uint64_t> ports;  ///< of the table
    std::string model, version;     ///< of the table: "C9500-40X", "17.09.05"
    std::string image, mode;        ///< of the table: "CAT9K_IOSXE"; "INSTALL" or "BUNDLE"
    std::string mac, motherboard_assembly, motherboard_serial, model_revision;
    std::string motherboard_revision, model_number, serial, uptime;
    std::string last_reload_reason;  ///< of the others than the one that answers
};

struct VersionLicense {
    std::string package, type, current, next_reboot;
};

/// "24 Ten Gigabit Ethernet interfaces".
struct VersionInterfaces {
    std::string kind;
    uint64_t count = 0;
};

/// "11161600K bytes of Bootflash at bootflash:."; `at` is empty of what is no file system.
struct VersionMemory {
    std::string kind, at;
    uint64_t size = 0;  ///< bytes
};

struct Version {
    std::string release;    ///< of IOS XE: "17.09.05"; empty: IOS, or a release that does not say it
    std::string version;    ///< of IOS: "17.9.5", "15.6(2)SP4"
    std::string code_name;  ///< "Cupertino"; may be empty
    std::string software;   ///< "Catalyst L3 Switch"
    std::string image;      ///< "CAT9K_IOSXE"
    std::string label;      ///< "RELEASE SOFTWARE (fc3)", "[BLD_... 100]"
    std::string copyright;  ///< "1986-2023"
    std::string compiled, compiled_by;
    std::string rom, bootldr;
    std::string host, uptime, processor_uptime;
    std::string returned_by, returned_at, restarted_at;
    std::string system_image;  ///< "flash:packages.conf": by that name, install mode
    std::string last_reload_reason, last_reload_type, last_reset;
    std::string license_level, license_type, next_license_level;
    std::string air_license_level, next_air_license_level, smart_licensing;
    std::string chassis, processor, revision, board_id, operating_mode;
    std::string installation_mode;   ///< "INSTALL" or "BUNDLE", where it is said of the whole device
    std::optional<uint64_t> memory;  ///< bytes of the main memory
    std::string config_register, next_config_register;  ///< "0x102"; a C9500 may print none
    std::vector<VersionLicense> licenses;
    std::vector<VersionInterfaces> interfaces;
    std::vector<VersionMemory> memories;
    std::vector<VersionMember> members;
};

/// Errors: corrupt. A text that ends where the members of a smaller device would end is taken for that
/// device: how many there must be, `show switch` says.
Result<Version> read_version(std::string_view text);

void to_json(nlohmann::json& json, const Version& version);

}  // namespace belay::upgrade::iosxe::show
