#include "backup/repository/node.h"

#include "backup/repository/go_text.h"
#include "base/base64.h"
#include "base/utf8.h"

#include <algorithm>
#include <simdjson.h>
#include <sys/stat.h>

namespace belay::backup {
namespace {

/// Bits of Go's os.FileMode, which is what a repository holds.
constexpr uint32_t go_dir = 1U << 31, go_symlink = 1U << 27, go_device = 1U << 26, go_fifo = 1U << 25,
                   go_socket = 1U << 24, go_setuid = 1U << 23, go_setgid = 1U << 22, go_char = 1U << 21,
                   go_sticky = 1U << 20, go_irregular = 1U << 19;

/// What a type is called, and what it is in Go's mode and in that of the system.
struct Kind {
    std::string_view name;
    uint32_t go_bits, unix_bits;
};
/// By the values of NodeType.
constexpr Kind kinds[] = {{"file", 0, S_IFREG},
                          {"dir", go_dir, S_IFDIR},
                          {"symlink", go_symlink, S_IFLNK},
                          {"dev", go_device, S_IFBLK},
                          {"chardev", go_device | go_char, S_IFCHR},
                          {"fifo", go_fifo, S_IFIFO},
                          {"socket", go_socket, S_IFSOCK},
                          {"irregular", go_irregular, S_IFREG}};

const Kind& kind_of(NodeType type)
{
    return kinds[static_cast<size_t>(type)];
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
        begin(name);
        append_go_json(out_, value);
    }
    void number(std::string_view name, uint64_t value)
    {
        if (value == 0) return;
        begin(name);
        const fmt::format_int written(value);
        out_.append(written.data(), written.size());
    }
    void begin(std::string_view name) { out_.append(",\"").append(name).append("\":"); }
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
            out_.append("\"").append(id.hex()).append("\"");
        }
        out_ += ']';
    }

    std::string& out_;
};

using Value = simdjson::dom::element;

/// Reads the fields of one node; what is missing, or of another type, stays empty, as Go leaves it.
class NodeReader {
  public:
    Result<Node> read(const simdjson::dom::object& object)
    {
        for (const simdjson::dom::key_value_pair field : object) TRY(take(field.key, field.value));
        if (!has_type_) return fail(ErrorKind::corrupt, "an entry of a folder has no type");
        TRY(may_be_a_name(node_.name));
        return std::move(node_);
    }

  private:
    Result<void> take(std::string_view key, const Value& value)
    {
        if (key == "name") return take_name(text(value));
        if (key == "type") return take_type(text(value));
        if (key == "mtime") return take_time(node_.mtime, value);
        if (key == "atime") return take_time(node_.atime, value);
        if (key == "ctime") return take_time(node_.ctime, value);
        if (key == "content") return take_content(value);
        if (key == "subtree") return take_subtree(text(value));
        if (key == "extended_attributes") return take_attributes(value);
        if (key == "linktarget_raw") return take_raw_target(text(value));
        if (key == "mode") node_.mode = unix_mode(number(value));
        if (key == "uid") node_.uid = static_cast<uint32_t>(number(value));
        if (key == "gid") node_.gid = static_cast<uint32_t>(number(value));
        if (key == "user") node_.user = text(value);
        if (key == "group") node_.group = text(value);
        if (key == "inode") node_.inode = number(value);
        if (key == "device_id") node_.device_id = number(value);
        if (key == "size") node_.size = number(value);
        if (key == "links") node_.links = number(value);
        if (key == "linktarget" && node_.link_target.empty()) node_.link_target = text(value);
        if (key == "device") node_.device = number(value);
        if (key == "error") node_.error = text(value);
        return {};
    }
    static std::string_view text(const Value& value)
    {
        std::string_view text;
        return value.get(text) == simdjson::SUCCESS ? text : std::string_view();
    }
    static uint64_t number(const Value& value)
    {
        uint64_t number = 0;
        return value.get(number) == simdjson::SUCCESS ? number : 0;
    }
    /// No filesystem takes a longer one.
    static constexpr size_t longest_name = 4096;

