#include "backup/repository/index_file.h"

#include <algorithm>
#include <simdjson.h>

namespace belay::backup {
namespace {

namespace json = simdjson::ondemand;

std::unexpected<Error> damaged(std::string_view why)
{
    return fail(ErrorKind::corrupt, fmt::format("an index is damaged: {}", why));
}

Result<Id> id_of(json::value value)
{
    std::string_view hex;
    if (value.get(hex) != simdjson::SUCCESS) return damaged("an id in it is no text");
    return Id::from_hex(hex);
}

Result<uint32_t> number_of_bytes(std::string_view field, json::value value)
{
    uint64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || number > INT32_MAX)
        return damaged(fmt::format("a blob in it has no {} that can be", field));
    return static_cast<uint32_t>(number);
}

/// Calls `each` with the name and value of all that stands in an object.
template <typename Object, typename Each>
Result<void> for_each_field(Object object, Each each)
{
    for (auto one : object) {
        json::field field;
        std::string_view name;
        if (std::move(one).get(field) != simdjson::SUCCESS ||
            field.unescaped_key().get(name) != simdjson::SUCCESS)
            return damaged("it is cut or no JSON");
        TRY(each(name, field.value()));
    }
    return {};
}

/// {"id","type","offset","length","uncompressed_length"}
Result<PackedBlob> read_blob(json::object object)
{
    PackedBlob blob;
    unsigned seen = 0;
    TRY(for_each_field(object, [&](std::string_view key, json::value value) -> Result<void> {
        if (key == "id") {
            blob.id = TRY(id_of(value));
            seen |= 1U;
        } else if (key == "type") {
            std::string_view type;
            if (value.get(type) != simdjson::SUCCESS || (type != "data" && type != "tree"))
                return damaged("a blob in it is neither data nor tree");
            blob.type = type == "tree" ? BlobType::tree : BlobType::data;
            seen |= 2U;
        } else if (key == "offset") {
            blob.offset = TRY(number_of_bytes(key, value));
            seen |= 4U;
        } else if (key == "length") {
            blob.length = TRY(number_of_bytes(key, value));
            seen |= 8U;
        } else if (key == "uncompressed_length") {
            blob.plain_size = TRY(number_of_bytes(key, value));
        }
        return {};
    }));
    if (seen != 15) return damaged("a blob in it lacks its id, type, offset or length");
    return blob;
}

Result<void> read_blobs(json::value list, std::vector<PackedBlob>& blobs)
{
    json::array array;
    if (list.get(array) != simdjson::SUCCESS) return damaged("it has no list of blobs");
    for (auto one : array) {
        json::object object;
        if (one.get(object) != simdjson::SUCCESS) return damaged("a blob in it is no JSON object");
        blobs.push_back(TRY(read_blob(object)));
    }
    return {};
}

/// {"id", "blobs": [...]}
Result<IndexedPack> read_pack(json::object object)
{
    IndexedPack pack;
    bool has_id = false;
    TRY(for_each_field(object, [&](std::string_view key, json::value value) -> Result<void> {
        if (key == "id") {
            pack.id = TRY(id_of(value));
            has_id = true;
        } else if (key == "blobs" && !value.is_null()) {
            TRY(read_blobs(value, pack.blobs));
        }
        return {};
    }));
    if (!has_id) return damaged("a pack in it has no id");
    return pack;
}

/// What is not yet read of an index. It only finds where a value ends; what is in it the parser finds wrong.
class Unread {
  public:
    explicit Unread(std::string_view text) : rest_(text) {}

