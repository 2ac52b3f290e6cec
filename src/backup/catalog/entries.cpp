#include "backup/catalog/entries.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace belay::backup::catalog {
namespace {

constexpr std::array<std::string_view, 8> type_names = {"file",    "dir",  "symlink", "dev",
                                                        "chardev", "fifo", "socket",  "irregular"};
constexpr size_t content_size = sizeof(uint64_t);
constexpr size_t longest_entry_name = 4096;

void put_varint(uint64_t value, std::string& out)
{
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
    out += static_cast<char>(value);
}

/// Takes entries from the front. After a value that is none it stays at an end that is_wrong() tells.
class EntryReader {
  public:
    explicit EntryReader(std::string_view bytes) : rest_(bytes) {}

    bool at_end() const { return rest_.empty(); }
    bool is_wrong() const { return is_wrong_; }

    PackedEntry take()
    {
        PackedEntry entry;
        const uint64_t name = varint();
        const uint64_t type = varint();
        if (name > UINT32_MAX || type >= type_names.size()) return give_up();
        entry.name = static_cast<uint32_t>(name);
        entry.type = static_cast<NodeType>(type);
        entry.size = varint();
        const uint64_t zigzag = varint();
        entry.mtime = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
        if (entry.type == NodeType::dir) {
            entry.subtree = static_cast<int64_t>(varint());
            if (entry.subtree < 0) return give_up();
        } else {
            if (rest_.size() < content_size) return give_up();
            std::memcpy(&entry.content, rest_.data(), content_size);
            rest_.remove_prefix(content_size);
        }
        return entry;
    }

  private:
    PackedEntry give_up()
    {
        is_wrong_ = true;
        rest_ = {};
        return {};
    }
    uint64_t varint()
    {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= uint64_t{byte & 0x7fU} << shift;
            if (byte < 0x80) return value;
        }
        is_wrong_ = true;
        rest_ = {};
        return 0;
    }

    std::string_view rest_;
    bool is_wrong_ = false;
};

std::unexpected<Error> wrong_entries()
{
    return fail(ErrorKind::corrupt, "the catalog is damaged: the entries of a folder make no sense",
                "belay catalog rebuild");
}

}  // namespace

void pack_entry(const PackedEntry& entry, std::string& out)
{
    put_varint(entry.name, out);
    put_varint(static_cast<uint64_t>(entry.type), out);
    put_varint(entry.size, out);
    const auto mtime = static_cast<uint64_t>(entry.mtime);
    put_varint((mtime << 1) ^ static_cast<uint64_t>(entry.mtime >> 63), out);
    if (entry.type == NodeType::dir) {
        put_varint(static_cast<uint64_t>(entry.subtree), out);
    } else {
        char bytes[content_size];
        std::memcpy(bytes, &entry.content, content_size);
        out.append(bytes, content_size);
    }
}

Result<std::vector<PackedEntry>> unpack_entries(std::string_view bytes)
{
    std::vector<PackedEntry> all;
    all.reserve(bytes.size() / 16);
    EntryReader reader(bytes);
    while (!reader.at_end()) all.push_back(reader.take());
    if (reader.is_wrong()) return wrong_entries();
    return all;
}

Result<std::optional<PackedEntry>> find_packed(std::string_view bytes, uint32_t name)
{
    EntryReader reader(bytes);
    while (!reader.at_end()) {
        const PackedEntry entry = reader.take();
        if (reader.is_wrong()) return wrong_entries();
        if (entry.name == name) return std::optional(entry);
    }
    return std::optional<PackedEntry>();
}

bool may_be_name(std::string_view name)
{
    return !name.empty() && name.size() <= longest_entry_name && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::string_view type_text(NodeType type)
{
    return type_names[static_cast<size_t>(type)];
}

std::optional<NodeType> type_from_text(std::string_view text)
{
    const auto* const found = std::ranges::find(type_names, text);
    if (found == type_names.end()) return std::nullopt;
    return static_cast<NodeType>(found - type_names.begin());
}

Id id_of_bytes(std::string_view raw)
{
    Id id;
    std::memcpy(id.bytes.data(), raw.data(), std::min(raw.size(), Id::size));
    return id;
}

std::string hex_of(const Id& id)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(Id::size * 2);
    for (const uint8_t byte : id.bytes) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

std::optional<Id> id_of_hex(std::string_view hex)
{
    if (hex.size() != Id::size * 2) return std::nullopt;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    Id id;
    for (size_t i = 0; i < Id::size; ++i) {
        const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        id.bytes[i] = static_cast<uint8_t>(high * 16 + low);
    }
    return id;
}

}  // namespace belay::backup::catalog
