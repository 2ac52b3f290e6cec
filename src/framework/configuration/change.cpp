#include "framework/configuration/change.h"

#include "framework/configuration/attribute_changes.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

size_t rank_of(std::string_view type)
{
    const auto found = std::ranges::find(schemas(), type, &Schema::type);
    return static_cast<size_t>(found - schemas().begin());
}

std::string_view name_of(ObjectChange::What what)
{
    constexpr std::string_view names[] = {"created", "changed", "removed"};
    return names[static_cast<size_t>(what)];
}

ObjectChange change_of(const Sides& sides, const ObjectDelta& one)
{
    ObjectChange change{.what = !one.before  ? ObjectChange::What::created
                                : !one.after ? ObjectChange::What::removed
                                             : ObjectChange::What::changed,
                        .id = one.id(),
                        .type = one.object().type,
                        .name = one.object().name};
    if (one.before && one.after && one.before->name != one.after->name) change.name_before = one.before->name;
    if (one.after) change.attributes = attribute_changes(sides, one.before.get(), *one.after);
    return change;
}

/// What the change does to the applications that are there before and after it.
class Consequences {
  public:
    Consequences(const Configuration& before, const Configuration& after, const Delta& delta)
        : before_(before), after_(after), before_pairs_(before), after_pairs_(after), touched_(delta.ids())
    {
    }

    std::vector<Consequence> find()
    {
        for (const auto& [id, object] : after_.objects()) {
            const Object* old = object->type == "application" ? before_.find(id) : nullptr;
            if (old == nullptr || old->disabled || object->disabled) continue;
            if (is_concerned(*object)) look_at(*old, *object);
        }
        return std::move(found_);
    }

  private:
    bool touches(const Object& object, std::string_view attribute) const
    {
        const auto found = object.attributes.find(attribute);
        return found != object.attributes.end() && touched_.contains(found->get<Id>());
    }

    /// Whether something that it depends on is touched: only then is its effective form worked out.
    bool is_concerned(const Object& application) const
    {
        if (touched_.contains(application.id) || touches(application, "template")) return true;
        for (const Pairs* pairs : {&before_pairs_, &after_pairs_}) {
            const auto partner = pairs->partner_of(application.id);
            if (!partner) continue;
            const Object* primary = after_.find(partner->other);
            if (touched_.contains(partner->pair) || touched_.contains(partner->other)) return true;
            if (primary != nullptr && (touches(*primary, "template") || depends_on_moved(*primary)))
                return true;
        }
        return depends_on_moved(application);
    }

    bool depends_on_moved(const Object& application) const
    {
        const auto connections = application.attributes.find("connections");
        if (connections == application.attributes.end()) return false;
        return std::ranges::any_of(*connections,
                                   [&](const Json& one) { return has_moved(one.at("to").get<Id>()); });
    }

    /// Whether an application is reached elsewhere than before: by host, its address, or a port.
    bool has_moved(Id id) const
    {
        const Object* old = before_.find(id);
        const Object* now = after_.find(id);
        if (old == nullptr || now == nullptr) return false;
        const Json host = now->value("host");
        const bool host_moved = host.is_number() && touched_.contains(host.get<Id>());
        if (!touched_.contains(id) && !host_moved) return false;
        return old->value("ports") != now->value("ports") || old->value("host") != host ||
               address_of(before_, *old) != address_of(after_, *now);
    }

    static std::string address_of(const Configuration& configuration, const Object& application)
    {
        const Json host = application.value("host");
        const Object* found = host.is_number() ? configuration.find(host.get<Id>()) : nullptr;
        return found == nullptr ? "" : found->text("address");
    }

    void look_at(const Object& old, const Object& now)
    {
        const Object was = effective(before_, before_pairs_, old);
        const Object is = effective(after_, after_pairs_, now);
        Effect effect = Effect::at_once;
        std::string why;
        for (const AttributeChange& change : attribute_changes({before_, after_}, &was, is)) {
            if (change.effect <= effect) continue;
            effect = change.effect;
            why = change.path;
        }
        if (effect == Effect::at_once) {
            const auto connections = is.attributes.find("connections");
            if (connections == is.attributes.end()) return;
            for (const Json& one : *connections) {
                const Id to = one.at("to").get<Id>();
                if (!has_moved(to)) continue;
                effect = Effect::on_reconnect;
                why = fmt::format("{} is reached elsewhere", title_of(*after_.find(to)));
            }
        }
        if (effect != Effect::at_once) found_.push_back({now.name, effect, why});
    }

