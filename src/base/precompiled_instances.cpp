// The members of what precompiled.h declares as instantiated elsewhere: here.

#include "base/precompiled.h"

template class nlohmann::basic_json<>;
template class std::vector<nlohmann::json>;
template class std::vector<std::string>;
template class std::map<std::string, nlohmann::json, nlohmann::json::default_object_comparator_t>;
