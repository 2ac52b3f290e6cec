#include "framework/configuration/rules.h"

#include "framework/configuration/checks.h"

namespace belay::framework::configuration {
namespace {

std::string time_text(int64_t at_ms)
{
    using namespace std::chrono;
    const sys_time<milliseconds> at{milliseconds(at_ms)};
    const sys_days date = floor<days>(at);
    const year_month_day ymd(date);
    const hh_mm_ss time(floor<seconds>(at - date));
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(ymd.year()),
                       static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string author_text(const Author& author)
{
    return fmt::format("{}{}", author.who.empty() ? "somebody" : author.who,
                       author.operation.empty() ? "" : fmt::format(" by operation {}", author.operation));
}

}  // namespace

std::string told(const HistoryEntry& entry)
{
    return fmt::format("{} at {} (version {}{})", author_text(entry.author), time_text(entry.author.at_ms),
                       entry.version, entry.author.why.empty() ? "" : ": " + entry.author.why);
}

/// A name that would be given twice.
std::optional<std::string> clash_of_names(const Configuration& configuration, const Delta& delta)
{
    std::map<Id, const ObjectDelta*> changed;
    for (const ObjectDelta& one : delta.objects) changed[one.id()] = &one;
    std::set<std::pair<std::string_view, std::string_view>> given;
    for (const ObjectDelta& one : delta.objects) {
        if (!one.after) continue;
        const Object* other = configuration.find(one.after->type, one.after->name);
        const auto moves = other == nullptr ? changed.end() : changed.find(other->id);
        const bool taken = other != nullptr && other->id != one.id() && moves == changed.end();
        if (taken || !given.emplace(one.after->type, one.after->name).second)
            return fmt::format("there would be two objects {}", title_of(*one.after));
    }
    return std::nullopt;
}

std::optional<std::string> broken_rules(const Configuration& configuration, const std::set<Id>& touched)
{
    constexpr size_t enough = 5;
    std::vector<std::string> said;
    for (const Complaint& complaint : check(configuration, &touched)) {
        if (complaint.error && said.size() < enough) said.push_back(complaint.what);
    }
    if (said.empty()) return std::nullopt;
    return fmt::format("{}", fmt::join(said, "; "));
}

}  // namespace belay::framework::configuration
