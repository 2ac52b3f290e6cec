#include "framework/configuration/attribute_changes.h"

#include "framework/configuration/seal.h"
#include "framework/configuration/toml_text.h"
#include "framework/configuration/value_reader.h"

namespace belay::framework::configuration {
namespace {

constexpr size_t most_shown = 200;

const Json* member(const Json* table, std::string_view name)
{
    if (table == nullptr || !table->is_object()) return nullptr;
    const auto found = table->find(name);
    return found == table->end() ? nullptr : &*found;
}

/// The names in both, sorted, each once.
std::set<std::string> names_in(const Json* one, const Json* other)
{
    std::set<std::string> names;
    for (const Json* table : {one, other}) {
        if (table == nullptr || !table->is_object()) continue;
        for (const auto& [name, value] : table->items()) names.insert(name);
    }
    return names;
}

class Comparison {
  public:
    Comparison(const Sides& sides, const Object* before, const Object& after)
        : sides_(sides), before_(before), after_(after)
    {
    }

    std::vector<AttributeChange> run()
    {
        if (before_ != nullptr && before_->disabled != after_.disabled)
            changes_.push_back(
                {"disabled", before_->disabled ? "true" : "false", after_.disabled ? "true" : "false"});
        for (const Attribute& attribute : schema_of(after_.type)->attributes)
            compare(attribute, attribute.name,
                    member(before_ == nullptr ? nullptr : &before_->attributes, attribute.name),
                    member(&after_.attributes, attribute.name));
        return std::move(changes_);
    }

  private:
    void compare(const Attribute& attribute, const std::string& path, const Json* before, const Json* after)
    {
        if (before == nullptr && after == nullptr) return;
        if (before != nullptr && after != nullptr && *before == *after) return;
        switch (attribute.kind) {
            case Kind::table:
                for (const Attribute& field : attribute.fields)
                    compare(field, fmt::format("{}.{}", path, field.name), member(before, field.name),
                            member(after, field.name));
                return;
            case Kind::named_texts:
                for (const std::string& name : names_in(before, after))
                    note(fmt::format("{}.{}", path, name), free_text(attribute, member(before, name)),
                         free_text(attribute, member(after, name)), attribute.effect,
                         same(member(before, name), member(after, name)));
                return;
            case Kind::sections:
                return compare_sections(path, before, after);
            case Kind::tables:
                if (!attribute.keys.empty()) return compare_tables(attribute, path, before, after);
                [[fallthrough]];
            default:
                note(path, text(attribute, sides_.before, before), text(attribute, sides_.after, after),
                     attribute.effect, false);
        }
    }

    void compare_sections(const std::string& path, const Json* before, const Json* after)
    {
        const Attribute free{.name = path, .meaning = ""};
        for (const std::string& section : names_in(before, after)) {
            const Json* left = member(before, section);
            const Json* right = member(after, section);
            for (const std::string& name : names_in(left, right)) {
                const Json* declared = declared_option(sides_.after, after_, section, name);
                note(fmt::format("{}.{}.{}", path, section, name), free_text(free, member(left, name)),
                     free_text(free, member(right, name)), effect_of_option(declared),
                     same(member(left, name), member(right, name)));
            }
        }
    }

    void compare_tables(const Attribute& attribute, const std::string& path, const Json* before,
                        const Json* after)
    {
        std::map<std::string, std::pair<const Json*, const Json*>> tables;
        if (before != nullptr) {
            for (const Json& table : *before) tables[key_of(attribute, sides_.before, table)].first = &table;
        }
        if (after != nullptr) {
            for (const Json& table : *after) tables[key_of(attribute, sides_.after, table)].second = &table;
        }
        const size_t already = changes_.size();
        for (const auto& [key, both] : tables) {
            const auto& [left, right] = both;
            const std::string at = fmt::format("{}[{}]", path, key);
            if (left == nullptr || right == nullptr) {
                const Attribute one{.name = attribute.name,
                                    .kind = Kind::table,
                                    .meaning = "",
                                    .effect = attribute.effect,
                                    .fields = attribute.fields};
                note(at, text(one, sides_.before, left), text(one, sides_.after, right), attribute.effect,
                     false);
                continue;
            }
            for (const Attribute& field : attribute.fields)
                compare(field, fmt::format("{}.{}", at, field.name), member(left, field.name),
                        member(right, field.name));
        }
        // The same tables in another order: what is first may count.
        if (changes_.size() == already)
            note(path, text(attribute, sides_.before, before), text(attribute, sides_.after, after),
                 attribute.effect, false);
    }

    static std::string key_of(const Attribute& attribute, const Configuration& configuration,
                              const Json& table)
    {
        std::string key;
        for (const std::string& name : attribute.keys) {
            const Json* value = member(&table, name);
            if (value == nullptr) continue;
            const Object* other = value->is_number_integer() ? configuration.find(value->get<Id>()) : nullptr;
            const std::string part = other != nullptr     ? other->name
                                     : value->is_string() ? value->get<std::string>()
                                                          : json_text(*value);
            key += (key.empty() ? "" : ".") + part;
        }
        return key;
    }

    static bool same(const Json* before, const Json* after)
    {
        if (before == nullptr || after == nullptr) return before == after;
        return *before == *after;
    }

    static std::string shortened(std::string text)
    {
        if (text.size() <= most_shown) return text;
        size_t end = most_shown;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        return text.substr(0, end) + "...";
    }

    static bool is_sealed(const Json& value)
    {
        return value.is_string() && value.get_ref<const std::string&>().starts_with(sealed_prefix);
    }

    static std::string text(const Attribute& attribute, const Configuration& configuration, const Json* value)
    {
        if (value == nullptr) return "";
        if (attribute.secret || is_sealed(*value)) return "(sealed)";
        return shortened(toml_value(configuration, attribute, *value));
    }

    static std::string free_text(const Attribute& attribute, const Json* value)
    {
        if (value == nullptr) return "";
        if (attribute.secret || is_sealed(*value)) return "(sealed)";
        return shortened(value->is_string() ? toml_string(value->get_ref<const std::string&>())
                                            : json_text(*value));
    }

    void note(const std::string& path, std::string before, std::string after, Effect effect, bool is_same)
    {
        if (!is_same) changes_.push_back({path, std::move(before), std::move(after), effect});
    }

    const Sides& sides_;
    const Object* before_;
    const Object& after_;
    std::vector<AttributeChange> changes_;
};

}  // namespace

std::vector<AttributeChange> attribute_changes(const Sides& sides, const Object* before, const Object& after)
{
    return Comparison(sides, before, after).run();
}

}  // namespace belay::framework::configuration
