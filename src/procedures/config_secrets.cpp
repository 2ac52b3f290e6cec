#include "procedures/config_secrets.h"

#include "framework/configuration/merge.h"

namespace belay::procedures {

using namespace framework::configuration;

namespace {

/// Every sealed secret of an object, by where it stands.
std::map<std::string, std::string> secrets_of(const Object& object)
{
    std::map<std::string, std::string> secrets;
    const Json flat = object.attributes.flatten();
    for (const auto& [pointer, value] : flat.items()) {
        if (value.is_string() && value.get_ref<const std::string&>().starts_with(sealed_prefix))
            secrets[pointer] = value.get<std::string>();
    }
    return secrets;
}

Result<ObjectPointer> opened(const ObjectPointer& now, const ObjectPointer& wanted, const KeyRing& keys)
{
    std::map<std::string, std::string> lost;
    for (const auto& [pointer, sealed] : secrets_of(*wanted)) {
        if (!keys.unseal(sealed)) lost[pointer] = sealed;
    }
    if (lost.empty()) return wanted;
    const std::map<std::string, std::string> present =
        now ? secrets_of(*now) : std::map<std::string, std::string>();
    Object object = *wanted;
    for (const auto& [pointer, sealed] : lost) {
        const auto same_place = present.find(pointer);
        if (same_place == present.end())
            return fail(ErrorKind::refused,
                        fmt::format("a secret of {} ({}) was sealed by a key that is gone", title_of(object),
                                    pointer.substr(1)),
                        "write the object with its secret anew, by belay config apply");
        object.attributes[Json::json_pointer(pointer)] = same_place->second;
    }
    return std::make_shared<const Object>(std::move(object));
}

}  // namespace

Result<Delta> with_secrets_that_open(const Delta& delta, const KeyRing& keys)
{
    Delta result;
    for (const ObjectDelta& one : delta.objects) {
        ObjectPointer after = one.after;
        if (after) after = TRY(opened(one.before, after, keys));
        const bool changes = !one.before || !after || *one.before != *after;
        if (changes) result.objects.push_back({one.before, after});
    }
    return result;
}

}  // namespace belay::procedures
