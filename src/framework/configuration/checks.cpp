#include "framework/configuration/checks.h"

#include "framework/configuration/checks_parts.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

bool is_needed(const Attribute& attribute, const Object& object)
{
    if (attribute.required) return true;
    if (attribute.needed_when.empty()) return false;
    if (attribute.needed_when.starts_with('!'))
        return !object.attributes.contains(attribute.needed_when.substr(1));
    const size_t equals = attribute.needed_when.find('=');
    return object.text(attribute.needed_when.substr(0, equals)) == attribute.needed_when.substr(equals + 1);
}

void check_object(const Round& round, const Object& object)
{
    for (const Attribute& attribute : schema_of(object.type)->attributes) {
        if (!object.attributes.contains(attribute.name) && is_needed(attribute, object))
            round.complaints.push_back({.id = object.id,
                                        .pointer = "/" + attribute.name,
                                        .what = fmt::format("{} needs \"{}\": {}", title_of(object),
                                                            attribute.name, attribute.meaning),
                                        .missing = true});
    }
    if (json_text(object.attributes).size() > most_object_bytes)
        round.error(object, "",
                    fmt::format("{} is larger than {} KiB: keep long texts in files", title_of(object),
                                most_object_bytes >> 10));
}

void check_references(const Round& round, const Object& object)
{
    std::map<std::string, std::set<Id>> keyed;
    for_each_reference(object, [&](const std::string& pointer, Id id, const std::string& target) {
        const Object* other = round.configuration.find(id);
        if (!round.is_touched(object.id) && !round.is_touched(id)) return;
        if (other == nullptr || other->type != target)
            return round.error(
                object, pointer,
                fmt::format("{} refers to the {} {}, which is not there", title_of(object), target, id), id);
        const bool self = id == object.id;
        if (self) round.error(object, pointer, fmt::format("{} refers to itself", title_of(object)));
        // The same application twice in a list whose tables are told apart by it.
        const size_t last = pointer.rfind('/');
        const std::string list = pointer.substr(1, pointer.find('/', 1) - 1);
        const Attribute* attribute = schema_of(object.type)->attribute(list);
        const bool is_key =
            attribute->keys.size() == 1 && attribute->keys.front() == pointer.substr(last + 1);
        if (is_key && !keyed[list].insert(id).second)
            round.error(object, pointer,
                        fmt::format("{} has {} twice in \"{}\"", title_of(object), title_of(*other), list));
    });
}

}  // namespace

void check_objects(const Round& round)
{
    // Only where something has gone can an object that was not touched refer to nothing.
    const bool something_gone = round.touched != nullptr && std::ranges::any_of(*round.touched, [&](Id id) {
                                    return round.configuration.find(id) == nullptr;
                                });
    const auto look_at = [&](const Object& object) {
        if (round.is_touched(object.id)) check_object(round, object);
        check_references(round, object);
    };
    if (round.touched == nullptr || something_gone) {
        for (const auto& [id, object] : round.configuration.objects()) look_at(*object);
        return;
    }
    for (const Id id : *round.touched) {
        if (const Object* object = round.configuration.find(id)) look_at(*object);
    }
}

void check_options(const Round& round)
{
    const auto look_at = [&](const Object& application) {
        const auto options = application.attributes.find("options");
        const auto used = application.attributes.find("template");
        const bool concerned = used != application.attributes.end() &&
                               options != application.attributes.end() &&
                               (round.is_touched(application.id) || round.is_touched(used->get<Id>()));
        if (!concerned) return;
        for (const auto& [section, values] : options->items()) {
            for (const auto& [name, value] : values.items()) {
                const Json* declared = declared_option(round.configuration, application, section, name);
                if (declared == nullptr || declared->value("secret", false)) continue;
                if (const auto complaint = complaint_about_option(*declared, value))
                    round.error(application, fmt::format("/options/{}/{}", section, name),
                                fmt::format("the option {}.{} of {} is {}, {}", section, name,
                                            title_of(application), json_text(value), *complaint),
                                used->get<Id>());
            }
        }
    };
    const bool only_some = round.touched != nullptr && std::ranges::none_of(*round.touched, [&](Id id) {
                               const Object* object = round.configuration.find(id);
                               return object != nullptr && object->type == "template";
                           });
    if (!only_some) {
        for (const Object* application : round.configuration.of_type("application")) look_at(*application);
        return;
    }
    for (const Id id : *round.touched) {
        const Object* object = round.configuration.find(id);
        if (object != nullptr && object->type == "application") look_at(*object);
    }
}

std::vector<Complaint> check(const Configuration& configuration, const std::set<Id>* touched)
{
    std::vector<Complaint> complaints;
    const Pairs pairs(configuration);
    const Round round{configuration, pairs, touched, complaints};
    check_objects(round);
    check_options(round);
    check_ports(round);
    check_pairs(round);
    check_prerequisites(round);
    check_alarms(round);
    check_reactions(round);
    check_outputs(round);
    return complaints;
}

bool any_error(const std::vector<Complaint>& complaints)
{
    return std::ranges::any_of(complaints, &Complaint::error);
}

}  // namespace belay::framework::configuration
