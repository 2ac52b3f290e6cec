#include "backup/repository/node.h"

#include "backup/repository/go_text.h"
#include "base/base64.h"
#include "base/json.h"

#include <algorithm>

namespace belay::backup {
namespace {

constexpr std::string_view type_names[] = {"file",    "dir",  "symlink", "dev",
                                           "chardev", "fifo", "socket",  "irregular"};

/// Bits of Go's os.FileMode, which is what a repository holds.
constexpr uint32_t go_dir = 1U << 31, go_symlink = 1U << 27, go_device = 1U << 26, go_fifo = 1U << 25,
                   go_socket = 1U << 24, go_setuid = 1U << 23, go_setgid = 1U << 22, go_char = 1U << 21,
                   go_sticky = 1U << 20, go_irregular = 1U << 19;

uint32_t go_type_bits(NodeType type)
{
    switch (type) {
        case NodeType::file:
            return 0;
        case NodeType::dir:
            return go_dir;
        case NodeType::symlink:
            return go_symlink;
        case NodeType::dev:
            return go_device;
        case NodeType::chardev:
            return go_device | go_char;
        case NodeType::fifo:
            return go_fifo;
        case NodeType::socket:
            return go_socket;
        case NodeType::irregular:
            return go_irregular;
    }
    return 0;
}

uint32_t unix_mode(uint64_t mode)
{
    return static_cast<uint32_t>(mode & 0777) | ((mode & go_setuid) != 0 ? 04000 : 0) |
           ((mode & go_setgid) != 0 ? 02000 : 0) | ((mode & go_sticky) != 0 ? 01000 : 0);
}

/// Writes the fields of one node, leaving out those that are empty as Go does.
class NodeWriter {
  public:
    explicit NodeWriter(std::string& out) : out_(out) {}

    void write(const Node& node)
    {
        out_ += R"({"name":)";
        append_go_json(out_, go_quoted(node.name));
        text("type", name_of(node.type));
        number("mode", go_mode(node));
        text("mtime", node.mtime.text());
        text("atime", node.atime.text());
        text("ctime", node.ctime.text());
        fmt::format_to(std::back_inserter(out_), R"(,"uid":{},"gid":{})", node.uid, node.gid);
        text("user", node.user);
        text("group", node.group);
        number("inode", node.inode);
        number("device_id", node.device_id);
        number("size", node.size);
        number("links", node.links);
        text("linktarget", node.link_target);
        if (!is_utf8(node.link_target)) text("linktarget_raw", to_base64(node.link_target));
        write_attributes(node.attributes);
        number("device", node.device);
        write_content(node);
        if (node.subtree) text("subtree", node.subtree->hex());
        text("error", node.error);
        out_ += '}';
    }

  private:
    void text(std::string_view name, std::string_view value)
    {
        if (value.empty()) return;
        fmt::format_to(std::back_inserter(out_), ",\"{}\":", name);
        append_go_json(out_, value);
    }
    void number(std::string_view name, uint64_t value)
    {
        if (value != 0) fmt::format_to(std::back_inserter(out_), ",\"{}\":{}", name, value);
    }
    void write_attributes(const std::vector<ExtendedAttribute>& attributes)
    {
        if (attributes.empty()) return;
        out_ += R"(,"extended_attributes":[)";
        for (const ExtendedAttribute& attribute : attributes) {
            if (out_.back() == '}') out_ += ',';
            out_ += R"({"name":)";
            append_go_json(out_, attribute.name);
            fmt::format_to(std::back_inserter(out_), R"(,"value":"{}"}})", to_base64(attribute.value));
        }
        out_ += ']';
    }
    void write_content(const Node& node)
    {
        if (node.type != NodeType::file) {
            out_ += R"(,"content":null)";
            return;
        }
        out_ += R"(,"content":[)";
        for (const Id& id : node.content) {
            if (out_.back() == '"') out_ += ',';
            fmt::format_to(std::back_inserter(out_), "\"{}\"", id.hex());
        }
        out_ += ']';
    }

    std::string& out_;
};

/// Reads the fields of one node; what is missing stays empty, as Go leaves it.
class NodeReader {
  public:
    explicit NodeReader(const Json& json) : json_(json) {}

