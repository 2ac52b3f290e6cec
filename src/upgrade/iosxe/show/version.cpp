#include "upgrade/iosxe/show/version.h"

#include "upgrade/iosxe/show/fields.h"
#include "upgrade/iosxe/show/software.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;
using printed::words_of;

constexpr uint64_t kibibyte = 1024;

constexpr Field<VersionMember> member_fields[] = {
    {"", "number", &VersionMember::number},
    {"", "active", &VersionMember::active},
    {"", "ports", &VersionMember::ports},
    {"", "model", &VersionMember::model},
    {"", "version", &VersionMember::version},
    {"", "image", &VersionMember::image},
    {"", "mode", &VersionMember::mode},
    {"Switch uptime", "uptime", &VersionMember::uptime},
    {"Last reload reason", "last_reload_reason", &VersionMember::last_reload_reason},
    {"Base Ethernet MAC Address", "mac", &VersionMember::mac},
    {"Motherboard Assembly Number", "motherboard_assembly", &VersionMember::motherboard_assembly},
    {"Motherboard Serial Number", "motherboard_serial", &VersionMember::motherboard_serial},
    {"Model Revision Number", "model_revision", &VersionMember::model_revision},
    {"Motherboard Revision Number", "motherboard_revision", &VersionMember::motherboard_revision},
    {"Model Number", "model_number", &VersionMember::model_number},
    {"System Serial Number", "serial", &VersionMember::serial},
};

constexpr Field<VersionLicense> license_fields[] = {
    {"", "package", &VersionLicense::package},
    {"", "type", &VersionLicense::type},
    {"", "current", &VersionLicense::current},
    {"", "next_reboot", &VersionLicense::next_reboot},
};

constexpr Field<Version> version_fields[] = {
    {"", "release", &Version::release},
    {"", "version", &Version::version},
    {"", "code_name", &Version::code_name},
    {"", "software", &Version::software},
    {"", "image", &Version::image},
    {"", "label", &Version::label},
    {"", "copyright", &Version::copyright},
    {"", "compiled", &Version::compiled},
    {"", "compiled_by", &Version::compiled_by},
    {"ROM", "rom", &Version::rom},
    {"BOOTLDR", "bootldr", &Version::bootldr},
    {"", "host", &Version::host},
    {"", "uptime", &Version::uptime},
    {"", "processor_uptime", &Version::processor_uptime},
    {"", "returned_by", &Version::returned_by},
    {"", "returned_at", &Version::returned_at},
    {"", "restarted_at", &Version::restarted_at},
    {"", "system_image", &Version::system_image},
    {"Last reload reason", "last_reload_reason", &Version::last_reload_reason},
    {"Last reload type", "last_reload_type", &Version::last_reload_type},
    {"", "last_reset", &Version::last_reset},
    {"License Level", "license_level", &Version::license_level},
    {"License Type", "license_type", &Version::license_type},
    {"Next reload license Level", "next_license_level", &Version::next_license_level},
    {"Next reboot license Level", "next_license_level", &Version::next_license_level},
    {"AIR License Level", "air_license_level", &Version::air_license_level},
    {"Next reload AIR license Level", "next_air_license_level", &Version::next_air_license_level},
    {"Smart Licensing Status", "smart_licensing", &Version::smart_licensing},
    {"", "installation_mode", &Version::installation_mode},
    {"Router operating mode", "operating_mode", &Version::operating_mode},
    {"", "chassis", &Version::chassis},
    {"", "processor", &Version::processor},
    {"", "revision", &Version::revision},
    {"", "board_id", &Version::board_id},
    {"", "memory", &Version::memory},
    {"", "config_register", &Version::config_register},
    {"", "next_config_register", &Version::next_config_register},
};

/// "11161600K bytes of Bootflash at bootflash:." Nothing where it is something else, or is not whole.
std::optional<VersionMemory> memory_of(std::string_view text)
{
    const size_t mark = text.find("K bytes of ");
    if (mark == std::string_view::npos) return std::nullopt;
    const auto size = printed::times(whole_number(text.substr(0, mark)), kibibyte);
    std::string_view kind = trimmed(text.substr(mark + 11));
    const bool is_whole = kind.ends_with('.') || kind.ends_with(')');
    if (!size || !is_whole) return std::nullopt;
    VersionMemory found{.kind = {}, .at = {}, .size = *size};
    if (const size_t at = kind.rfind(" at "); at != std::string_view::npos && kind.ends_with(":.")) {
        found.at = kind.substr(at + 4, kind.size() - at - 5);
        kind = kind.substr(0, at);
    } else if (kind.ends_with(" memory.")) {
        kind.remove_suffix(8);
    }
    found.kind = kind;
    return found;
}

