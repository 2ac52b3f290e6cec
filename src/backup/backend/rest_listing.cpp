#include "backup/backend/rest_listing.h"

#include <nlohmann/json.hpp>

namespace belay::backup {
namespace {

using nlohmann::json;

/// Takes one element; false if it makes no sense.
bool take(const json& element, bool is_version_2, RestListing& listing)
{
    const json* name = &element;
    if (is_version_2) {
        const auto found = element.find("name"), size = element.find("size");
        if (found == element.end() || size == element.end() || !size->is_number_unsigned()) return false;
        name = &*found;
    }
    if (!name->is_string()) return false;
    const Result<Id> id = Id::from_hex(name->get_ref<const std::string&>());
    if (!id) return true;
    if (is_version_2) listing.files.push_back({*id, element["size"].get<uint64_t>()});
    if (!is_version_2) listing.names.push_back(*id);
    return true;
}

}  // namespace

Result<RestListing> read_rest_listing(std::string_view text, bool is_version_2)
{
    RestListing listing;
    bool makes_sense = true;
    // Each element goes as soon as it was read: a list of a million packs is never a tree in memory.
    const json::parser_callback_t reads = [&](int depth, json::parse_event_t event, json& parsed) {
        using Event = json::parse_event_t;
        const bool starts = event == Event::array_start || event == Event::object_start;
        if (depth == 0) return true;
        // What lies within an element is of a later version, and nothing for us.
        if (depth > 1) return !starts;
        const Event wanted = is_version_2 ? Event::object_end : Event::value;
        if (event == wanted) makes_sense = makes_sense && take(parsed, is_version_2, listing);
        if (event == wanted) return false;
        if (event == Event::object_start && is_version_2) return true;
        makes_sense = makes_sense && event != Event::value && !starts;
        return !starts;
    };
    const json all = json::parse(text, reads, false);
    // A server that has no files may say null.
    if (!makes_sense || !(all.is_array() || all.is_null()))
        return fail(ErrorKind::corrupt, "the server's list of files makes no sense");
    return listing;
}

}  // namespace belay::backup
