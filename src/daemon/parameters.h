#pragma once
// The parameters of a request, read one by one. They come from anybody, so nothing about them is sure.

#include "base/json.h"
#include "base/units.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace belay::daemon {

/// Null counts as absent. Errors of all: usage, naming the parameter.
class Parameters {
  public:
    /// The reference must outlive it.
    explicit Parameters(const Json& json) : json_(json) {}

    Result<std::string> required_text(std::string_view name);
    Result<std::string> text(std::string_view name);  ///< empty where it is absent
    Result<bool> flag(std::string_view name, bool fallback);
    Result<uint64_t> count(std::string_view name, uint64_t fallback);
    /// Milliseconds, 0 to 10 years.
    Result<std::optional<Milliseconds>> span(std::string_view name);
    Result<std::vector<std::string>> texts(std::string_view name);
    Result<std::vector<uint64_t>> counts(std::string_view name);
    Result<std::map<std::string, std::string>> named_texts(std::string_view name);

    /// To be called last: there is no parameter that was not asked for.
    Result<void> no_other() const;

  private:
    const Json* find(std::string_view name);
    template <typename T>
    Result<std::optional<T>> read(std::string_view name, std::string_view wanted);

    const Json& json_;
    std::set<std::string, std::less<>> asked_for_;
};

}  // namespace belay::daemon
