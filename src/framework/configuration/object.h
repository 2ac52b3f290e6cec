#pragma once
// The objects of a site, and the whole of them.

#include "base/json.h"
#include "framework/configuration/schema.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace belay::framework::configuration {

/// Of an object: given once by the site, from 1, and never to another. Below 0 in a change that is not made
/// yet: a new object, whose id is given when it is.
using Id = int64_t;
/// Counts the changes of a site's configuration without a hole; 0: there was none.
using Version = int64_t;

constexpr Id most_id = int64_t{1} << 53;  ///< what JSON's readers can still tell apart
constexpr size_t most_name_bytes = 200;
constexpr size_t most_object_bytes = 256 << 10;  ///< as JSON

/// One thing of a type. Its attributes fit the schema: whoever makes one holds it against fits().
struct Object {
    Id id = 0;
    std::string type;
    std::string name;
    bool disabled = false;
    Json attributes = Json::object();

    /// The attribute as it is kept, or its standard value; null where there is neither. Fields of a table by
    /// "limits.memory".
    Json value(std::string_view attribute) const;
    std::string text(std::string_view attribute) const;  ///< empty where it is not set

    bool operator==(const Object&) const = default;
};

/// `application "stat server"`.
std::string title_of(const Object& object);
std::string title_of(std::string_view type, std::string_view name);

/// Of a kept object: {"name", "disabled", "attributes"}.
Json body_of(const Object& object);
/// Errors: corrupt, version (a type or an attribute that this Belay does not know).
Result<Object> object_from(Id id, std::string_view type, const Json& body);
/// Whether names, kinds and ranges are those of the schema. Errors: version, corrupt.
Result<void> fits(const Object& object);

/// Whether this may be the name of an object; else what a name must be.
std::optional<std::string> complaint_about_name(std::string_view name);

using ObjectPointer = std::shared_ptr<const Object>;

/// All objects of a site. Copying it copies no object.
class Configuration {
  public:
    /// Null where there is none. The object lives as long as the configuration does not change.
    const Object* find(Id id) const;
    const Object* find(std::string_view type, std::string_view name) const;
    ObjectPointer share(Id id) const;

    void put(ObjectPointer object);
    void remove(Id id);

    const std::map<Id, ObjectPointer>& objects() const { return objects_; }
    /// By name.
    std::vector<const Object*> of_type(std::string_view type) const;
    std::vector<std::string> names_of(std::string_view type) const;
    size_t size() const { return objects_.size(); }

    /// The least id that was never given.
    Id next_id() const { return next_id_; }
    void set_next_id(Id id) { next_id_ = id; }

  private:
    std::map<Id, ObjectPointer> objects_;
    std::map<std::string, Id, std::less<>> ids_;  ///< by "TYPE/NAME"
    Id next_id_ = 1;
};

/// Called with where the reference stands ("/connections/0/to") and the type that it must lead to.
using ReferenceVisitor = std::function<void(const std::string& pointer, Json& id, const std::string& target)>;
/// Every reference in an object's attributes.
void for_each_reference(std::string_view type, Json& attributes, const ReferenceVisitor& visit);
void for_each_reference(
    const Object& object,
    const std::function<void(const std::string& pointer, Id id, const std::string& target)>& visit);

}  // namespace belay::framework::configuration