    Result<Node> read() const
    {
        Node node;
        if (!json_.is_object()) return fail(ErrorKind::corrupt, "an entry of a folder is no JSON object");
        node.name = TRY(go_unquoted(text("name")));
        TRY(may_be_a_name(node.name));
        node.type = TRY(type());
        node.mode = unix_mode(number("mode"));
        node.mtime = TRY(time("mtime"));
        node.atime = TRY(time("atime"));
        node.ctime = TRY(time("ctime"));
        node.uid = static_cast<uint32_t>(number("uid"));
        node.gid = static_cast<uint32_t>(number("gid"));
        node.user = text("user");
        node.group = text("group");
        node.inode = number("inode");
        node.device_id = number("device_id");
        node.size = number("size");
        node.links = number("links");
        node.link_target = TRY(link_target());
        node.attributes = TRY(attributes());
        node.device = number("device");
        node.content = TRY(content());
        if (const auto found = json_.find("subtree"); found != json_.end() && found->is_string())
            node.subtree = TRY(Id::from_hex(found->get_ref<const std::string&>()));
        node.error = text("error");
        return node;
    }

  private:
    static Result<void> may_be_a_name(const std::string& name)
    {
        const bool is_odd = name.empty() || name == "." || name == ".." ||
                            name.find('/') != std::string::npos || name.find('\0') != std::string::npos;
        if (!is_odd) return {};
        return fail(ErrorKind::corrupt,
                    fmt::format("\"{}\" is no name that a file can have", go_quoted(name.substr(0, 80))));
    }
    std::string text(const char* name) const
    {
        const auto found = json_.find(name);
        return found != json_.end() && found->is_string() ? found->get<std::string>() : std::string();
    }
    uint64_t number(const char* name) const
    {
        const auto found = json_.find(name);
        return found != json_.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
    }
    Result<Timestamp> time(const char* name) const
    {
        const auto found = json_.find(name);
        if (found == json_.end()) return Timestamp{};
        if (!found->is_string())
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no point in time", name));
        return Timestamp::from_text(found->get_ref<const std::string&>());
    }
    Result<NodeType> type() const
    {
        const std::string name = text("type");
        const auto* const found = std::ranges::find(type_names, name);
        if (found == std::end(type_names))
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no type of an entry", name.substr(0, 80)));
        return static_cast<NodeType>(found - std::begin(type_names));
    }
    Result<std::string> link_target() const
    {
        const std::string raw = text("linktarget_raw");
        if (raw.empty()) return text("linktarget");
        return from_base64(raw);
    }
    Result<std::vector<ExtendedAttribute>> attributes() const
    {
        std::vector<ExtendedAttribute> all;
        const auto found = json_.find("extended_attributes");
        if (found == json_.end() || !found->is_array()) return all;
        for (const Json& one : *found) {
            const auto name = one.find("name"), value = one.find("value");
            if (!one.is_object() || name == one.end() || !name->is_string())
                return fail(ErrorKind::corrupt, "an extended attribute has no name");
            ExtendedAttribute attribute{name->get<std::string>(), {}};
            if (value != one.end() && value->is_string())
                attribute.value = TRY(from_base64(value->get<std::string>()));
            all.push_back(std::move(attribute));
        }
        return all;
    }
    Result<std::vector<Id>> content() const
    {
        std::vector<Id> all;
        const auto found = json_.find("content");
        if (found == json_.end() || !found->is_array()) return all;
        all.reserve(found->size());
        for (const Json& one : *found) {
            if (!one.is_string()) return fail(ErrorKind::corrupt, "the content of a file is no list of ids");
            all.push_back(TRY(Id::from_hex(one.get_ref<const std::string&>())));
        }
        return all;
    }

    const Json& json_;
};

}  // namespace

uint32_t go_mode(const Node& node)
{
    uint32_t mode = (node.mode & 0777) | go_type_bits(node.type);
    if ((node.mode & 04000) != 0) mode |= go_setuid;
    if ((node.mode & 02000) != 0) mode |= go_setgid;
    if ((node.mode & 01000) != 0) mode |= go_sticky;
    return mode;
}

std::string_view name_of(NodeType type)
{
    return type_names[static_cast<size_t>(type)];
}

std::string tree_text(std::span<const Node> nodes)
{
    std::string text = R"({"nodes":[)";
    NodeWriter writer(text);
    for (const Node& node : nodes) {
        if (text.back() == '}') text += ',';
        writer.write(node);
    }
    return text + "]}\n";
}

Result<std::vector<Node>> read_tree(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    const auto nodes = json.find("nodes");
    if (!json.is_object() || nodes == json.end() || !(nodes->is_array() || nodes->is_null()))
        return fail(ErrorKind::corrupt, "a tree has no list of nodes");
    std::vector<Node> all;
    all.reserve(nodes->size());
    for (const Json& one : *nodes) all.push_back(TRY(NodeReader(one).read()));
    std::ranges::sort(all, {}, &Node::name);
    const auto twice = std::ranges::adjacent_find(all, {}, &Node::name);
    if (twice != all.end())
        return fail(ErrorKind::corrupt,
                    fmt::format("a folder has two entries with the name \"{}\"", go_quoted(twice->name)));
    return all;
}

}  // namespace belay::backup