    static Result<void> may_be_a_name(const std::string& name)
    {
        const bool is_odd = name.empty() || name.size() > longest_name || name == "." || name == ".." ||
                            name.find('/') != std::string::npos || name.find('\0') != std::string::npos;
        if (!is_odd) return {};
        return fail(ErrorKind::corrupt,
                    fmt::format("\"{}\" is no name that a file can have", go_quoted(name.substr(0, 80))));
    }
    Result<void> take_name(std::string_view quoted)
    {
        node_.name = TRY(go_unquoted(quoted));
        return {};
    }
    Result<void> take_type(std::string_view name)
    {
        const auto* const found = std::ranges::find(kinds, name, &Kind::name);
        if (found == std::end(kinds))
            return fail(ErrorKind::corrupt, fmt::format("\"{}\" is no type of an entry", name.substr(0, 80)));
        node_.type = static_cast<NodeType>(found - std::begin(kinds));
        has_type_ = true;
        return {};
    }
    static Result<void> take_time(Timestamp& time, const Value& value)
    {
        time = TRY(Timestamp::from_text(text(value)));
        return {};
    }
    Result<void> take_subtree(std::string_view hex)
    {
        if (!hex.empty()) node_.subtree = TRY(Id::from_hex(hex));
        return {};
    }
    /// Bytes that are no UTF-8: these count, whatever stands beside them.
    Result<void> take_raw_target(std::string_view base64)
    {
        if (!base64.empty()) node_.link_target = TRY(from_base64(std::string(base64)));
        return {};
    }
    Result<void> take_content(const Value& value)
    {
        simdjson::dom::array list;
        if (value.get(list) != simdjson::SUCCESS) return {};
        for (const Value one : list) {
            std::string_view hex;
            if (one.get(hex) != simdjson::SUCCESS)
                return fail(ErrorKind::corrupt, "the content of a file is no list of ids");
            node_.content.push_back(TRY(Id::from_hex(hex)));
        }
        return {};
    }
    Result<void> take_attributes(const Value& value)
    {
        simdjson::dom::array list;
        if (value.get(list) != simdjson::SUCCESS) return {};
        for (const Value one : list) {
            simdjson::dom::object object;
            ExtendedAttribute attribute;
            if (one.get(object) != simdjson::SUCCESS)
                return fail(ErrorKind::corrupt, "an extended attribute is no JSON object");
            for (const simdjson::dom::key_value_pair field : object) {
                if (field.key == "name") attribute.name = text(field.value);
                if (field.key == "value") attribute.value = TRY(from_base64(std::string(text(field.value))));
            }
            if (attribute.name.empty()) return fail(ErrorKind::corrupt, "an extended attribute has no name");
            node_.attributes.push_back(std::move(attribute));
        }
        return {};
    }

    Node node_;
    bool has_type_ = false;
};

}  // namespace

uint32_t go_mode(const Node& node)
{
    uint32_t mode = (node.mode & 0777) | kind_of(node.type).go_bits;
    if ((node.mode & 04000) != 0) mode |= go_setuid;
    if ((node.mode & 02000) != 0) mode |= go_setgid;
    if ((node.mode & 01000) != 0) mode |= go_sticky;
    return mode;
}

std::string_view name_of(NodeType type)
{
    return kind_of(type).name;
}

uint32_t unix_kind(NodeType type)
{
    return kind_of(type).unix_bits;
}

NodeType type_of_mode(uint32_t mode)
{
    const auto* const found = std::ranges::find(kinds, mode & S_IFMT, &Kind::unix_bits);
    return found == std::end(kinds) ? NodeType::irregular : static_cast<NodeType>(found - std::begin(kinds));
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
    // The parser and what it needs behind the text are kept: trees are many and small.
    thread_local simdjson::dom::parser parser;
    thread_local std::string padded;
    padded.assign(text);
    padded.append(simdjson::SIMDJSON_PADDING, '\0');
    simdjson::dom::object tree;
    if (parser.parse(padded.data(), text.size(), false).get(tree) != simdjson::SUCCESS)
        return fail(ErrorKind::corrupt, "a tree is no JSON object");
    Value nodes;
    simdjson::dom::array list;
    if (tree["nodes"].get(nodes) != simdjson::SUCCESS ||
        !(nodes.is_null() || nodes.get(list) == simdjson::SUCCESS))
        return fail(ErrorKind::corrupt, "a tree has no list of nodes");
    std::vector<Node> all;
    if (nodes.is_null()) return all;
    // An entry that is one takes more bytes, and a node in memory takes many.
    all.reserve(std::min(list.size(), text.size() / 128));
    for (const Value one : list) {
        simdjson::dom::object entry;
        if (one.get(entry) != simdjson::SUCCESS)
            return fail(ErrorKind::corrupt, "an entry of a folder is no JSON object");
        all.push_back(TRY(NodeReader().read(entry)));
    }
    // They are, but for those of very old versions; sorting moves what is sorted, too.
    if (!std::ranges::is_sorted(all, {}, &Node::name)) std::ranges::sort(all, {}, &Node::name);
    const auto twice = std::ranges::adjacent_find(all, {}, &Node::name);
    if (twice != all.end())
        return fail(ErrorKind::corrupt,
                    fmt::format("a folder has two entries with the name \"{}\"", go_quoted(twice->name)));
    return all;
}

}  // namespace belay::backup
