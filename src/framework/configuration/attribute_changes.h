#pragma once
// How one object differs from what it was, attribute by attribute.

#include "framework/configuration/change.h"

namespace belay::framework::configuration {

/// The configurations that the two forms of an object belong to: for the names of others, and the options
/// that its template declares.
struct Sides {
    const Configuration& before;
    const Configuration& after;
};

/// `before` null: everything that is set. Fields, options and named texts one by one; the tables of a list
/// one by one where something tells them apart.
std::vector<AttributeChange> attribute_changes(const Sides& sides, const Object* before, const Object& after);

}  // namespace belay::framework::configuration
