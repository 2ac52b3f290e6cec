#include "cli/storage_text.h"

#include "cli/fields.h"

#include <algorithm>

namespace belay::cli {
namespace {

std::string size_text(const Json& node)
{
    const int64_t size = number_of(node, "size");
    return size > 0 ? to_text(Bytes{static_cast<uint64_t>(size)}) : std::string();
}

/// The types that a person meets, by GUID or by the number of a DOS table. Source: the UEFI specification,
/// table 5-7; the Discoverable Partitions Specification; sfdisk -T.
std::string type_name(const std::string& type)
{
    constexpr std::pair<std::string_view, std::string_view> names[] = {
        {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
        {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux filesystem"},
        {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
        {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
        {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
        {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
        {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"},
        {"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
        {"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
        {"0x83", "Linux filesystem"},
        {"0xfd", "Linux RAID"},
        {"0x82", "Linux swap"},
        {"0x8e", "Linux LVM"},
        {"0xef", "EFI system"},
        {"0x7", "NTFS or exFAT"}};
    std::string lower = type;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const auto& [known, name] : names) {
        if (known == lower) return std::string(name);
    }
    return type;
}

std::string labelled(std::string_view label, const std::string& value)
{
    return value.empty() ? std::string() : fmt::format("{} {}", label, value);
}

/// One line of what is known of an array's members and its resync.
std::vector<std::string> array_details(const Style& style, const Json& node)
{
    std::vector<std::string> details{text_of(style, node, "level")};
    const Json& counts = has(node, "wanted") ? node : object_of(node, "members");
    if (has(counts, "wanted"))
        details.push_back(
            fmt::format("{} of {} members", number_of(counts, "active"), number_of(counts, "wanted")));
    details.push_back(text_of(style, node, "state"));
    details.push_back(size_text(node));
    const Json& sync = object_of(node, "sync");
    const int64_t total = number_of(sync, "total");
    if (total <= 0) return details;
    const int64_t done = number_of(sync, "done"), speed = number_of(sync, "speed");
    std::string text = fmt::format("{} {} %", text_of(style, sync, "action"), 100 * done / total);
    if (speed > 0) text += fmt::format(" at {}/s", to_text(Bytes{static_cast<uint64_t>(speed)}));
    details.push_back(text);
    if (speed > 0 && total > done)
        details.push_back(to_text(Milliseconds{1000 * ((total - done) / speed)}) + " left");
    return details;
}

std::vector<std::string> details_of(const Style& style, const Json& node, const std::string& kind)
{
    if (kind == "disk")
        return {size_text(node),
                text_of(style, node, "model"),
                labelled("serial", text_of(style, node, "serial")),
                text_of(style, node, "table"),
                has(node, "rotational") ? (flag_of(node, "rotational") ? "rotating" : "solid state") : "",
                flag_of(node, "read_only") ? "read-only" : ""};
    if (kind == "partition") return {size_text(node), type_name(text_of(style, node, "type"))};
    if (kind == "array") return array_details(style, node);
    if (kind == "filesystem")
        return {labelled("label", text_of(style, node, "label")),
                labelled("uuid", text_of(style, node, "uuid"))};
    if (kind == "swap") return {labelled("uuid", text_of(style, node, "uuid"))};
    if (kind == "mount") return {};
    return {kind == "other" ? "" : kind, text_of(style, node, "type"), size_text(node)};
}

/// Stands for a space where no line may be broken: "25 %" stays together. clean() lets no such byte in.
constexpr char kept_space = '\x01';

/// What a person calls it, in bold, and its kind where the name does not say it.
std::string heading(const Style& style, const Json& node, const std::string& kind)
{
    std::string name = text_of(style, node, "name");
    if (name.empty()) name = text_of(style, node, kind == "mount" ? "path" : "id");
    if (kind == "filesystem" && has(node, "type")) name = text_of(style, node, "type");
    if (kind == "mount") return "on " + paint(style, Tone::bold, name);
    return paint(style, kind == "filesystem" || kind == "swap" ? Tone::plain : Tone::bold, name);
}

Tone tone_of(const Json& node, const std::string& kind)
{
    if (kind != "array") return Tone::plain;
    const Json& counts = has(node, "wanted") ? node : object_of(node, "members");
    return number_of(counts, "active") < number_of(counts, "wanted") ? Tone::warn : Tone::plain;
}

class Tree {
  public:
    Tree(const Style& style, const Json& graph) : style_(style), graph_(graph)
    {
        for (const Json& node : list_of(graph, "nodes")) nodes_.emplace(raw_text(node, "id"), &node);
    }

    std::string text()
    {
        for (const Json& root : list_of(graph_, "roots")) {
            if (root.is_string()) add(root.get<std::string>(), "", "");
        }
        return std::move(text_);
    }

  private:
    void add(const std::string& id, const std::string& lead, const std::string& lead_below)
    {
        const auto found = nodes_.find(id);
        if (found == nodes_.end()) {
            text_ += lead + clean(style_, id) + " (not described)\n";
            return;
        }
        const Json& node = *found->second;
        const std::string kind = raw_text(node, "kind");
        std::string line = lead + heading(style_, node, kind);
        if (!shown_.insert(id).second) {
            text_ += line + paint(style_, Tone::dim, "  see above") + '\n';
            return;
        }
        std::string details;
        for (const std::string& detail : details_of(style_, node, kind)) {
            if (detail.empty()) continue;
            details += details.empty() ? "" : ", ";
            for (const char c : detail) details += c == ' ' ? kept_space : c;
        }
        if (!details.empty())
            line += "  " + paint(style_, tone_of(node, kind),
                                 details_below(details, columns_of(line) + 2, node, lead_below));
        text_ += line + '\n';
        add_children(list_of(node, "children"), lead_below);
    }

    /// Details that are too long go on below, beside the stem of what hangs under the node.
    std::string details_below(const std::string& details, size_t used, const Json& node,
                              const std::string& lead_below) const
    {
        const std::string stem(list_of(node, "children").empty() ? marks_of(style_).no_stem
                                                                 : marks_of(style_).stem);
        const std::string below = lead_below + stem + "  ";
        const std::string indent(columns_of(below), ' ');
        std::string text;
        const std::string wrapped = wrap(style_, details, used, indent.size());
        for (std::string_view rest = wrapped;;) {
            const size_t end = rest.find('\n');
            text += rest.substr(0, end);
            if (end == std::string_view::npos) break;
            text += '\n' + below;
            rest.remove_prefix(end + 1 + indent.size());
        }
        std::ranges::replace(text, kept_space, ' ');
        return text;
    }

    void add_children(const Json& children, const std::string& lead)
    {
        const Marks& marks = marks_of(style_);
        for (size_t i = 0; i < children.size(); ++i) {
            if (!children[i].is_string()) continue;
            const bool last = i + 1 == children.size();
            add(children[i].get<std::string>(), lead + std::string(last ? marks.last_branch : marks.branch),
                lead + std::string(last ? marks.no_stem : marks.stem));
        }
    }

    const Style& style_;
    const Json& graph_;
    std::map<std::string, const Json*> nodes_;
    std::set<std::string> shown_;
    std::string text_;
};

}  // namespace

std::string storage_text(const Style& style, const Json& graph)
{
    std::string text = Tree(style, graph).text();
    return text.empty() ? "no disks were found\n" : text;
}

}  // namespace belay::cli
