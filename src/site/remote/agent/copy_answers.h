#pragma once
// What a member answers about its copy of the configuration, whoever asks: the methods of docs/protocol.md,
// without the reading of their parameters but for ConfigTake.

#include "framework/configuration/copy.h"
#include "framework/configuration/toml_text.h"
#include "site/method.h"

namespace belay::site {

/// What streams of ConfigWatch follow: it changes whenever CopyOptions::changed is called.
inline constexpr const char* configuration_topic = "configuration";

/// ConfigTake, for the controller that leads. Errors: those of Copy::take(); usage.
Result<Json> take_configuration(framework::configuration::Copy& copy, const Json& parameters);

/// ConfigShow: {"version", "text": TOML, "as_of"}; what is asked for as of selected_toml(). Errors: usage,
/// not_found.
Result<Json> show_copy(const framework::configuration::Copy& copy, const std::string& type,
                       const std::string& name, framework::configuration::Ids ids);

/// ConfigWatch: {"version", "as_of"}, and again after each change.
Reply watch_copy(const framework::configuration::Copy& copy);

/// ConfigChanges: {"changes": [{"from", "to", "change"}], "version", "as_of"}, oldest first, as many as one
/// answer holds; the one who asks goes on from the last "to". Errors: not_found (read anew), those of the
/// store.
Result<Json> changes_of_copy(framework::configuration::Copy& copy, framework::configuration::Version after);

}  // namespace belay::site
