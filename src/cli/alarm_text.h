#pragma once
// The alarms of a site, for a person.

#include "base/json.h"
#include "cli/style.h"

namespace belay::cli {

/// The answer of AlarmList: the alarms, newest last, and what is muted; with conditions those in their place.
std::string alarm_list_text(const Style& style, const Json& answer, bool all);
/// One line of an alarm, as it comes.
std::string alarm_news_line(const Style& style, const Json& alarm);
/// Everything about one.
std::string alarm_text(const Style& style, const Json& alarm);
/// What the reactions of a condition would do, or have done.
std::string alarm_try_text(const Style& style, const Json& answer);

}  // namespace belay::cli