/// "24 Ten Gigabit Ethernet interfaces", "8 Channelized T1 ports", "1 terminal line".
std::optional<VersionInterfaces> interfaces_of(std::string_view text)
{
    std::string_view kind = text;
    const std::optional<uint64_t> count = whole_number(printed::take_word(kind));
    if (!count) return std::nullopt;
    kind = trimmed(kind);
    for (const std::string_view end :
         {" interfaces", " interface", " interface(s)", " ports", " port", " line", " lines"}) {
        if (kind.ends_with(end))
            return VersionInterfaces{.kind = std::string(kind.substr(0, kind.size() - end.size())),
                                     .count = *count};
    }
    return std::nullopt;
}

/// Which columns a table of licenses has: its heading says it.
enum class LicenseTable {
    none,
    heading,
    current_type_next,
    package_current_type_next,
    package_type_current_next
};

class VersionReader {
  public:
    explicit VersionReader(const Shown& shown) : shown_(shown) {}

    Result<Version> read()
    {
        for (const Line& line : shown_.lines) TRY(take_line(line));
        TRY(check_whole());
        TRY(join_members());
        return std::move(version_);
    }

  private:
    Result<void> take_line(const Line& line)
    {
        const std::string_view text = trimmed(line.text);
        const bool is_known = TRY(take_software(line, text)) || TRY(take_start(line, text)) ||
                              TRY(take_license(line, text)) || TRY(take_hardware(line, text)) ||
                              TRY(take_member(line, text));
        last_is_member_ = is_known && line_is_of_member_;
        line_is_of_member_ = false;
        return {};
    }

    /// false, not to be put twice: two outputs in one text would otherwise become one.
    Result<bool> set(const Line& line, std::string& field, std::string_view value)
    {
        if (assign(field, value)) return true;
        return shown_.foreign(line.number, "this is said twice");
    }

    Result<bool> take_software(const Line& line, std::string_view text)
    {
        if (const auto release = after(text, "Cisco IOS XE Software, Version "))
            return set(line, version_.release, *release);
        if (const auto software = software_of(text)) {
            TRY(set(line, version_.version, software->version));
            version_.code_name = software->code_name;
            version_.software = software->name;
            version_.image = software->image;
            version_.label = software->label;
            return true;
        }
        if (const auto years = after(text, "Copyright (c) "))
            return set(line, version_.copyright, years->substr(0, std::min(years->find(' '), years->size())));
        if (const auto compiled = compiled_of(text)) {
            version_.compiled_by = compiled->by;
            return set(line, version_.compiled, compiled->when);
        }
        return false;
    }

    Result<bool> take_start(const Line& line, std::string_view text)
    {
        constexpr std::string_view is_up = " uptime is ";
        if (const auto uptime = after(text, "Uptime for this control processor is "))
            return set(line, version_.processor_uptime, *uptime);
        if (const size_t mark = text.find(is_up); mark != std::string_view::npos && mark > 0) {
            version_.uptime = trimmed(text.substr(mark + is_up.size()));
            return set(line, version_.host, text.substr(0, mark));
        }
        if (const auto reason = after(text, "System returned to ROM by ")) {
            const size_t at = reason->find(" at ");
            const bool is_time =
                at != std::string_view::npos && reason->find(':', at) != std::string_view::npos;
            if (is_time) version_.returned_at = trimmed(reason->substr(at + 4));
            return set(line, version_.returned_by, is_time ? trimmed(reason->substr(0, at)) : *reason);
        }
        if (const auto time = after(text, "System restarted at "))
            return set(line, version_.restarted_at, *time);
        if (const auto reason = after(text, "Last reset from "))
            return set(line, version_.last_reset, *reason);
        if (text.starts_with("System image file is ")) {
            const auto image = between(text, '"', '"');
            if (!image || image->empty()) return shown_.foreign(line.number, "no system image is named");
            return set(line, version_.system_image, *image);
        }
        const auto found = labelled(text, ':');
        // In the part of a switch the same labels speak of that switch.
        const bool is_in_part = !blocks_.empty() && blocks_.back().number;
        if (!found || is_in_part) return false;
        // One line of a Catalyst 4500 has two labels.
        const size_t type = found->value.find("Type:");
        if (type != std::string_view::npos && type > 0 && same_words(found->label, "License Level")) {
            TRY(set(line, version_.license_type, trimmed(found->value.substr(type + 5))));
            return take(shown_, line, version_fields, {found->label, trimmed(found->value.substr(0, type))},
                        version_);
        }
        return take(shown_, line, version_fields, *found, version_);
    }

