#include "framework/configuration/object.h"

#include "base/utf8.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

std::string key_of(std::string_view type, std::string_view name)
{
    return fmt::format("{}/{}", type, name);
}

const Attribute* attribute_at(const Schema* schema, std::string_view path)
{
    if (schema == nullptr) return nullptr;
    const size_t dot = path.find('.');
    const Attribute* attribute = schema->attribute(path.substr(0, dot));
    if (attribute == nullptr || dot == std::string_view::npos) return attribute;
    return attribute->field(path.substr(dot + 1));
}

void visit_value(const Attribute& attribute, const std::string& pointer, Json& value,
                 const ReferenceVisitor& visit);

void visit_fields(const Attribute& attribute, const std::string& pointer, Json& table,
                  const ReferenceVisitor& visit)
{
    for (const Attribute& field : attribute.fields) {
        const auto found = table.find(field.name);
        if (found != table.end()) visit_value(field, pointer + "/" + field.name, *found, visit);
    }
}

void visit_value(const Attribute& attribute, const std::string& pointer, Json& value,
                 const ReferenceVisitor& visit)
{
    switch (attribute.kind) {
        case Kind::reference:
            return visit(pointer, value, attribute.target);
        case Kind::references:
            for (size_t i = 0; i < value.size(); ++i)
                visit(fmt::format("{}/{}", pointer, i), value[i], attribute.target);
            return;
        case Kind::table:
            return visit_fields(attribute, pointer, value, visit);
        case Kind::tables:
            for (size_t i = 0; i < value.size(); ++i)
                visit_fields(attribute, fmt::format("{}/{}", pointer, i), value[i], visit);
            return;
        default:
            return;
    }
}

}  // namespace

Json Object::value(std::string_view attribute) const
{
    const Json* found = &attributes;
    for (std::string_view rest = attribute; found != nullptr && !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find('.'));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        const auto next = found->is_object() ? found->find(part) : found->end();
        found = next == found->end() ? nullptr : &*next;
    }
    if (found != nullptr) return *found;
    const Attribute* known = attribute_at(schema_of(type), attribute);
    return known == nullptr ? Json(nullptr) : standard_of(*known);
}

std::string Object::text(std::string_view attribute) const
{
    const Json found = value(attribute);
    return found.is_string() ? found.get<std::string>() : std::string();
}

std::string title_of(std::string_view type, std::string_view name)
{
    return fmt::format("{} \"{}\"", type, name);
}

std::string title_of(const Object& object)
{
    return title_of(object.type, object.name);
}

Json body_of(const Object& object)
{
    return {{"name", object.name}, {"disabled", object.disabled}, {"attributes", object.attributes}};
}

Result<Object> object_from(Id id, std::string_view type, const Json& body)
{
    const auto name = body.is_object() ? body.find("name") : body.end();
    const auto disabled = body.is_object() ? body.find("disabled") : body.end();
    const auto attributes = body.is_object() ? body.find("attributes") : body.end();
    const bool whole = body.is_object() && name != body.end() && name->is_string() &&
                       disabled != body.end() && disabled->is_boolean() && attributes != body.end() &&
                       attributes->is_object();
    if (!whole)
        return fail(ErrorKind::corrupt, fmt::format("the {} {} of the configuration is no object", type, id));
    Object object{.id = id,
                  .type = std::string(type),
                  .name = name->get<std::string>(),
                  .disabled = disabled->get<bool>(),
                  .attributes = *attributes};
    TRY(fits(object));
    return object;
}

std::optional<std::string> complaint_about_name(std::string_view name)
{
    if (name.empty()) return "a name is empty";
    if (name.size() > most_name_bytes)
        return fmt::format("the name \"{}...\" is longer than {} bytes", name.substr(0, 40), most_name_bytes);
    if (!is_utf8(name)) return "a name is no UTF-8 text";
    if (std::ranges::any_of(name, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }))
        return "a name has a control character in it, as a line break";
    if (name.front() == ' ' || name.back() == ' ')
        return fmt::format("the name \"{}\" begins or ends with a space", name);
    return std::nullopt;
}

const Object* Configuration::find(Id id) const
{
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : found->second.get();
}

const Object* Configuration::find(std::string_view type, std::string_view name) const
{
    const auto found = ids_.find(key_of(type, name));
    return found == ids_.end() ? nullptr : find(found->second);
}

ObjectPointer Configuration::share(Id id) const
{
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : found->second;
}

void Configuration::put(ObjectPointer object)
{
    const Id id = object->id;
    ObjectPointer& place = objects_[id];
    if (place) {
        // In the middle of a change its name may be another's already.
        const auto old = ids_.find(key_of(place->type, place->name));
        if (old != ids_.end() && old->second == id) ids_.erase(old);
    }
    ids_[key_of(object->type, object->name)] = id;
    place = std::move(object);
}

void Configuration::remove(Id id)
{
    const auto found = objects_.find(id);
    if (found == objects_.end()) return;
    const auto name = ids_.find(key_of(found->second->type, found->second->name));
    if (name != ids_.end() && name->second == id) ids_.erase(name);
    objects_.erase(found);
}

std::vector<const Object*> Configuration::of_type(std::string_view type) const
{
    std::vector<const Object*> found;
    const std::string prefix = key_of(type, "");
    for (auto at = ids_.lower_bound(prefix); at != ids_.end() && at->first.starts_with(prefix); ++at)
        found.push_back(find(at->second));
    return found;
}

std::vector<std::string> Configuration::names_of(std::string_view type) const
{
    std::vector<std::string> names;
    for (const Object* object : of_type(type)) names.push_back(object->name);
    return names;
}

void for_each_reference(std::string_view type, Json& attributes, const ReferenceVisitor& visit)
{
    const Schema* schema = schema_of(type);
    if (schema == nullptr) return;
    for (const Attribute& attribute : schema->attributes) {
        const auto found = attributes.find(attribute.name);
        if (found != attributes.end()) visit_value(attribute, "/" + attribute.name, *found, visit);
    }
}

void for_each_reference(
    const Object& object,
    const std::function<void(const std::string& pointer, Id id, const std::string& target)>& visit)
{
    // The visitor may not change it, so what is not const here is not changed either.
    Json& attributes = const_cast<Json&>(object.attributes);
    for_each_reference(object.type, attributes,
                       [&](const std::string& pointer, Json& id, const std::string& target) {
                           visit(pointer, id.get<Id>(), target);
                       });
}

}  // namespace belay::framework::configuration
