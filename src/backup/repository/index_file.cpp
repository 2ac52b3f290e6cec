#include "backup/repository/index_file.h"

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

template <typename Each>
Result<void> for_each_object(json::value list, std::string_view what, Each each)
{
    json::array array;
    if (list.get(array) != simdjson::SUCCESS) return damaged(fmt::format("it has no list of {}s", what));
    for (auto one : array) {
        json::object object;
        if (one.get(object) != simdjson::SUCCESS)
            return damaged(fmt::format("a {} in it is no JSON object", what));
        TRY(each(object));
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
            TRY(for_each_object(value, "blob", [&](json::object blob) -> Result<void> {
                pack.blobs.push_back(TRY(read_blob(blob)));
                return {};
            }));
        }
        return {};
    }));
    if (!has_id) return damaged("a pack in it has no id");
    return pack;
}

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

Result<void> read_index(const std::string& text, const std::function<void(IndexedPack)>& each)
{
    json::parser parser;
    json::document index;
    // The parser reads a little behind the end.
    simdjson::padded_string copy;
    simdjson::padded_string_view view(text.data(), text.size(), text.capacity());
    if (text.capacity() - text.size() < simdjson::SIMDJSON_PADDING) {
        copy = simdjson::padded_string(text);
        view = copy;
    }
    json::object object;
    if (parser.iterate(view).get(index) != simdjson::SUCCESS || index.get(object) != simdjson::SUCCESS)
        return damaged("it is no JSON object");
    bool has_packs = false;
    TRY(for_each_field(object, [&](std::string_view key, json::value value) -> Result<void> {
        if (key != "packs") return {};
        has_packs = true;
        return for_each_object(value, "pack", [&](json::object pack) -> Result<void> {
            each(TRY(read_pack(pack)));
            return {};
        });
    }));
    if (!has_packs) return damaged("it lists no packs");
    return {};
}

}  // namespace belay::backup
