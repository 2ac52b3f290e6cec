#include "cli/storage_text.h"

#include "cli/fields.h"
#include "cli/storage_details.h"

#include <algorithm>

namespace belay::cli {
namespace {

/// Stands for a space where no line may be broken: "25 %" stays together. clean() lets no such byte in.
constexpr char kept_space = '\x01';

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
        std::string line = lead + node_heading(style_, node);
        if (!shown_.insert(id).second) {
            text_ += line + paint(style_, Tone::dim, "  see above") + '\n';
            return;
        }
        std::string details;
        for (const std::string& detail : node_details(style_, node)) {
            if (detail.empty()) continue;
            details += details.empty() ? "" : ", ";
            for (const char c : detail) details += c == ' ' ? kept_space : c;
        }
        if (!details.empty())
            line += "  " + paint(style_, node_tone(node),
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
    if (text.empty()) text = "no disks were found\n";
    const std::string left_out = not_looked_text(style, graph);
    return left_out.empty() ? text : text + '\n' + left_out;
}

}  // namespace belay::cli
