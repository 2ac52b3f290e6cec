#include "storage/parse/hdparm.h"

#include "storage/parse/fields.h"
#include "storage/parse/lines.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view max_command = "hdparm -N", dco_command = "hdparm --dco-identify";

/// "/dev/sda:" alone in its line is the heading over what one device said.
std::string_view heading_of(std::string_view line)
{
    if (!line.starts_with('/') || !line.ends_with(':') || line.find_first_of(" \t") != std::string_view::npos)
        return {};
    return line.substr(0, line.size() - 1);
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts)
{
    return std::ranges::any_of(starts, [&](std::string_view start) { return text.starts_with(start); });
}

std::string lower(std::string_view text)
{
    std::string low(text);
    for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return low;
}

/// A count of sectors that a disk may have. One sector is what a disk gives that fills in nothing.
std::optional<uint64_t> sectors(std::string_view text)
{
    const auto count = whole_number(text);
    return count && *count > 1 && *count < too_many_ata_sectors ? count : std::nullopt;
}

/// " max sectors   = 976773168/976773168, HPA is disabled", behind the equals sign. False: it is no such
/// line.
bool read_max(HdparmMax& disk, std::string_view text)
{
    const size_t slash = text.find('/'), comma = text.find(',');
    if (slash == std::string_view::npos || comma == std::string_view::npos || comma < slash) return false;
    // "66055248/1(156301488?)" where hdparm has asked for the DCO as well.
    const std::string_view second = text.substr(slash + 1, comma - slash - 1);
    const std::string_view first = trimmed(text.substr(0, slash)),
                           native = trimmed(second.substr(0, second.find('(')));
    if (!whole_number(first) || !whole_number(native)) return false;
    disk.visible = sectors(first);
    disk.native = sectors(native);
    const std::string said = lower(trimmed(text.substr(comma + 1)));
    disk.by_accessible_max_address = said.starts_with("accessible max address");
    if (said.ends_with("enabled") || said.ends_with("disabled"))
        disk.is_limited = !said.ends_with("disabled");
    else if (disk.problem.empty())
        disk.problem = trimmed(text.substr(comma + 1));
    return true;
}

/// Walks through the lines: `add` begins a device of this name, `read` takes a line and says whether it knew
/// it.
template <typename Add, typename Read>
Result<void> read_devices(std::string_view text, std::string_view command, const Add& add, const Read& read)
{
    bool is_open = false, is_known = false;
    for (const Line& line : TRY(lines_of(text, command))) {
        const std::string_view words = trimmed(line.text);
        const std::string_view device = heading_of(line.text);
        if (!device.empty()) {
            add(std::string(device));
            is_open = true;
            continue;
        }
        // What one device alone said may come without its name.
        if (!read(words)) continue;
        is_open = false;
        is_known = true;
    }
    if (is_open) return cut(command, "it ends behind the name of a device");
    if (!is_known) return foreign(command, 0, "no device and no sectors are named");
    return {};
}

/// What the sense data of a line of hdparm mean, in brackets: "sb[]:  70 00 0b ...". Source: SPC-4, 4.5,
/// sense data in fixed (0x70) and in descriptor format (0x72).
std::string_view sense_of(std::string_view line)
{
    const size_t data = line.find("sb[]:");
    if (data == std::string_view::npos) return {};
    const std::vector<std::string_view> bytes = words_of(line.substr(data + 5));
    if (bytes.size() < 3) return {};
    const bool is_fixed = bytes[0] == "70" || bytes[0] == "71" || bytes[0] == "f0" || bytes[0] == "f1";
    const std::string_view key = is_fixed ? bytes[2] : bytes[1];
    if (key == "0b") return " (aborted command)";
    return key == "05" ? " (illegal request)" : "";
}

template <typename Disk>
bool note_problem(Disk& disk, std::string_view line)
{
    std::string problem = hdparm_problem(line);
    if (problem.empty()) return false;
    if (disk.problem.empty()) disk.problem = std::move(problem);
    return true;
}

