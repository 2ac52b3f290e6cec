#include "framework/configuration/draft.h"

#include "base/closest.h"
#include "base/wipe.h"
#include "framework/configuration/value_reader.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

/// One [TYPE.NAME] of the file.
class ObjectReader {
  public:
    ObjectReader(const Schema& schema, const Entry& entry, const KeyRing* keys,
                 std::vector<Problem>& problems)
        : schema_(schema),
          node_(entry.value),
          object_{.type = schema.type, .name = entry.key, .place = entry.place},
          values_(object_, keys, problems)
    {
    }

    DraftObject read()
    {
        if (const auto complaint = complaint_about_name(object_.name))
            values_.error(object_.place, *complaint);
        for (const Entry& entry : node_.entries) {
            if (!read_reserved(entry)) read_attribute(entry);
        }
        return std::move(object_);
    }

  private:
    bool read_reserved(const Entry& entry)
    {
        const Node& value = entry.value;
        const auto is = [&](Node::Kind kind, std::string_view example) {
            if (value.kind == kind) return true;
            values_.error(value.place, fmt::format("\"{}\" is {} here, and {} is wanted: write {}", entry.key,
                                                   operation::runbook::name_of(value.kind),
                                                   operation::runbook::name_of(kind), example));
            return false;
        };
        if (entry.key == "id") {
            if (is(Node::Kind::integer, "the number of the object, or leave it out")) read_id(value);
        } else if (entry.key == "disabled") {
            if (is(Node::Kind::boolean, "true or false")) object_.disabled = value.integer != 0;
        } else if (entry.key == "remove") {
            if (is(Node::Kind::boolean, "true")) object_.remove = value.integer != 0;
        } else if (entry.key == "unset") {
            if (is(Node::Kind::list, "[\"limits\", \"options.log.level\"]")) read_unset(value);
        } else {
            return false;
        }
        return true;
    }

    void read_id(const Node& value)
    {
        if (value.integer >= 1 && value.integer <= most_id)
            object_.id = value.integer;
        else
            values_.error(value.place, fmt::format("an id is a number from 1 on, not {}", value.integer));
    }

    void read_unset(const Node& value)
    {
        for (const Node& item : value.items) {
            const std::string path = item.text.substr(0, item.text.find('.'));
            if (item.kind == Node::Kind::text && schema_.attribute(path) != nullptr)
                object_.unset.push_back({item.text, item.place});
            else
                values_.error(item.place,
                              fmt::format("\"unset\" has {}, which is no attribute of {}{}",
                                          item.kind == Node::Kind::text
                                              ? "\"" + shown(item.text) + "\""
                                              : std::string(operation::runbook::name_of(item.kind)),
                                          schema_.type, did_you_mean(path, names())));
        }
    }

    void read_attribute(const Entry& entry)
    {
        const Attribute* attribute = schema_.attribute(entry.key);
        if (attribute == nullptr) {
            values_.error(entry.place, fmt::format("{} has no attribute \"{}\"{}", schema_.type,
                                                   shown(entry.key), did_you_mean(entry.key, names())));
            return;
        }
        if (auto value = values_.read(*attribute, entry.value, "/" + entry.key))
            object_.attributes[entry.key] = *std::move(value);
    }

    std::vector<std::string> names() const
    {
        std::vector<std::string> names = reserved_names();
        for (const Attribute& attribute : schema_.attributes) names.push_back(attribute.name);
        return names;
    }

    const Schema& schema_;
    const Node& node_;
    DraftObject object_;
    ValueReader values_;
};

void read_type(const Entry& type, const KeyRing* keys, Draft& draft, std::vector<Problem>& problems)
{
    const Schema* schema = schema_of(type.key);
    const auto error = [&](Place place, std::string what) {
        problems.push_back({place, true, std::move(what)});
    };
    if (schema == nullptr)
        return error(type.place,
                     fmt::format("there is no type \"{}\"{}; the types are {}", shown(type.key),
                                 did_you_mean(type.key, type_names()), fmt::join(type_names(), ", ")));
    if (type.value.kind != Node::Kind::table)
        return error(type.value.place,
                     fmt::format("\"{}\" is {} here: write [{}.\"NAME\"] on a line of its own, and "
                                 "its attributes below",
                                 type.key, operation::runbook::name_of(type.value.kind), type.key));
    for (const Entry& entry : type.value.entries) {
        if (entry.value.kind == Node::Kind::table)
            draft.objects.push_back(ObjectReader(*schema, entry, keys, problems).read());
        else
            error(entry.place,
                  fmt::format("\"{}.{}\" is {} here: write [{}.\"NAME\"] on a line of its own, and its "
                              "attributes below",
                              type.key, shown(entry.key), operation::runbook::name_of(entry.value.kind),
                              type.key));
    }
}

/// The copies of secrets that the tree holds.
void wipe_texts(Node& node)
{
    wipe(node.text);
    for (Node& item : node.items) wipe_texts(item);
    for (Entry& entry : node.entries) wipe_texts(entry.value);
}

}  // namespace

const std::vector<std::string>& reserved_names()
{
    static const std::vector<std::string> names = {"id", "disabled", "remove", "unset"};
    return names;
}

Draft read_draft(std::string_view text, const KeyRing* keys, std::vector<Problem>& problems)
{
    Draft draft;
    if (text.size() > most_file_bytes) {
        problems.push_back({{},
                            true,
                            fmt::format("the file has {} MiB, and {} MiB is the most: import it in parts",
                                        text.size() >> 20, most_file_bytes >> 20)});
        return draft;
    }
    auto tree = operation::runbook::read_document(text, problems);
    if (!tree) return draft;
    for (const Entry& type : tree->entries) read_type(type, keys, draft, problems);
    std::ranges::stable_sort(draft.objects, {}, &DraftObject::place);
    wipe_texts(*tree);
    return draft;
}

}  // namespace belay::framework::configuration
