#include "framework/configuration/import.h"

#include "base/closest.h"
#include "base/wipe.h"
#include "framework/configuration/checks.h"
#include "framework/configuration/merge.h"
#include "framework/configuration/value_reader.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

class Import {
  public:
    Import(const Configuration& current, Mode mode, const KeyRing* keys, std::vector<Problem>& problems)
        : current_(current), wanted_(current), mode_(mode), keys_(keys), problems_(problems)
    {
    }

    /// Goes on behind an error as far as there is sense in it: all of them are said at once.
    void run(Draft& draft)
    {
        for (DraftObject& object : draft.objects) identify(object);
        if (mode_ == Mode::whole) {
            for (const auto& [id, object] : current_.objects()) {
                if (!drafts_.contains(id)) wanted_.remove(id);
            }
        }
        for (const auto& [id, draft_object] : drafts_) {
            if (draft_object->remove) wanted_.remove(id);
        }
        for (const auto& [id, draft_object] : drafts_) {
            if (!draft_object->remove) name(id, *draft_object);
        }
        for (const auto& [id, draft_object] : drafts_) {
            if (!draft_object->remove) put(id, *draft_object);
        }
        settle_secrets();
    }

    /// The rules of the whole, each complaint at its place in the file.
    void check_whole()
    {
        std::set<Id> touched;
        for (const ObjectDelta& one : difference(current_, wanted_).objects) touched.insert(one.id());
        for (const auto& [id, object] : drafts_) touched.insert(id);
        for (const Complaint& complaint : check(wanted_, &touched)) {
            const auto draft = drafts_.find(complaint.id);
            const bool given_and_wrong = complaint.missing && draft != drafts_.end() &&
                                         draft->second->places.contains(complaint.pointer);
            if (!given_and_wrong) problems_.push_back({place_of(complaint), complaint.error, complaint.what});
        }
    }

    Configuration take_wanted() { return std::move(wanted_); }

  private:
    void error(Place place, std::string what) { problems_.push_back({place, true, std::move(what)}); }

    /// Which object of the site is meant: by id, else by name; else it is a new one.
    void identify(DraftObject& draft)
    {
        const Object* found = nullptr;
        Id id = 0;
        if (draft.id) {
            found = current_.find(*draft.id);
            id = *draft.id;
            if (found != nullptr && found->type != draft.type)
                return error(draft.place, fmt::format("the id {} is that of {}", id, title_of(*found)));
            if (found == nullptr && id < current_.next_id())
                return error(draft.place,
                             fmt::format("the id {} was given to an object that is gone, and is given to no "
                                         "other: leave it out, and a new one is given",
                                         id));
        } else {
            found = current_.find(draft.type, draft.name);
            id = found != nullptr ? found->id : --last_new_;
        }
        if (draft.remove && found == nullptr)
            return error(draft.place, fmt::format("{} cannot be removed, for it is not there{}",
                                                  title_of(draft.type, draft.name),
                                                  did_you_mean(draft.name, current_.names_of(draft.type))));
        if (!drafts_.emplace(id, &draft).second)
            error(draft.place,
                  fmt::format("{} is {} once more, which stands in line {}", title_of(draft.type, draft.name),
                              title_of(drafts_.at(id)->type, drafts_.at(id)->name),
                              drafts_.at(id)->place.line));
    }

    /// Gives it its name, so that others can refer to it; its attributes come later.
    void name(Id id, const DraftObject& draft)
    {
        const Object* old = current_.find(id);
        Object object{.id = id, .type = draft.type, .name = draft.name};
        if (old != nullptr) object = *old;
        object.name = draft.name;
        const auto [first, fresh] = named_.try_emplace({draft.type, draft.name}, id);
        const Object* other = wanted_.find(draft.type, draft.name);
        const bool taken = other != nullptr && other->id != id && !drafts_.contains(other->id);
        if (!fresh || taken)
            return error(draft.place,
                         fmt::format("there are two objects {}, of the ids {} and {}: a name is given once",
                                     title_of(draft.type, draft.name), shown_id(id),
                                     shown_id(fresh ? other->id : first->second)));
        wanted_.put(std::make_shared<const Object>(std::move(object)));
    }

    static std::string shown_id(Id id) { return id < 0 ? std::string("(new)") : fmt::format("{}", id); }

    void resolve(DraftObject& draft)
    {
        for (const DraftReference& reference : draft.references) {
            const Object* other = wanted_.find(reference.target, reference.name);
            if (other != nullptr) {
                draft.attributes[Json::json_pointer(reference.pointer)] = other->id;
                continue;
            }
            // Of what was removed by this very file no other is suggested.
            error(reference.place,
                  fmt::format("there is no {}{}", title_of(reference.target, shown(reference.name)),
                              did_you_mean(reference.name, wanted_.names_of(reference.target))));
        }
    }

