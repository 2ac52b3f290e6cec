#include "framework/configuration/delta.h"

#include "base/base64.h"
#include "framework/configuration/packed_text.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

constexpr size_t most_plain_bytes = 64 << 10;
constexpr size_t most_packed_bytes = 3 << 20;  // of base64: beside it there must be room in a value

Json body_or_null(const ObjectPointer& object)
{
    return object ? body_of(*object) : Json(nullptr);
}

Result<ObjectPointer> object_or_null(Id id, const std::string& type, const Json& body)
{
    if (body.is_null()) return ObjectPointer();
    return std::make_shared<const Object>(TRY(object_from(id, type, body)));
}

}  // namespace

Delta Delta::inverse() const
{
    Delta back;
    back.objects.reserve(objects.size());
    for (const ObjectDelta& one : objects) back.objects.push_back({one.after, one.before});
    return back;
}

std::set<Id> Delta::ids() const
{
    std::set<Id> ids;
    for (const ObjectDelta& one : objects) ids.insert(one.id());
    return ids;
}

Delta difference(const Configuration& current, const Configuration& wanted)
{
    Delta delta;
    auto left = current.objects().begin();
    auto right = wanted.objects().begin();
    const auto left_end = current.objects().end();
    const auto right_end = wanted.objects().end();
    while (left != left_end || right != right_end) {
        if (right == right_end || (left != left_end && left->first < right->first)) {
            delta.objects.push_back({left->second, nullptr});
            ++left;
        } else if (left == left_end || right->first < left->first) {
            delta.objects.push_back({nullptr, right->second});
            ++right;
        } else {
            const bool same = left->second == right->second || *left->second == *right->second;
            if (!same) delta.objects.push_back({left->second, right->second});
            ++left;
            ++right;
        }
    }
    return delta;
}

void apply(Configuration& configuration, const Delta& delta)
{
    // What goes first: its name may be given to what comes.
    for (const ObjectDelta& one : delta.objects) {
        if (!one.after) configuration.remove(one.id());
    }
    for (const ObjectDelta& one : delta.objects) {
        if (one.after) configuration.put(one.after);
    }
}

Json to_json_list(const Delta& delta)
{
    Json list = Json::array();
    for (const ObjectDelta& one : delta.objects) {
        list.push_back({{"type", one.object().type},
                        {"id", one.id()},
                        {"before", body_or_null(one.before)},
                        {"after", body_or_null(one.after)}});
    }
    return list;
}

Result<Delta> delta_from(const Json& list)
{
    const auto refuse = [] {
        return fail(ErrorKind::corrupt, "what should be a change of the configuration makes no sense");
    };
    if (!list.is_array()) return refuse();
    Delta delta;
    std::set<Id> seen;
    for (const Json& one : list) {
        const bool whole = one.is_object() && one.contains("type") && one.contains("id") &&
                           one.contains("before") && one.contains("after") && one.at("type").is_string() &&
                           one.at("id").is_number_integer();
        if (!whole) return refuse();
        const Id id = one.at("id").get<Id>();
        const std::string type = one.at("type").get<std::string>();
        const ObjectPointer before = TRY(object_or_null(id, type, one.at("before")));
        const ObjectPointer after = TRY(object_or_null(id, type, one.at("after")));
        if (id == 0 || id > most_id || (!before && !after) || !seen.insert(id).second) return refuse();
        delta.objects.push_back({before, after});
    }
    return delta;
}

Result<Json> pack(const Delta& delta)
{
    Json list = to_json_list(delta);
    const std::string text = json_text(list);
    if (text.size() <= most_plain_bytes) return Json{{"delta", std::move(list)}};
    std::string written = to_base64(TRY(pack_text(text)));
    if (text.size() > most_unpacked_bytes || written.size() > most_packed_bytes)
        return fail(
            ErrorKind::usage,
            fmt::format("a change of {} objects has {} MiB when packed, and {} MiB is the most that is "
                        "made at once",
                        delta.objects.size(), written.size() >> 20, most_packed_bytes >> 20),
            "import it in parts");
    return Json{{"packed", std::move(written)}};
}

Result<Delta> unpack(const Json& packed)
{
    if (packed.is_object() && packed.contains("delta")) return delta_from(packed.at("delta"));
    if (!packed.is_object() || !packed.contains("packed") || !packed.at("packed").is_string())
        return fail(ErrorKind::corrupt, "what should be a change of the configuration makes no sense");
    const std::string bytes = TRY(from_base64(packed.at("packed").get_ref<const std::string&>()));
    const std::string text = TRY(unpack_text(bytes, "a packed change of the configuration"));
    return delta_from(TRY(parse_json(text)));
}

}  // namespace belay::framework::configuration
