#pragma once
// What an object's attributes become when a file says some of them.

#include "framework/configuration/object.h"
#include "framework/configuration/seal.h"

namespace belay::framework::configuration {

/// `said` over `kept`: fields of tables, named texts and options one by one, everything else as a whole.
Json merged(const Schema& schema, const Json& kept, const Json& said);

/// Takes out "limits", "limits.memory" or "options.log.level"; what is not there is no error.
void unset(Json& attributes, std::string_view path);

/// Takes out attributes and sections that hold nothing, which is as good as not to be set.
void without_nothing(Json& attributes);

/// Where a secret was sealed anew and is the same as before, it is left as it was sealed.
void keep_same_secrets(const Schema& schema, const Json& kept, Json& attributes, const KeyRing& keys);

/// Called with every sealed secret of an object, those of declared options too.
void for_each_secret(Json& attributes, const Schema& schema,
                     const std::function<void(std::string& sealed)>& visit);

}  // namespace belay::framework::configuration