    const Configuration& before_;
    const Configuration& after_;
    const Pairs before_pairs_, after_pairs_;
    const std::set<Id> touched_;
    std::vector<Consequence> found_;
};

}  // namespace

Change describe(const Configuration& before, const Delta& delta)
{
    Configuration after = before;
    apply(after, delta);
    Change change;
    for (const ObjectDelta& one : delta.objects) change.objects.push_back(change_of({before, after}, one));
    std::ranges::stable_sort(change.objects, [](const ObjectChange& left, const ObjectChange& right) {
        return std::tuple(rank_of(left.type), left.name) < std::tuple(rank_of(right.type), right.name);
    });
    change.consequences = Consequences(before, after, delta).find();
    std::ranges::stable_sort(change.consequences, [](const Consequence& left, const Consequence& right) {
        return std::tuple(right.effect, left.application) < std::tuple(left.effect, right.application);
    });
    return change;
}

void to_json(Json& json, const Change& change)
{
    Json objects = Json::array();
    for (const ObjectChange& object : change.objects) {
        Json attributes = Json::array();
        for (const AttributeChange& one : object.attributes)
            attributes.push_back({{"attribute", one.path},
                                  {"before", one.before.empty() ? Json(nullptr) : Json(one.before)},
                                  {"after", one.after.empty() ? Json(nullptr) : Json(one.after)},
                                  {"effect", configuration::name_of(one.effect)}});
        Json written = {{"what", name_of(object.what)},
                        {"type", object.type},
                        {"name", object.name},
                        {"id", object.id > 0 ? Json(object.id) : Json(nullptr)},
                        {"attributes", std::move(attributes)}};
        if (!object.name_before.empty()) written["name_before"] = object.name_before;
        objects.push_back(std::move(written));
    }
    Json consequences = Json::array();
    for (const Consequence& one : change.consequences)
        consequences.push_back({{"application", one.application},
                                {"effect", configuration::name_of(one.effect)},
                                {"why", one.why}});
    json = {{"objects", std::move(objects)}, {"consequences", std::move(consequences)}};
}

std::vector<std::string> change_lines(const Change& change, size_t most)
{
    std::vector<std::string> lines;
    for (const ObjectChange& object : change.objects) {
        const std::string renamed =
            object.name_before.empty() ? "" : fmt::format(", which was \"{}\"", object.name_before);
        constexpr std::string_view signs[] = {"+", "~", "-"};
        lines.push_back(fmt::format("{} {}{}", signs[static_cast<size_t>(object.what)],
                                    title_of(object.type, object.name), renamed));
        for (const AttributeChange& one : object.attributes) {
            if (object.what == ObjectChange::What::created)
                lines.push_back(fmt::format("    {}: {}", one.path, one.after));
            else
                lines.push_back(fmt::format(
                    "    {}: {} -> {} ({})", one.path, one.before.empty() ? "not set" : one.before,
                    one.after.empty() ? "not set" : one.after, configuration::name_of(one.effect)));
        }
    }
    for (const Consequence& one : change.consequences)
        lines.push_back(fmt::format("! {} {}: {}", title_of("application", one.application),
                                    one.effect == Effect::after_restart ? "has to restart" : "reconnects",
                                    one.why));
    if (lines.size() > most) {
        const size_t more = lines.size() - most + 1;
        lines.resize(most - 1);
        lines.push_back(fmt::format("and {} lines more", more));
    }
    return lines;
}

std::string summary_of(const Delta& delta)
{
    size_t created = 0, changed = 0, removed = 0;
    for (const ObjectDelta& one : delta.objects) ++(!one.before ? created : !one.after ? removed : changed);
    std::vector<std::string> parts;
    if (created > 0) parts.push_back(fmt::format("{} created", created));
    if (changed > 0) parts.push_back(fmt::format("{} changed", changed));
    if (removed > 0) parts.push_back(fmt::format("{} removed", removed));
    return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace belay::framework::configuration
