#pragma once
// Texts with variables in them: "${name}". A value goes into the text as it is and is never split again;
// "$${" stands for a "${" that is none of ours, as in "$${Version}".

#include "base/result.h"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace belay::operation::runbook {

using Values = std::map<std::string, std::string, std::less<>>;

/// What a step kept before it ran; known only when it is undone.
constexpr std::string_view remembered_name = "remembered";

/// The names of the variables in a text, each as often as it stands there. Errors: usage ("${" without "}").
Result<std::vector<std::string>> variables_in(std::string_view text);

/// The text with its values. Every variable but ${remembered} must be there (else: usage). A text, or, where
/// ${remembered} stands in it, a list of texts with a null in each of its places: what somebody typed for a
/// variable can never be taken for it.
Result<nlohmann::json> filled(std::string_view text, const Values& values);

/// The same where there is nothing remembered. Errors: usage.
Result<std::string> filled_text(std::string_view text, const Values& values);

/// What filled() gave, as a text. Errors: none; what is not of that form (a damaged journal) throws
/// Json::exception, as all reading of arguments does.
std::string with_remembered(const nlohmann::json& word, std::string_view remembered);
std::vector<std::string> with_remembered_all(const nlohmann::json& words, std::string_view remembered);

}  // namespace belay::operation::runbook