    Result<bool> take_license(const Line& line, std::string_view text)
    {
        if (text.starts_with("Technology")) return license_heading(text);
        if (licenses_ == LicenseTable::none || line.number == 0) return false;
        if (text.starts_with("Current ") || is_ruler(text)) return true;
        const std::vector<std::string_view> columns = columns_of(text), words = words_of(text);
        switch (licenses_) {
            case LicenseTable::current_type_next:
                if (columns.size() != 3) break;
                version_.licenses.push_back({.package = std::string(columns[0]),
                                             .type = std::string(columns[1]),
                                             .current = std::string(columns[0]),
                                             .next_reboot = std::string(columns[2])});
                return true;
            case LicenseTable::package_current_type_next:
                if (columns.size() != 4) break;
                version_.licenses.push_back({.package = std::string(columns[0]),
                                             .type = std::string(columns[2]),
                                             .current = std::string(columns[1]),
                                             .next_reboot = std::string(columns[3])});
                return true;
            case LicenseTable::package_type_current_next:
                if (columns.size() < 3 || words.size() < 4) break;
                version_.licenses.push_back({.package = std::string(columns[0]),
                                             .type = std::string(words[words.size() - 3]),
                                             .current = std::string(words[words.size() - 2]),
                                             .next_reboot = std::string(words.back())});
                return true;
            default:
                break;
        }
        licenses_ = LicenseTable::none;
        return false;
    }

    /// "Technology-package   Technology-package", "Technology  Technology-package  Technology-package",
    /// "Technology  Type  Technology-package  Technology-package"; "Technology Package License Information:".
    bool license_heading(std::string_view text)
    {
        const std::vector<std::string_view> words = words_of(text);
        if (text.ends_with(':'))
            licenses_ = LicenseTable::none;
        else if (words[0] == "Technology-package")
            licenses_ = LicenseTable::current_type_next;
        else if (words.size() > 1 && words[1] == "Type")
            licenses_ = LicenseTable::package_type_current_next;
        else
            licenses_ = LicenseTable::package_current_type_next;
        return true;
    }

    Result<bool> take_hardware(const Line& line, std::string_view text)
    {
        if (const auto id = after(text, "Processor board ID "))
            return set(line, version_.board_id, id->substr(0, std::min(id->find(','), id->size())));
        if (const auto value = after(text, "Configuration register is ")) {
            const std::optional<ConfigRegister> found = config_register_of(*value);
            if (!found) return shown_.foreign(line.number, "the configuration register is not understood");
            version_.next_config_register = found->next;
            return set(line, version_.config_register, found->now);
        }
        if (const auto mode = after(text, "Installation mode is "))
            return set(line, version_.installation_mode, *mode);
        if (text.ends_with("K bytes of memory.") && text.find(" with ") != std::string_view::npos)
            return take_chassis(line, text);
        if (auto memory = memory_of(text)) {
            version_.memories.push_back(std::move(*memory));
            return true;
        }
        if (auto interfaces = interfaces_of(text)) {
            version_.interfaces.push_back(std::move(*interfaces));
            return true;
        }
        return false;
    }

    /// "cisco C9500-40X (X86) processor (revision V00) with 6036090K/6147K bytes of memory."; an older router
    /// is "Cisco CISCO2911/K9 (revision 1.0) with ...".
    Result<bool> take_chassis(const Line& line, std::string_view text)
    {
        const size_t with = text.rfind(" with ");
        const std::string_view memory = text.substr(with + 6);
        version_.memory =
            printed::times(whole_number(memory.substr(0, memory.find_first_of("K/"))), kibibyte);
        if (!version_.memory) return shown_.foreign(line.number, "the size of the memory is no number");
        std::string_view name = text.substr(0, std::min(text.find('('), with));
        if (name.starts_with("cisco ") || name.starts_with("Cisco ")) name.remove_prefix(6);
        for (std::string_view rest = text.substr(0, with); const auto inside = between(rest, '(', ')');) {
            if (const auto revision = after(*inside, "revision "))
                version_.revision = *revision;
            else if (version_.processor.empty())
                version_.processor = *inside;
            rest.remove_prefix(static_cast<size_t>(inside->data() + inside->size() - rest.data()) + 1);
        }
        return set(line, version_.chassis, trimmed(name));
    }

