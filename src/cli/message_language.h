#pragma once
// Messages in the language of who reads them, and what is behind them: by the catalogue of this machine.

#include "cli/console.h"
#include "cli/invocation.h"
#include "framework/messages/catalogue.h"

namespace belay::cli {

/// "de" or "de_AT" of a locale's name, as "de_AT.UTF-8@euro"; empty for "C", "POSIX" and what is no name of
/// a locale. Source: POSIX, "Environment Variables".
std::string language_of_locale(std::string_view locale);
/// That of LC_ALL, LC_MESSAGES or LANG, the first that is not empty.
std::string language_of_environment();

/// The catalogue in the folders of BELAY_MESSAGES_TEXTS, or else in those of a host.
framework::messages::ReadCatalogue catalogue_of_machine();

/// Those that the catalogue has a text for get it, and "language".
void put_in_language(std::vector<Json>& messages, const framework::messages::Catalogue& catalogue,
                     std::string_view language);

/// What an event is, why it happens and what to do. Errors: usage, not_found.
Result<int> explain_message(const Invocation& asked, Console& console, const Style& style);

}  // namespace belay::cli
