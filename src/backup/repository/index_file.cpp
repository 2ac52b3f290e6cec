#include "backup/repository/index_file.h"

#include <simdjson.h>

namespace belay::backup {
namespace {

using Value = simdjson::dom::element;

std::unexpected<Error> damaged(std::string_view why)
{
    return fail(ErrorKind::corrupt, fmt::format("an index is damaged: {}", why));
}

Result<Id> id_of(const Value& value)
{
    std::string_view hex;
    if (value.get(hex) != simdjson::SUCCESS) return damaged("an id in it is no text");
    return Id::from_hex(hex);
}

Result<uint32_t> number_of_bytes(std::string_view field, const Value& value)
{
    uint64_t number = 0;
    if (value.get(number) != simdjson::SUCCESS || number > INT32_MAX)
        return damaged(fmt::format("a blob in it has no {} that can be", field));
    return static_cast<uint32_t>(number);
}

/// {"id","type","offset","length","uncompressed_length"}
Result<PackedBlob> read_blob(const simdjson::dom::object& object)
{
    PackedBlob blob;
    unsigned seen = 0;
    for (const auto& [key, value] : object) {
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
    }
    if (seen != 15) return damaged("a blob in it lacks its id, type, offset or length");
    return blob;
}

/// {"id", "blobs": [...]}
Result<IndexedPack> read_pack(const simdjson::dom::object& object)
{
    IndexedPack pack;
    Value value;
    if (object["id"].get(value) != simdjson::SUCCESS) return damaged("a pack in it has no id");
    pack.id = TRY(id_of(value));
    simdjson::dom::array blobs;
    if (object["blobs"].get(blobs) != simdjson::SUCCESS) return pack;
    for (const Value one : blobs) {
        simdjson::dom::object blob;
        if (one.get(blob) != simdjson::SUCCESS) return damaged("a blob in it is no JSON object");
        pack.blobs.push_back(TRY(read_blob(blob)));
    }
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

Result<void> read_index(std::string_view text, const std::function<void(IndexedPack)>& each)
{
    simdjson::dom::parser parser;
    simdjson::dom::object index;
    simdjson::dom::array packs;
    if (parser.parse(text.data(), text.size()).get(index) != simdjson::SUCCESS)
        return damaged("it is no JSON object");
    if (index["packs"].get(packs) != simdjson::SUCCESS) return damaged("it lists no packs");
    for (const Value one : packs) {
        simdjson::dom::object pack;
        if (one.get(pack) != simdjson::SUCCESS) return damaged("a pack in it is no JSON object");
        each(TRY(read_pack(pack)));
    }
    return {};
}

}  // namespace belay::backup
