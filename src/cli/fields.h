#pragma once
// Reading a view that a daemon sent. A field may be absent, or of another type than this face expects (a
// newer daemon): it then reads as empty, so that the rest is still shown.

#include "base/json.h"
#include "base/units.h"
#include "cli/style.h"

namespace belay::cli {

/// A field's text, fit for a terminal; a number or a bool as text too; "" for anything else.
std::string text_of(const Style& style, const Json& json, std::string_view field);
/// As it came, for what is compared and not shown.
std::string raw_text(const Json& json, std::string_view field);
/// 0 where there is no number.
int64_t number_of(const Json& json, std::string_view field);
bool flag_of(const Json& json, std::string_view field);
Milliseconds span_of(const Json& json, std::string_view field);
bool has(const Json& json, std::string_view field);

/// The field if it is an array, else an empty one; the same for objects.
const Json& list_of(const Json& json, std::string_view field);
const Json& object_of(const Json& json, std::string_view field);
/// The texts in a list, each fit for a terminal.
std::vector<std::string> texts_of(const Style& style, const Json& json, std::string_view field);

}  // namespace belay::cli