bool read_dco(HdparmDco& disk, std::string_view line)
{
    constexpr std::string_view revision = "DCO Revision: ", real = "Real max sectors: ",
                               checksum = "DCO Checksum ";
    if (line.starts_with(revision)) {
        // "0x0000 -- unknown, treating as 0002"
        std::string_view rest = line.substr(revision.size());
        disk.revision = take_word(rest);
        return true;
    }
    if (line.starts_with(real)) {
        disk.real_max_sectors = sectors(trimmed(line.substr(real.size())));
        return true;
    }
    if (line.starts_with(checksum)) {
        disk.checksum_correct = line.substr(checksum.size()).starts_with("verified");
        return true;
    }
    return note_problem(disk, line);
}

template <typename Disk>
Disk& last_of(std::vector<Disk>& disks)
{
    if (disks.empty()) disks.emplace_back();
    return disks.back();
}

}  // namespace

std::string hdparm_problem(std::string_view line)
{
    line = trimmed(line);
    if (line.starts_with("SG_IO: "))
        return fmt::format("{}{}", line.substr(0, line.find(", sb[]")), sense_of(line));
    if (starts_with_any(line, {"READ_NATIVE_MAX_ADDRESS", "GET_NATIVE_MAX_ADDRESS", "HDIO_DRIVE_CMD(",
                               "The running kernel lacks ", "ioctl(fd,SG_IO)"}))
        return std::string(line);
    return {};
}

Result<std::vector<HdparmMax>> parse_hdparm_max(std::string_view text)
{
    std::vector<HdparmMax> disks;
    const auto add = [&](std::string device) { disks.push_back({.device = std::move(device)}); };
    const auto read = [&](std::string_view line) {
        constexpr std::string_view label = "max sectors";
        if (!line.starts_with(label)) {
            if (hdparm_problem(line).empty()) return false;
            return note_problem(last_of(disks), line);
        }
        const std::string_view rest = trimmed(line.substr(label.size()));
        HdparmMax found;
        if (!rest.starts_with('=') || !read_max(found, rest.substr(1))) return false;
        HdparmMax& disk = last_of(disks);
        found.device = disk.device;
        if (!disk.problem.empty()) found.problem = disk.problem;
        disk = std::move(found);
        return true;
    };
    TRY(read_devices(text, max_command, add, read));
    return disks;
}

Result<std::vector<HdparmDco>> parse_hdparm_dco(std::string_view text)
{
    std::vector<HdparmDco> disks;
    std::vector<std::string>* list = nullptr;
    const auto add = [&](std::string device) {
        disks.push_back({.device = std::move(device)});
        list = nullptr;
    };
    const auto read = [&](std::string_view line) {
        HdparmDco found;
        if (read_dco(found, line)) {
            list = nullptr;
            return read_dco(last_of(disks), line);
        }
        if (disks.empty()) return false;
        if (line.starts_with("Transfer modes:")) {
            list = &disks.back().transfer_modes;
        } else if (line.ends_with("command/feature sets:")) {
            list = &disks.back().features;
        } else if (list != nullptr) {
            for (const std::string_view word : words_of(line)) list->emplace_back(word);
        }
        return false;
    };
    TRY(read_devices(text, dco_command, add, read));
    return disks;
}

void to_json(Json& json, const std::vector<HdparmMax>& devices)
{
    json = {{"devices", Json::array()}};
    for (const HdparmMax& disk : devices) {
        Json one = Json::object();
        put(one, "device", disk.device);
        put(one, "visible_sectors", disk.visible);
        put(one, "native_sectors", disk.native);
        put(one, "limited", disk.is_limited);
        if (disk.visible || disk.native)
            one["feature"] = disk.by_accessible_max_address ? "accessible max address" : "HPA";
        put(one, "problem", disk.problem);
        json["devices"].push_back(std::move(one));
    }
}

void to_json(Json& json, const std::vector<HdparmDco>& devices)
{
    json = {{"devices", Json::array()}};
    for (const HdparmDco& disk : devices) {
        Json one = Json::object();
        put(one, "device", disk.device);
        put(one, "revision", disk.revision);
        put(one, "checksum_correct", disk.checksum_correct);
        put(one, "real_max_sectors", disk.real_max_sectors);
        put(one, "transfer_modes", disk.transfer_modes);
        put(one, "features", disk.features);
        put(one, "problem", disk.problem);
        json["devices"].push_back(std::move(one));
    }
}

}  // namespace belay::storage::parse
