#include "cli/backup/times.h"

#include <ctime>

namespace belay::cli {

Result<backup::Timestamp> read_time(const char* option, const std::string& text)
{
    for (const char* form : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
        std::tm parts{};
        const char* end = ::strptime(text.c_str(), form, &parts);
        if (end == nullptr || *end != '\0') continue;
        parts.tm_isdst = -1;
        return backup::Timestamp::local(::mktime(&parts), 0);
    }
    const Result<backup::Timestamp> exact = backup::Timestamp::from_text(text);
    if (exact) return *exact;
    return fail(ErrorKind::usage, fmt::format("{}: \"{}\" is no point in time", option, text),
                "write it as '2026-11-26 14:20:59' or 2026-11-26");
}

}  // namespace belay::cli
