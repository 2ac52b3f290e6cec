#include "daemon/variable_reader.h"

#include "base/wipe.h"
#include "framework/configuration/endpoint.h"
#include "site/reactions/reactions.h"

#include <array>
#include <charconv>

namespace belay::daemon {
namespace {

using framework::configuration::Object;

/// For an answer, with all attempts.
constexpr Milliseconds answer_within{3000};
/// Of version 3 two questions are asked, and keys are made before.
constexpr Milliseconds killed_after{12'000};
constexpr std::array secrets = {"community", "authentication_password", "privacy_password"};

}  // namespace

Result<std::string> VariableErrands::opened(const Object& account, const char* attribute) const
{
    const std::string sealed = account.text(attribute);
    if (sealed.empty()) return std::string();
    return options_.unseal(sealed);
}

Result<int64_t> VariableErrands::read(const framework::alarms::Variable& variable, const Object& account)
{
    const auto agent = TRY(framework::configuration::parse_endpoint(variable.agent));
    Json errand = {{"kind", "variable"},
                   {"oid", variable.oid},
                   {"host", agent.host},
                   {"port", agent.port},
                   {"version", account.text("version")},
                   {"user", account.text("user")},
                   {"authentication", account.text("authentication")},
                   {"limit_ms", answer_within.count()}};
    Result<std::string> said = std::string();
    for (const char* const secret : secrets) {
        said = opened(account, secret);
        if (!said) break;
        errand[secret] = std::move(*said);
    }
    if (said) said = site::run_errand(options_.host, options_.program, errand, killed_after);
    for (const char* const secret : secrets) {
        if (const auto found = errand.find(secret); found != errand.end())
            wipe(found->get_ref<std::string&>());
    }
    if (!said) return std::unexpected(said.error());
    int64_t number = 0;
    const char* const end = said->data() + said->size();
    const auto [after, problem] = std::from_chars(said->data(), end, number);
    if (problem != std::errc() || after != end)
        return fail(ErrorKind::corrupt, fmt::format("{} says no number", options_.program));
    return number;
}

}  // namespace belay::daemon
