#include "upgrade/iosxe/show/stackwise_virtual.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;
using printed::words_of;

constexpr Field<SvlPort> svl_fields[] = {
    {"", "port", &SvlPort::port},
    {"", "link_status", &SvlPort::link_status},
    {"", "protocol_status", &SvlPort::protocol_status},
    {"", "remote_port", &SvlPort::remote_port},
};

constexpr Field<DualActivePagp> pagp_fields[] = {
    {"Pagp dual-active detection enabled", "enabled", &DualActivePagp::enabled},
    {"In dual-active recovery mode", "in_recovery", &DualActivePagp::in_recovery},
    {"Recovery Reload", "recovery_reload", &DualActivePagp::recovery_reload},
};

constexpr Field<PagpPort> pagp_port_fields[] = {
    {"", "port", &PagpPort::port},
    {"", "capable", &PagpPort::capable},
    {"", "partner", &PagpPort::partner},
    {"", "partner_port", &PagpPort::partner_port},
    {"", "partner_version", &PagpPort::partner_version},
};

/// "HundredGigE1/0/1": letters, and then a number with slashes.
bool is_port(std::string_view word)
{
    const size_t digits = word.find_first_of("0123456789");
    return digits != std::string_view::npos && digits > 0 && word.find('/') != std::string_view::npos &&
           whole_number(word.substr(word.rfind('/') + 1));
}

/// Of "HundredGigE2/0/1", 2: the switch that it is on.
std::optional<uint64_t> member_of(std::string_view port)
{
    const std::string_view number = port.substr(port.find_first_of("0123456789"));
    return whole_number(number.substr(0, number.find('/')));
}

/// Reads rows of "switch, link, port, ..."; a row may leave out what is as in the row above it.
class SvlTable {
  public:
    SvlTable(const Shown& shown, size_t least, size_t most) : shown_(shown), least_(least), most_(most) {}

    /// The words behind the port.
    Result<std::vector<std::string_view>> take(const Line& line, std::vector<SvlPort>& into)
    {
        std::vector<std::string_view> words = words_of(line.text);
        size_t at = 0;
        while (at < words.size() && whole_number(words[at])) ++at;
        const bool is_full = at == 2, is_more = at == 0 && !into.empty(),
                   is_next_link = at == 1 && !into.empty();
        const size_t behind = words.size() - std::min(at + 1, words.size());
        const bool is_row = (is_full || is_more || is_next_link) && at < words.size() && is_port(words[at]) &&
                            behind >= least_ && behind <= most_;
        if (!is_row) return shown_.foreign(line.number, "it is no row of the table of links");
        if (is_full) member_ = *whole_number(words[0]);
        if (at > 0) link_ = *whole_number(words[at - 1]);
        if (member_of(words[at]) != member_)
            return shown_.foreign(line.number, fmt::format("{} is not on switch {}", words[at], member_));
        into.push_back({.member = member_,
                        .link = link_,
                        .port = std::string(words[at]),
                        .link_status = {},
                        .protocol_status = {},
                        .remote_port = {}});
        words.erase(words.begin(), words.begin() + static_cast<ptrdiff_t>(at) + 1);
        return words;
    }

  private:
    const Shown& shown_;
    size_t least_, most_;
    uint64_t member_ = 0, link_ = 0;
};

/// The lines under the heading of a table. Errors: corrupt, where the text does not begin with `title`.
Result<std::vector<Line>> table_of(const Shown& all, std::string_view title, std::string_view heading)
{
    if (!same_words(all.lines.front().text, title))
        return all.foreign(all.lines.front().number, fmt::format("it does not begin with \"{}\"", title));
    std::vector<Line> rows;
    bool is_in = false;
    for (const Line& line : all.lines) {
        if (same_words(line.text, heading))
            is_in = true;
        else if (is_in && !is_ruler(line.text))
            rows.push_back(line);
    }
    return rows;
}

/// The ports of a table; `take` reads the words behind a port, of which there are `least` to `most`.
Result<SvlPorts> svl_ports_of(const Shown& all, std::string_view title, std::string_view heading,
                              size_t least, size_t most,
                              bool (*take)(std::span<const std::string_view>, SvlPort&))
{
    SvlPorts found;
    SvlTable table(all, least, most);
    for (const Line& line : TRY(table_of(all, title, heading)))
        if (const auto words = TRY(table.take(line, found.ports)); !take(words, found.ports.back()))
            return all.foreign(line.number, fmt::format("\"{}\" is no port", words[0]));
    if (found.ports.empty()) return all.cut("no link is there");
    if (has_twice(found.ports, &SvlPort::port)) return all.foreign(0, "a port is there twice");
    return found;
}

Json json_of(const std::vector<SvlPort>& ports)
{
    Json json = Json::array();
    for (const SvlPort& port : ports) {
        json.push_back({{"member", port.member}, {"link", port.link}});
        put_fields(json.back(), port, svl_fields);
    }
    return json;
}