    Result<bool> take_member(const Line& line, std::string_view text)
    {
        const std::vector<std::string_view> words = words_of(text);
        if (words.size() == 2 && words[0] == "Switch") {
            if (const auto number = whole_number(words[1])) {
                blocks_.push_back({});
                blocks_.back().number = number;
                return true;
            }
        }
        if (text.starts_with("Switch Ports Model ")) {
            has_table_ = true;
            columns_ = text.ends_with("Mode") ? 6 : 5;
            return true;
        }
        if (has_table_ && TRY(take_row(line, words))) return true;
        const auto found = labelled(text, ':');
        if (!found) return false;
        if (blocks_.empty()) blocks_.push_back({});
        line_is_of_member_ =
            same_words(found->label, "System Serial Number") || same_words(found->label, "CLEI Code Number");
        if (TRY(take(shown_, line, member_fields, *found, blocks_.back()))) return true;
        return line_is_of_member_;
    }

    /// "*    1 50    C9500-40X          17.09.05          CAT9K_IOSXE           INSTALL".
    Result<bool> take_row(const Line& line, std::vector<std::string_view> words)
    {
        if (is_ruler(line.text)) return true;
        VersionMember row;
        row.active = words.front().starts_with('*');
        if (words.front() == "*")
            words.erase(words.begin());
        else if (*row.active)
            words.front().remove_prefix(1);
        if (words.empty() || !whole_number(words[0])) return false;
        if (words.size() != columns_)
            return shown_.foreign(line.number, "it is no whole row of the table of switches");
        row.number = whole_number(words[0]);
        row.ports = whole_number(words[1]);
        row.model = words[2];
        row.version = words[3];
        row.image = words[4];
        if (columns_ == 5) {
            rows_.push_back(std::move(row));
            return true;
        }
        row.mode = words[5];
        if (row.mode != "INSTALL" && row.mode != "BUNDLE")
            return shown_.foreign(line.number, fmt::format("\"{}\" is no mode of a switch", row.mode));
        rows_.push_back(std::move(row));
        return true;
    }

    Result<void> check_whole() const
    {
        const std::pair<const char*, const std::string*> wanted[] = {
            {"which version it is", &version_.version},
            {"how long it is up", &version_.uptime},
            {"its system image", &version_.system_image},
            {"its chassis", &version_.chassis}};
        for (const auto& [what, value] : wanted)
            if (value->empty()) return shown_.cut(fmt::format("it does not say {}", what));
        if (has_table_ && rows_.empty()) return shown_.cut("the table of switches is empty");
        if (has_twice(rows_, &VersionMember::number)) return shown_.foreign(0, "a switch is there twice");
        // A C9500 may print no register; then the last of its members ends the text.
        const bool ends = has_table_ || blocks_.empty() ? false : last_is_member_;
        if (version_.config_register.empty() && !ends)
            return shown_.cut("there is no configuration register at its end");
        return {};
    }

    /// The part without a heading is that of the switch which answers.
    Result<void> join_members()
    {
        std::erase_if(blocks_,
                      [](const VersionMember& block) { return block.serial.empty() && block.mac.empty(); });
        for (VersionMember& row : rows_) {
            const auto same = std::ranges::find_if(blocks_, [&](const VersionMember& block) {
                return block.number ? block.number == row.number : *row.active;
            });
            if (same == blocks_.end()) continue;
            row.mac = same->mac;
            row.motherboard_assembly = same->motherboard_assembly;
            row.motherboard_serial = same->motherboard_serial;
            row.model_revision = same->model_revision;
            row.motherboard_revision = same->motherboard_revision;
            row.model_number = same->model_number;
            row.serial = same->serial;
            row.uptime = same->uptime;
            row.last_reload_reason = same->last_reload_reason;
        }
        version_.members = rows_.empty() ? std::move(blocks_) : std::move(rows_);
        return {};
    }

    const Shown& shown_;
    Version version_;
    LicenseTable licenses_ = LicenseTable::none;
    size_t columns_ = 0;  ///< of the table of switches: older ones have no mode
    bool has_table_ = false, line_is_of_member_ = false, last_is_member_ = false;
    std::vector<VersionMember> blocks_, rows_;
};

}  // namespace

Result<Version> read_version(std::string_view text)
{
    const Shown all = TRY(shown(text, "show version"));
    return VersionReader(all).read();
}

void to_json(Json& json, const Version& version)
{
    json = object_of(version, version_fields);
    json["licenses"] = array_of(version.licenses, license_fields);
    json["interfaces"] = Json::array();
    for (const VersionInterfaces& some : version.interfaces)
        json["interfaces"].push_back({{"kind", some.kind}, {"count", some.count}});
    json["memories"] = Json::array();
    for (const VersionMemory& memory : version.memories) {
        json["memories"].push_back({{"kind", memory.kind}, {"size", memory.size}});
        put(json["memories"].back(), "at", memory.at);
    }
    json["members"] = array_of(version.members, member_fields);
}

}  // namespace belay::upgrade::iosxe::show