    /// Whether this stands next; then it is taken.
    bool take(char wanted)
    {
        skip_spaces();
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// The value that stands next, whole. Empty where there is none, or its end is missing.
    std::string_view take_value()
    {
        skip_spaces();
        const size_t length = length_of_value();
        const std::string_view value = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return value;
    }
    bool is_at_end()
    {
        skip_spaces();
        return rest_.empty();
    }

  private:
    void skip_spaces()
    {
        while (!rest_.empty() && std::string_view(" \t\r\n").contains(rest_.front())) rest_.remove_prefix(1);
    }

    size_t length_of_value() const
    {
        if (rest_.empty()) return 0;
        if (rest_.front() == '"') return end_of_string(0);
        if (rest_.front() != '{' && rest_.front() != '[')
            return std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size());
        size_t depth = 0;
        for (size_t at = 0; at < rest_.size(); ++at) {
            const char one = rest_[at];
            if (one == '"') {
                at = end_of_string(at);
                if (at == 0) return 0;
                --at;
            } else if (one == '{' || one == '[') {
                ++depth;
            } else if ((one == '}' || one == ']') && --depth == 0) {
                return at + 1;
            }
        }
        return 0;
    }

    /// Where the string that begins at `begin` is over; 0 where it is not.
    size_t end_of_string(size_t begin) const
    {
        for (size_t quote = rest_.find('"', begin + 1); quote != std::string_view::npos;
             quote = rest_.find('"', quote + 1)) {
            size_t slash = quote;
            while (rest_[slash - 1] == '\\') --slash;
            if ((quote - slash) % 2 == 0) return quote + 1;
        }
        return 0;
    }

    std::string_view rest_;
};

/// Reads the packs of a list one after another: the parser takes five times the memory of what it reads.
class PackReader {
  public:
    explicit PackReader(const std::function<void(IndexedPack)>& each) : each_(each) {}

    Result<void> read_list(Unread& text)
    {
        if (!text.take('[')) return damaged("it has no list of packs");
        if (text.take(']')) return {};
        do {
            each_(TRY(read(text.take_value())));
        } while (text.take(','));
        if (!text.take(']')) return damaged("it is cut or no JSON");
        return {};
    }

  private:
    Result<IndexedPack> read(std::string_view pack)
    {
        // The parser reads a little behind the end.
        padded_.assign(pack);
        padded_.append(simdjson::SIMDJSON_PADDING, ' ');
        json::document document;
        json::object object;
        if (parser_.iterate(padded_.data(), pack.size(), padded_.size()).get(document) != simdjson::SUCCESS ||
            document.get(object) != simdjson::SUCCESS)
            return damaged("a pack in it is no JSON object");
        return read_pack(object);
    }

    const std::function<void(IndexedPack)>& each_;
    std::string padded_;
    json::parser parser_;
};

}  // namespace

std::string index_text(std::span<const IndexedPack> packs)
{
    // Ids, numbers and two words: nothing in it needs escaping.
    std::string text = R"({"packs":[)";
    for (const IndexedPack& pack : packs) {
        if (text.back() == '}') text += ',';
        text += fmt::format(R"({{"id":"{}","blobs":[)", pack.id.hex());
        for (const PackedBlob& blob : pack.blobs) {
            if (text.back() == '}') text += ',';
            text += fmt::format(R"({{"id":"{}","type":"{}","offset":{},"length":{})", blob.id.hex(),
                                name_of(blob.type), blob.offset, blob.length);
            if (blob.is_compressed()) text += fmt::format(R"(,"uncompressed_length":{})", blob.plain_size);
            text += '}';
        }
        text += "]}";
    }
    return text + "]}";
}

Result<void> read_index(std::string_view text, const std::function<void(IndexedPack)>& each)
{
    Unread unread(text);
    PackReader packs(each);
    if (!unread.take('{')) return damaged("it is no JSON object");
    bool has_packs = false, goes_on = !unread.take('}');
    while (goes_on) {
        const std::string_view key = unread.take_value();
        if (!key.starts_with('"') || !unread.take(':')) return damaged("it is cut or no JSON");
        if (key == R"("packs")") {
            has_packs = true;
            TRY(packs.read_list(unread));
        } else if (unread.take_value().empty()) {
            return damaged("it is cut or no JSON");
        }
        goes_on = unread.take(',');
        if (!goes_on && !unread.take('}')) return damaged("it is cut or no JSON");
    }
    if (!unread.is_at_end()) return damaged("there is something behind it");
    if (!has_packs) return damaged("it lists no packs");
    return {};
}

}  // namespace belay::backup
