#include "upgrade/iosxe/show/stack_ports.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;
using printed::words_of;

constexpr Field<StackPortState> port_fields[] = {
    {"", "port", &StackPortState::port},
    {"", "status", &StackPortState::status},
    {"Neighbor", "neighbour", &StackPortState::neighbour},
    {"Cable Length", "cable_length", &StackPortState::cable_length},
    {"Link Ok", "link_ok", &StackPortState::link_ok},
    {"Link Active", "link_active", &StackPortState::link_active},
    {"Sync Ok", "sync_ok", &StackPortState::sync_ok},
    {"Loopback", "loopback", &StackPortState::loopback},
    {"Changes to LinkOK", "changes", &StackPortState::changes},
    {"Five minute input rate", "input_rate", &StackPortState::input_rate},
    {"Five minute output rate", "output_rate", &StackPortState::output_rate},
    {"bytes input", "input", &StackPortState::input},
    {"bytes output", "output", &StackPortState::output},
    {"Data CRC", "data_crc", &StackPortState::data_crc},
    {"Ringword CRC", "ringword_crc", &StackPortState::ringword_crc},
    {"InvRingWord", "inverted_ringword", &StackPortState::inverted_ringword},
    {"PcsCodeWord", "code_word", &StackPortState::code_word},
};

constexpr Field<StackRing> ring_fields[] = {
    {"Stack Ring Speed", "speed", &StackRing::speed},
    {"Stack Ring Configuration", "configuration", &StackRing::configuration},
    {"Stack Ring Protocol", "protocol", &StackRing::protocol},
};

/// "1/2".
bool is_stack_port(std::string_view text)
{
    const size_t slash = text.find('/');
    return slash != std::string_view::npos && whole_number(text.substr(0, slash)) &&
           whole_number(text.substr(slash + 1));
}

/// "1/1        OK           2/2            50cm           Yes       Yes           Yes       1        No".
std::optional<StackPortState> summary_row_of(std::string_view text)
{
    const std::vector<std::string_view> columns = columns_of(text);
    if (columns.size() != 9 || !is_stack_port(columns[0])) return std::nullopt;
    StackPortState port;
    port.port = columns[0];
    port.status = columns[1];
    port.neighbour = columns[2];
    port.cable_length = columns[3];
    port.link_ok = flag_of(columns[4]);
    port.link_active = flag_of(columns[5]);
    port.sync_ok = flag_of(columns[6]);
    port.changes = whole_number(columns[7]);
    port.loopback = flag_of(columns[8]);
    const bool is_whole = port.link_ok && port.link_active && port.sync_ok && port.changes && port.loopback;
    return is_whole ? std::optional(port) : std::nullopt;
}

/// The labels that a line of the detail has, in order; each has its value behind it, or before it.
constexpr std::string_view detail_lines[][3] = {
    {"Cable Length", "Neighbor", ""},
    {"Link Ok", "Sync Ok", "Link Active"},
    {"Changes to LinkOK", "", ""},
    {"Five minute input rate", "", ""},
    {"Five minute output rate", "", ""},
    {"Data CRC", "", ""},
    {"Ringword CRC", "", ""},
    {"InvRingWord", "", ""},
    {"PcsCodeWord", "", ""},
};

/// "Link Ok Yes Sync Ok Yes Link Active Yes", by the labels of one of the lines above.
Result<bool> take_detail(const Shown& all, const Line& line, std::string_view text, StackPortState& port)
{
    for (const auto& labels : detail_lines) {
        if (!text.starts_with(labels[0])) continue;
        for (size_t one = 0; one < std::size(labels) && !labels[one].empty(); ++one) {
            const size_t begin = text.find(labels[one]);
            if (begin == std::string_view::npos) return all.foreign(line.number, "a label is not there");
            std::string_view value = text.substr(begin + labels[one].size());
            if (one + 1 < std::size(labels) && !labels[one + 1].empty())
                value = value.substr(0, value.find(labels[one + 1]));
            value = trimmed(value);
            if (value.ends_with(" bytes/sec")) value.remove_suffix(10);
            TRY(take(all, line, port_fields, {labels[one], value}, port));
        }
        return true;
    }
    for (const std::string_view label : {"bytes input", "bytes output"})
        if (text.ends_with(label))
            return take(all, line, port_fields, {label, trimmed(text.substr(0, text.size() - label.size()))},
                        port);
    return text == "CRC Errors";
}

