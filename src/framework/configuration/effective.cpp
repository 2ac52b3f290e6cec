#include "framework/configuration/effective.h"

#include "base/units.h"

#include <algorithm>
#include <charconv>

namespace belay::framework::configuration {
namespace {

const Object* template_of(const Configuration& configuration, const Object& application)
{
    const auto found = application.attributes.find("template");
    return found == application.attributes.end() ? nullptr : configuration.find(found->get<Id>());
}

const Json* declarations_of(const Object* application_template)
{
    if (application_template == nullptr) return nullptr;
    const auto found = application_template->attributes.find("options");
    return found == application_template->attributes.end() ? nullptr : &*found;
}

/// Less for what was there earlier: new objects have no id yet, and count down from -1.
Id age_of(Id id)
{
    return id > 0 ? id : most_id - id;
}

void take_mirrored(Object& backup, const Object& primary)
{
    for (const Attribute& attribute : schema_of("application")->attributes) {
        if (!attribute.mirrored) continue;
        const auto found = primary.attributes.find(attribute.name);
        if (found == primary.attributes.end())
            backup.attributes.erase(attribute.name);
        else
            backup.attributes[attribute.name] = *found;
    }
}

void fill_options(Object& application, const Json& declarations)
{
    for (const Json& declared : declarations) {
        const auto standard = declared.find("standard");
        if (standard == declared.end()) continue;
        Json& section =
            application.attributes["options"][declared.at("section").get_ref<const std::string&>()];
        const auto& name = declared.at("name").get_ref<const std::string&>();
        if (!section.contains(name)) section[name] = *standard;
    }
}

std::optional<int64_t> number_in(const Json& value)
{
    if (value.is_number_integer()) return value.get<int64_t>();
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    int64_t number = 0;
    const char* begin = text.data();
    const auto read = std::from_chars(begin, begin + text.size(), number);
    if (read.ec != std::errc() || read.ptr != begin + text.size()) return std::nullopt;
    return number;
}

std::optional<std::string> complaint_about_number(const Json& declared, const Json& value)
{
    const auto number = number_in(value);
    if (!number) return "and a whole number is wanted";
    if (declared.contains("least") && *number < declared.at("least").get<int64_t>())
        return fmt::format("and {} is the least", declared.at("least").get<int64_t>());
    if (declared.contains("most") && *number > declared.at("most").get<int64_t>())
        return fmt::format("and {} is the most", declared.at("most").get<int64_t>());
    return std::nullopt;
}

}  // namespace

Pairs::Pairs(const Configuration& configuration)
{
    for (const Object* pair : configuration.of_type("pair")) {
        const auto primary = pair->attributes.find("primary");
        const auto backup = pair->attributes.find("backup");
        if (pair->disabled || primary == pair->attributes.end() || backup == pair->attributes.end()) continue;
        const auto note = [&](Id application, Id other, bool is_backup) {
            const auto [at, fresh] = partners_.try_emplace(application, Partner{pair->id, other, is_backup});
            if (!fresh && age_of(pair->id) < age_of(at->second.pair))
                at->second = {pair->id, other, is_backup};
        };
        note(primary->get<Id>(), backup->get<Id>(), false);
        note(backup->get<Id>(), primary->get<Id>(), true);
    }
}

std::optional<Partner> Pairs::partner_of(Id application) const
{
    const auto found = partners_.find(application);
    return found == partners_.end() ? std::nullopt : std::optional(found->second);
}

Object effective(const Configuration& configuration, const Pairs& pairs, const Object& object)
{
    Object result = object;
    if (object.type != "application") return result;
    const auto partner = pairs.partner_of(object.id);
    const Object* primary = partner && partner->is_backup ? configuration.find(partner->other) : nullptr;
    if (primary != nullptr && primary->id != object.id) take_mirrored(result, *primary);
    if (const Json* declarations = declarations_of(template_of(configuration, result)))
        fill_options(result, *declarations);
    return result;
}

Object effective(const Configuration& configuration, const Object& object)
{
    return effective(configuration, Pairs(configuration), object);
}

const Json* declared_option(const Configuration& configuration, const Object& application,
                            std::string_view section, std::string_view name)
{
    const Json* declarations = declarations_of(template_of(configuration, application));
    if (declarations == nullptr) return nullptr;
    const auto found = std::ranges::find_if(*declarations, [&](const Json& declared) {
        return declared.at("section").get_ref<const std::string&>() == section &&
               declared.at("name").get_ref<const std::string&>() == name;
    });
    return found == declarations->end() ? nullptr : &*found;
}

Effect effect_of_option(const Json* declared)
{
    const std::string effect = declared == nullptr ? "" : declared->value("effect", "");
    for (const Effect one : {Effect::at_once, Effect::on_reconnect}) {
        if (effect == name_of(one)) return one;
    }
    return Effect::after_restart;
}

std::optional<std::string> complaint_about_option(const Json& declared, const Json& value)
{
    const std::string kind = declared.value("kind", "text");
    if (kind == "number") return complaint_about_number(declared, value);
    if (kind == "flag") {
        const bool is_flag = value.is_boolean() || value == "true" || value == "false";
        return is_flag ? std::nullopt : std::optional<std::string>("and true or false is wanted");
    }
    if (!value.is_string()) return "and a text is wanted: put it in quotes";
    const auto& text = value.get_ref<const std::string&>();
    if (kind == "duration" && !parse_span(text)) return "and a length of time is wanted: write \"30s\"";
    if (kind == "size" && !parse_bytes(text)) return "and a size is wanted: write \"512MiB\"";
    if (kind != "choice") return std::nullopt;
    const Json choices = declared.value("choices", Json::array());
    if (std::ranges::find(choices, value) != choices.end()) return std::nullopt;
    std::vector<std::string> names;
    for (const Json& choice : choices) names.push_back(choice.get<std::string>());
    return fmt::format("and one of {} is wanted", fmt::join(names, ", "));
}

}  // namespace belay::framework::configuration
