#include "base/json.h"

namespace belay {

namespace {

/// Reads a text for its brackets alone. (A callback of the library's parser could tell the depth as well, but
/// with one the parser goes through all elements of a list again for each object in it.)
class DepthLimit : public nlohmann::json_sax<Json> {
  public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(Json::number_integer_t) override { return true; }
    bool number_unsigned(Json::number_unsigned_t) override { return true; }
    bool number_float(Json::number_float_t, const std::string&) override { return true; }
    bool string(std::string&) override { return true; }
    bool binary(Json::binary_t&) override { return true; }
    bool key(std::string&) override { return true; }
    bool start_object(size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool start_array(size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }

    bool exceeded() const { return depth_ > deepest; }

  private:
    static constexpr int deepest = 64;

    bool open()
    {
        ++depth_;
        return !exceeded();
    }
    bool close()
    {
        --depth_;
        return true;
    }

    int depth_ = 0;
};

}  // namespace

Result<Json> parse_json(std::string_view text)
{
    DepthLimit limit;
    Json::sax_parse(text, &limit);
    if (limit.exceeded()) return fail(ErrorKind::corrupt, "not JSON: nested more than 64 deep");
    try {
        return Json::parse(text);
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("not JSON: {}", problem.what()));
    }
}

std::string json_text(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace belay
