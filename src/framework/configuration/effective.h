#pragma once
// What counts in the end for an application: its own attributes, those that a backup has from its primary,
// and the options that its template has a standard value for.

#include "framework/configuration/object.h"

namespace belay::framework::configuration {

struct Partner {
    Id pair = 0;
    Id other = 0;            ///< the other application
    bool is_backup = false;  ///< this one is
};

/// The pairs of one configuration, which must outlive it unchanged.
class Pairs {
  public:
    explicit Pairs(const Configuration& configuration);
    /// Where several pairs claim an application, the one that was there first.
    std::optional<Partner> partner_of(Id application) const;

  private:
    std::map<Id, Partner> partners_;
};

/// The object as it takes effect; objects of other types as they are. Standard values of the schema are not
/// filled in: Object::value() gives them.
Object effective(const Configuration& configuration, const Pairs& pairs, const Object& object);
Object effective(const Configuration& configuration, const Object& object);

/// An option as its template declares it; null where it does not.
const Json* declared_option(const Configuration& configuration, const Object& application,
                            std::string_view section, std::string_view name);
/// When a change of that option is taken up.
Effect effect_of_option(const Json* declared);
/// Why a value is none for a declared option; nothing: it is one.
std::optional<std::string> complaint_about_option(const Json& declared, const Json& value);

}  // namespace belay::framework::configuration
