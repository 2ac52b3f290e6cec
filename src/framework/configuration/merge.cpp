#include "framework/configuration/merge.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

bool is_merged_inside(Kind kind)
{
    return kind == Kind::table || kind == Kind::named_texts || kind == Kind::sections;
}

void merge_into(Json& kept, const Json& said, int depth)
{
    for (const auto& [name, value] : said.items()) {
        const bool inside =
            depth > 1 && value.is_object() && kept.contains(name) && kept.at(name).is_object();
        if (inside)
            merge_into(kept[name], value, depth - 1);
        else
            kept[name] = value;
    }
}

bool is_sealed(const Json& value)
{
    return value.is_string() && value.get_ref<const std::string&>().starts_with(sealed_prefix);
}

void keep_if_same(const Json* old, Json& fresh, const KeyRing& keys)
{
    if (old == nullptr || !is_sealed(*old) || !is_sealed(fresh) || *old == fresh) return;
    if (keys.same(old->get_ref<const std::string&>(), fresh.get_ref<const std::string&>())) fresh = *old;
}

const Json* member_of(const Json* table, const std::string& name)
{
    if (table == nullptr || !table->is_object()) return nullptr;
    const auto found = table->find(name);
    return found == table->end() ? nullptr : &*found;
}

/// Walks both side by side, wherever texts can stand.
void keep_inside(const Json* old, Json& fresh, const KeyRing& keys)
{
    if (fresh.is_object()) {
        for (auto& [name, value] : fresh.items()) keep_inside(member_of(old, name), value, keys);
    } else {
        keep_if_same(old, fresh, keys);
    }
}

}  // namespace

Json merged(const Schema& schema, const Json& kept, const Json& said)
{
    Json result = kept;
    for (const auto& [name, value] : said.items()) {
        const Attribute* attribute = schema.attribute(name);
        const bool inside =
            attribute != nullptr && is_merged_inside(attribute->kind) && result.contains(name);
        if (inside)
            merge_into(result[name], value, attribute->kind == Kind::sections ? 2 : 1);
        else
            result[name] = value;
    }
    return result;
}

void unset(Json& attributes, std::string_view path)
{
    const size_t dot = path.find('.');
    const std::string name(path.substr(0, dot));
    const auto found = attributes.find(name);
    if (found == attributes.end()) return;
    if (dot == std::string_view::npos)
        attributes.erase(found);
    else if (found->is_object())
        unset(*found, path.substr(dot + 1));
}

void without_nothing(Json& attributes)
{
    std::vector<std::string> nothing;
    for (auto& [name, value] : attributes.items()) {
        if (value.is_object()) without_nothing(value);
        if ((value.is_object() || value.is_array()) && value.empty()) nothing.push_back(name);
    }
    for (const std::string& name : nothing) attributes.erase(name);
}

void keep_same_secrets(const Schema& schema, const Json& kept, Json& attributes, const KeyRing& keys)
{
    for (const Attribute& attribute : schema.attributes) {
        const auto found = attributes.find(attribute.name);
        const bool may_hold = attribute.secret || attribute.kind == Kind::sections;
        if (may_hold && found != attributes.end())
            keep_inside(member_of(&kept, attribute.name), *found, keys);
    }
}

void for_each_secret(Json& attributes, const Schema& schema,
                     const std::function<void(std::string& sealed)>& visit)
{
    const std::function<void(Json&)> walk = [&](Json& value) {
        if (value.is_object()) {
            for (auto& [name, inside] : value.items()) walk(inside);
        } else if (is_sealed(value)) {
            visit(value.get_ref<std::string&>());
        }
    };
    for (const Attribute& attribute : schema.attributes) {
        const auto found = attributes.find(attribute.name);
        const bool may_hold = attribute.secret || attribute.kind == Kind::sections;
        if (may_hold && found != attributes.end()) walk(*found);
    }
}

}  // namespace belay::framework::configuration