Result<StackPorts> not_empty(const Shown& all, StackPorts ports)
{
    if (ports.ports.empty()) return all.cut("no port is there");
    if (has_twice(ports.ports, &StackPortState::port)) return all.foreign(0, "a port is there twice");
    return ports;
}

}  // namespace

Result<StackPorts> read_stack_ports(std::string_view text)
{
    const Shown all = TRY(shown(text, "show switch stack-ports"));
    StackPorts found;
    bool has_heading = false;
    for (const Line& line : all.lines) {
        if (is_ruler(line.text)) continue;
        const std::vector<std::string_view> words = words_of(line.text);
        if (!has_heading) {
            const bool is_heading = fmt::format("{}", fmt::join(words, "")) == "Switch#Port1Port2";
            if (!is_heading) return all.foreign(line.number, "it does not begin with a table of ports");
            has_heading = true;
            continue;
        }
        if (words.size() != 3 || !whole_number(words[0]))
            return all.foreign(line.number, "it is no row of the table of ports");
        for (const size_t port : {size_t{1}, size_t{2}}) {
            found.ports.push_back({});
            found.ports.back().port = fmt::format("{}/{}", words[0], port);
            found.ports.back().status = words[port];
        }
    }
    return not_empty(all, std::move(found));
}

Result<StackPorts> read_stack_ports_summary(std::string_view text)
{
    const Shown all = TRY(shown(text, "show switch stack-ports summary"));
    StackPorts found;
    bool has_heading = false;
    for (const Line& line : all.lines) {
        if (is_ruler(line.text)) continue;
        if (line.text.find("/Port#") != std::string_view::npos) {
            has_heading = true;
        } else if (auto port = summary_row_of(line.text); port && has_heading) {
            found.ports.push_back(std::move(*port));
        } else if (has_heading && !found.ports.empty()) {
            return all.foreign(line.number, "it is no row of the table of ports");
        } else if (const std::string_view first = words_of(line.text).front(); is_stack_port(first)) {
            return all.foreign(line.number, "it is no whole row of the table of ports");
        }
    }
    return not_empty(all, std::move(found));
}

Result<StackPorts> read_stack_ports_detail(std::string_view text)
{
    const Shown all = TRY(shown(text, "show switch stack-ports detail"));
    StackPorts found;
    for (const Line& line : all.lines) {
        const std::string_view one = trimmed(line.text);
        const std::vector<std::string_view> words = words_of(one);
        // "1/1 is OK Loopback No"
        if (words.size() == 5 && is_stack_port(words[0]) && words[1] == "is" && words[3] == "Loopback") {
            if (!found.ports.empty() && !found.ports.back().code_word) return all.cut("a port is not whole");
            found.ports.push_back({});
            found.ports.back().port = words[0];
            found.ports.back().status = words[2];
            found.ports.back().loopback = flag_of(words[4]);
        } else if (found.ports.empty() || !TRY(take_detail(all, line, one, found.ports.back()))) {
            return all.foreign(line.number, "it is of no stack port");
        }
    }
    if (!found.ports.empty() && !found.ports.back().code_word) return all.cut("a port is not whole");
    return not_empty(all, std::move(found));
}

Result<StackRing> read_stack_ring(std::string_view text)
{
    const Shown all = TRY(shown(text, "show switch stack-ring speed"));
    StackRing ring;
    for (const Line& line : all.lines)
        if (const auto found = labelled(line.text, ':')) TRY(take(all, line, ring_fields, *found, ring));
    if (ring.speed.empty() || ring.configuration.empty() || ring.protocol.empty())
        return all.cut("speed, configuration and protocol are not all there");
    return ring;
}

void to_json(Json& json, const StackPorts& ports)
{
    json = {{"ports", array_of(ports.ports, port_fields)}};
}

void to_json(Json& json, const StackRing& ring)
{
    json = object_of(ring, ring_fields);
}

}  // namespace belay::upgrade::iosxe::show