    void put(Id id, DraftObject& draft)
    {
        resolve(draft);
        const Object* named = wanted_.find(id);
        if (named == nullptr || named->name != draft.name) return;
        const Object* old = current_.find(id);
        Object object{.id = id, .type = draft.type, .name = draft.name};
        if (old != nullptr && mode_ == Mode::merge) object.disabled = old->disabled;
        if (draft.disabled) object.disabled = *draft.disabled;
        const bool merges = old != nullptr && mode_ == Mode::merge;
        object.attributes =
            merges ? merged(*schema_of(draft.type), old->attributes, draft.attributes) : draft.attributes;
        for (const DraftUnset& unset : draft.unset) configuration::unset(object.attributes, unset.path);
        without_nothing(object.attributes);
        if (operation::runbook::any_error(problems_)) leave_out_what_is_wrong(object);
        wanted_.put(std::make_shared<const Object>(std::move(object)));
    }

    /// The problem is told already; what is right is still held against the rules of the whole.
    static void leave_out_what_is_wrong(Object& object)
    {
        Json right = Json::object();
        for (const auto& [name, value] : object.attributes.items()) {
            const Object alone{
                .id = object.id, .type = object.type, .name = "a name", .attributes = {{name, value}}};
            if (fits(alone)) right[name] = value;
        }
        object.attributes = std::move(right);
    }

    /// Options that a template declares secret are sealed, and what is the same as before stays as it is.
    void settle_secrets()
    {
        std::vector<ObjectPointer> settled;
        for (const auto& [id, object] : wanted_.objects()) {
            const bool is_said = drafts_.contains(id);
            const auto used = object->type == "application" ? object->attributes.find("template")
                                                            : object->attributes.end();
            const bool is_concerned = used != object->attributes.end() && drafts_.contains(used->get<Id>());
            if (!is_said && !is_concerned) continue;
            Object fresh = *object;
            seal_options(fresh);
            const Object* old = current_.find(id);
            if (old != nullptr && keys_ != nullptr)
                keep_same_secrets(*schema_of(fresh.type), old->attributes, fresh.attributes, *keys_);
            if (fresh != *object) settled.push_back(std::make_shared<const Object>(std::move(fresh)));
        }
        for (ObjectPointer& object : settled) wanted_.put(std::move(object));
    }

    void seal_options(Object& object)
    {
        const auto options = object.attributes.find("options");
        if (options == object.attributes.end() || object.type != "application") return;
        for (auto& [section, values] : options->items()) {
            for (auto& [name, value] : values.items()) {
                const Json* declared = declared_option(wanted_, object, section, name);
                if (declared == nullptr || !declared->value("secret", false)) continue;
                std::string plain = value.is_string() ? value.get<std::string>() : json_text(value);
                if (!plain.starts_with(sealed_prefix))
                    value = keys_ != nullptr ? keys_->seal(plain) : "sealed:";
                wipe(plain);
            }
        }
    }

    Place place_of(const Complaint& complaint) const
    {
        for (const Id id : {complaint.id, complaint.other}) {
            const auto draft = drafts_.find(id);
            if (draft == drafts_.end()) continue;
            if (id != complaint.id) return draft->second->place;
            // The value itself, or what it stands in.
            for (std::string pointer = complaint.pointer; !pointer.empty();
                 pointer.resize(pointer.rfind('/'))) {
                const auto place = draft->second->places.find(pointer);
                if (place != draft->second->places.end()) return place->second;
            }
            return draft->second->place;
        }
        return {};
    }

    const Configuration& current_;
    Configuration wanted_;
    const Mode mode_;
    const KeyRing* keys_;
    std::vector<Problem>& problems_;
    std::map<Id, DraftObject*> drafts_;
    std::map<std::pair<std::string, std::string>, Id> named_;  ///< by the file
    Id last_new_ = 0;
};

}  // namespace

std::string_view name_of(Mode mode)
{
    constexpr std::string_view names[] = {"merge", "objects", "whole"};
    return names[static_cast<size_t>(mode)];
}

Result<Mode> mode_named(std::string_view name)
{
    for (const Mode mode : {Mode::merge, Mode::objects, Mode::whole}) {
        if (name_of(mode) == name) return mode;
    }
    return fail(ErrorKind::usage,
                fmt::format("a file is imported as merge, objects or whole, not as \"{}\"", name));
}

Imported import_text(std::string_view text, const Configuration& current, Mode mode, const KeyRing* keys)
{
    Imported imported;
    Draft draft = read_draft(text, keys, imported.problems);
    Import import(current, mode, keys, imported.problems);
    if (draft.objects.empty() && imported.problems.empty() && mode == Mode::whole && current.size() > 0)
        imported.problems.push_back({{},
                                     true,
                                     fmt::format("the file names no object, and as the whole it would remove "
                                                 "all {} that there are",
                                                 current.size())});
    // Where it is no TOML, nothing more can be said.
    if (!draft.objects.empty()) {
        import.run(draft);
        import.check_whole();
    }
    imported.wanted = import.take_wanted();
    if (!operation::runbook::any_error(imported.problems))
        imported.delta = difference(current, imported.wanted);
    std::ranges::stable_sort(imported.problems, {}, &Problem::place);
    return imported;
}

std::string problems_text(const std::vector<Problem>& problems, std::string_view file)
{
    std::string lines;
    for (const Problem& problem : problems) lines += operation::runbook::to_text(problem, file) + '\n';
    return lines;
}

}  // namespace belay::framework::configuration
