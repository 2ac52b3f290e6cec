#include "backup/repository/index_file.h"

#include "base/json.h"

namespace belay::backup {
namespace {

/// {"packs":[{"id":..., "blobs":[{"id","type","offset","length","uncompressed_length"}, ...]}, ...]}, by the
/// events of the parser.
class IndexReader final : public nlohmann::json_sax<Json> {
  public:
    explicit IndexReader(const std::function<void(IndexedPack)>& each) : each_(each) {}

    const std::string& problem() const { return problem_; }
    bool has_packs() const { return has_packs_; }

    bool key(std::string& name) override
    {
        key_ = name;
        return true;
    }
    bool start_object(size_t) override
    {
        ++depth_;
        if (depth_ == pack_depth && in_packs_) pack_ = {};
        if (depth_ == blob_depth && in_blobs_) blob_ = {}, seen_ = 0;
        return depth_ <= most_depth || refuse("it is nested too deep");
    }
    bool end_object() override
    {
        if (depth_ == blob_depth && in_blobs_) {
            if (seen_ != all_fields) return refuse("a blob in it lacks its id, type, offset or length");
            pack_.blobs.push_back(blob_);
        }
        if (depth_ == pack_depth && in_packs_) {
            if (pack_.id.is_null()) return refuse("a pack in it has no id");
            each_(std::move(pack_));
        }
        --depth_;
        return true;
    }
    bool start_array(size_t) override
    {
        ++depth_;
        if (depth_ == 2 && key_ == "packs") in_packs_ = has_packs_ = true;
        if (depth_ == 4 && in_packs_ && key_ == "blobs") in_blobs_ = true;
        return depth_ <= most_depth || refuse("it is nested too deep");
    }
    bool end_array() override
    {
        if (depth_ == 4) in_blobs_ = false;
        if (depth_ == 2) in_packs_ = false;
        --depth_;
        return true;
    }
    bool string(std::string& value) override
    {
        if (depth_ == pack_depth && in_packs_ && key_ == "id") return take_id(value, pack_.id);
        if (depth_ != blob_depth || !in_blobs_) return true;
        if (key_ == "id") {
            seen_ |= 1;
            return take_id(value, blob_.id);
        }
        if (key_ == "type") {
            seen_ |= 2;
            if (value != "data" && value != "tree") return refuse("a blob in it is of the type " + value);
            blob_.type = value == "tree" ? BlobType::tree : BlobType::data;
        }
        return true;
    }
    bool number_unsigned(uint64_t value) override
    {
        if (depth_ != blob_depth || !in_blobs_) return true;
        if (key_ == "offset") return take(value, blob_.offset, 4);
        if (key_ == "length") return take(value, blob_.length, 8);
        if (key_ == "uncompressed_length") return take(value, blob_.plain_size, 0);
        return true;
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(int64_t) override { return true; }
    bool number_float(double, const std::string&) override { return true; }
    bool binary(Json::binary_t&) override { return true; }
    bool parse_error(size_t at, const std::string&, const Json::exception&) override
    {
        return refuse(fmt::format("it is no JSON from byte {}", at));
    }

  private:
    /// Depths at which the objects of a pack and of a blob begin to have fields.
    static constexpr int pack_depth = 3, blob_depth = 5, most_depth = 16;
    static constexpr unsigned all_fields = 1 | 2 | 4 | 8;

    bool refuse(std::string why)
    {
        if (problem_.empty()) problem_ = std::move(why);
        return false;
    }
    bool take_id(const std::string& text, Id& id)
    {
        const Result<Id> read = Id::from_hex(text);
        if (!read) return refuse(read.error().what);
        id = *read;
        return true;
    }
    bool take(uint64_t value, uint32_t& to, unsigned field)
    {
        if (value > INT32_MAX) return refuse(fmt::format("a blob in it has {} {}", key_, value));
        to = static_cast<uint32_t>(value);
        seen_ |= field;
        return true;
    }

    const std::function<void(IndexedPack)>& each_;
    std::string key_, problem_;
    int depth_ = 0;
    bool in_packs_ = false, in_blobs_ = false, has_packs_ = false;
    IndexedPack pack_;
    PackedBlob blob_;
    unsigned seen_ = 0;
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
    IndexReader reader(each);
    const bool whole = Json::sax_parse(text, &reader);
    if (!whole) return fail(ErrorKind::corrupt, fmt::format("an index is damaged: {}", reader.problem()));
    if (!reader.has_packs()) return fail(ErrorKind::corrupt, "an index is damaged: it lists no packs");
    return {};
}

}  // namespace belay::backup
