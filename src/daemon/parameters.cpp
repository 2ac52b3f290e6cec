#include "daemon/parameters.h"

namespace belay::daemon {
namespace {

constexpr Milliseconds longest_span = std::chrono::hours(24 * 3653);

std::unexpected<Error> wrong(std::string_view name, std::string_view wanted)
{
    return fail(ErrorKind::usage, fmt::format("the parameter {} is not {}", name, wanted));
}

}  // namespace

const Json* Parameters::find(std::string_view name)
{
    asked_for_.emplace(name);
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
}

template <typename T>
Result<std::optional<T>> Parameters::read(std::string_view name, std::string_view wanted)
{
    const Json* json = find(name);
    if (json == nullptr) return std::optional<T>();
    Result<T> value = from_json_value<T>(*json);
    if (!value) return wrong(name, wanted);
    return std::optional<T>(std::move(*value));
}

Result<std::string> Parameters::required_text(std::string_view name)
{
    std::string value = TRY(text(name));
    if (value.empty()) return fail(ErrorKind::usage, fmt::format("the parameter {} is missing", name));
    return value;
}

Result<std::string> Parameters::text(std::string_view name)
{
    return TRY(read<std::string>(name, "a text")).value_or("");
}

Result<bool> Parameters::flag(std::string_view name, bool fallback)
{
    return TRY(read<bool>(name, "true or false")).value_or(fallback);
}

Result<uint64_t> Parameters::count(std::string_view name, uint64_t fallback)
{
    const Json* json = find(name);
    if (json == nullptr) return fallback;
    if (!json->is_number_unsigned()) return wrong(name, "a number of at least 0");
    return json->get<uint64_t>();
}

Result<std::optional<Milliseconds>> Parameters::span(std::string_view name)
{
    const Json* json = find(name);
    if (json == nullptr) return std::optional<Milliseconds>();
    constexpr auto most = static_cast<uint64_t>(longest_span.count());
    if (!json->is_number_unsigned() || json->get<uint64_t>() > most)
        return wrong(name, "a number of milliseconds, of 10 years at most");
    return std::optional(Milliseconds{json->get<int64_t>()});
}

Result<std::vector<uint64_t>> Parameters::counts(std::string_view name)
{
    const Json* json = find(name);
    if (json == nullptr) return std::vector<uint64_t>();
    if (!json->is_array()) return wrong(name, "a list of numbers");
    std::vector<uint64_t> counts;
    for (const Json& one : *json) {
        if (!one.is_number_unsigned()) return wrong(name, "a list of numbers of at least 0");
        counts.push_back(one.get<uint64_t>());
    }
    return counts;
}

Result<std::vector<std::string>> Parameters::texts(std::string_view name)
{
    return TRY(read<std::vector<std::string>>(name, "a list of texts")).value_or(std::vector<std::string>());
}

Result<std::map<std::string, std::string>> Parameters::named_texts(std::string_view name)
{
    using Texts = std::map<std::string, std::string>;
    if (const Json* json = find(name); json != nullptr && !json->is_object())
        return wrong(name, "an object of texts");
    return TRY(read<Texts>(name, "an object of texts")).value_or(Texts());
}

Result<void> Parameters::no_other() const
{
    for (const auto& [name, value] : json_.items()) {
        if (!asked_for_.contains(name))
            return fail(ErrorKind::usage, fmt::format("no parameter of this method is called {}", name),
                        "docs/protocol.md says what it takes");
    }
    return {};
}

}  // namespace belay::daemon
