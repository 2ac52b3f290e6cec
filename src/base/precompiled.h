#pragma once
// What nearly every file includes and what is slow to parse; compiled once for all rooms.
#include <chrono>
#include <cstdint>
#include <expected>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// Used nearly everywhere, and compiled once (precompiled_instances.cpp): a tenth of the time to compile.
extern template class nlohmann::basic_json<>;
extern template class std::vector<nlohmann::json>;
extern template class std::vector<std::string>;
extern template class std::map<std::string, nlohmann::json, nlohmann::json::default_object_comparator_t>;