/// "Hu1/0/11    Yes             edge-7       Fo1/1/1       1.1".
std::optional<PagpPort> pagp_port_of(std::string_view text, uint64_t group)
{
    const std::vector<std::string_view> words = words_of(text);
    if (words.size() < 2 || !is_port(words[0])) return std::nullopt;
    PagpPort port{.channel_group = group,
                  .port = std::string(words[0]),
                  .capable = flag_of(words[1]),
                  .partner = {},
                  .partner_port = {},
                  .partner_version = {}};
    if (!port.capable || (words.size() != 2 && words.size() != 5)) return std::nullopt;
    if (words.size() == 5) {
        port.partner = words[2];
        port.partner_port = words[3];
        port.partner_version = words[4];
    }
    return port;
}

}  // namespace

Result<StackwiseVirtual> read_stackwise_virtual(std::string_view text)
{
    Shown all = TRY(shown(text, "show stackwise-virtual"));
    // What will be after a reload is not what is.
    const auto after_reboot = std::ranges::find_if(all.lines, [](const Line& line) {
        return same_words(line.text, "Stackwise Virtual Configuration After Reboot:");
    });
    if (after_reboot == all.lines.begin()) return all.cut("it says only what will be after a reload");
    all.lines.erase(after_reboot, all.lines.end());
    StackwiseVirtual found;
    const std::vector<Line> rows =
        TRY(table_of(all, "Stackwise Virtual Configuration:", "Switch Stackwise Virtual Link Ports"));
    std::optional<bool> is_enabled;
    for (const Line& line : all.lines) {
        const auto label = labelled(line.text, ':');
        if (!label) continue;
        const bool is_state = same_words(label->label, "Stackwise Virtual");
        const bool is_domain = same_words(label->label, "Domain Number");
        if ((is_state && !assign(is_enabled, label->value)) ||
            (is_domain && !assign(found.domain, label->value)))
            return all.foreign(line.number, fmt::format("\"{}\" is \"{}\" here, or is said twice",
                                                        label->label, label->value));
    }
    SvlTable table(all, 0, 0);
    for (const Line& line : rows) TRY(table.take(line, found.ports));
    if (!is_enabled) return all.cut("it does not say whether StackWise Virtual is enabled");
    found.enabled = *is_enabled;
    if (found.enabled && (!found.domain || found.ports.empty()))
        return all.cut("domain or links are not there");
    if (has_twice(found.ports, &SvlPort::port)) return all.foreign(0, "a port is there twice");
    return found;
}

Result<SvlPorts> read_svl_links(std::string_view text)
{
    const Shown all = TRY(shown(text, "show stackwise-virtual link"));
    return svl_ports_of(
        all, "Stackwise Virtual Link(SVL) Information:", "Switch SVL Ports Link-Status Protocol-Status", 2, 2,
        [](std::span<const std::string_view> words, SvlPort& port) {
            port.link_status = words[0];
            port.protocol_status = words[1];
            return true;
        });
}

Result<SvlPorts> read_svl_neighbours(std::string_view text)
{
    const Shown all = TRY(shown(text, "show stackwise-virtual neighbors"));
    return svl_ports_of(
        all, "Stackwise Virtual Link(SVL) Neighbors Information:", "Switch SVL Local Port Remote Port", 0, 1,
        [](std::span<const std::string_view> words, SvlPort& port) {
            if (!words.empty()) port.remote_port = words[0];
            return words.empty() || is_port(words[0]);
        });
}

Result<DualActivePagp> read_dual_active_pagp(std::string_view text)
{
    const Shown all = TRY(shown(text, "show stackwise-virtual dual-active-detection pagp"));
    DualActivePagp found;
    std::optional<uint64_t> group;
    bool has_row = true;
    for (const Line& line : all.lines) {
        const std::string_view one = trimmed(line.text);
        if (const auto label = labelled(one, ':')) {
            TRY(take(all, line, pagp_fields, *label, found));
        } else if (const auto number = after(one, "Channel group ")) {
            group = whole_number(*number);
            has_row = false;
        } else if (one.starts_with("No PAgP channel") ||
                   same_words(one, "Dual-Active Partner Partner Partner") ||
                   same_words(one, "Port Detect Capable Name Port Version")) {
            continue;
        } else if (const auto port = group ? pagp_port_of(one, *group) : std::nullopt) {
            found.ports.push_back(*port);
            has_row = true;
        } else {
            return all.foreign(line.number, "it is no port of a channel group");
        }
    }
    if (has_twice(found.ports, &PagpPort::port)) return all.foreign(0, "a port is there twice");
    if (!found.enabled || !found.in_recovery || !has_row) return all.cut("not all of it is there");
    return found;
}

void to_json(Json& json, const StackwiseVirtual& virtual_stack)
{
    json = {{"enabled", virtual_stack.enabled}, {"ports", json_of(virtual_stack.ports)}};
    put(json, "domain", virtual_stack.domain);
}

void to_json(Json& json, const SvlPorts& ports)
{
    json = {{"ports", json_of(ports.ports)}};
}

void to_json(Json& json, const DualActivePagp& detection)
{
    json = object_of(detection, pagp_fields);
    json["ports"] = Json::array();
    for (const PagpPort& port : detection.ports) {
        json["ports"].push_back({{"channel_group", port.channel_group}});
        put_fields(json["ports"].back(), port, pagp_port_fields);
    }
}

}  // namespace belay::upgrade::iosxe::show
