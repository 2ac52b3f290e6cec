#include "message_server/journal_entry.h"

#include <algorithm>
#include <array>

namespace belay::message_server {
namespace {

using framework::messages::MessageLimits;

/// Of what journald has seen; the rest of it is on each entry of a host, and says nothing of this one.
constexpr std::array<std::string_view, 7> seen_fields = {
    "_COMM", "_PID", "_SYSTEMD_CGROUP", "_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT", "_TRANSPORT", "_UID"};
/// What the sender says that is in the message otherwise, or that journald knows better.
constexpr std::array<std::string_view, 7> other_fields = {
    "MESSAGE",    "PRIORITY",   "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER",
    "SYSLOG_PID", "SYSLOG_RAW", "SYSLOG_TIMESTAMP"};
/// So that there is room for ours beside them.
constexpr size_t most_own_fields = MessageLimits::attributes - 8;
/// A field that is longer by a character that is cut off is told from one that fits.
constexpr size_t cut_character = 4;

/// Source: RFC 5424, table 1, by the names of syslog.conf(5); 12 to 15 have none that all agree on.
constexpr std::array<std::string_view, 24> facility_names = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};

std::string facility_name(std::string_view number)
{
    for (size_t i = 0; i < facility_names.size(); ++i) {
        if (number == std::to_string(i) && !facility_names.at(i).empty())
            return std::string(facility_names.at(i));
    }
    return std::string(number);
}

}  // namespace

void JournalEntry::add(std::string_view field)
{
    const size_t border = field.find('=');
    if (border == std::string_view::npos || border == 0) return;
    const std::string_view name = field.substr(0, border);
    std::string_view value = field.substr(border + 1);
    const bool is_seen = name.starts_with('_');
    if (is_seen && std::ranges::find(seen_fields, name) == seen_fields.end()) return;
    // journald takes no others from a sender; ours begin with a small letter.
    if (!is_seen && (name[0] < 'A' || name[0] > 'Z')) return;
    auto& fields = is_seen ? seen_ : said_;
    const bool is_known = std::ranges::find(other_fields, name) != other_fields.end();
    if (!is_seen && !is_known && said_.size() >= most_own_fields) return;
    const size_t most = name == "MESSAGE" ? MessageLimits::text : MessageLimits::attribute;
    fields.try_emplace(std::string(name.substr(0, MessageLimits::name)),
                       value.substr(0, most + cut_character));
}

std::string_view JournalEntry::value(std::string_view name) const
{
    const auto& fields = name.starts_with('_') ? seen_ : said_;
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view() : found->second;
}

std::string JournalEntry::service() const
{
    if (value("_TRANSPORT") == "kernel") return "kernel";
    const std::string_view unit = value("_SYSTEMD_UNIT");
    // Of a person's own services it is the same for all of them, and of a login it is another each time.
    const bool is_persons = !unit.ends_with(".service") || unit.starts_with("user@");
    return is_persons ? "" : std::string(unit);
}

Level level_of_priority(std::string_view priority)
{
    constexpr std::array by_priority = {Level::alarm,    Level::alarm,    Level::alarm, Level::standard,
                                        Level::standard, Level::standard, Level::trace, Level::debug};
    constexpr size_t info = 6;
    const bool is_one = priority.size() == 1 && priority[0] >= '0' && priority[0] <= '7';
    return by_priority.at(is_one ? static_cast<size_t>(priority[0] - '0') : info);
}

Message message_of(const JournalEntry& entry, const Identity& who)
{
    Message message = who.otherwise;
    message.at = entry.at();
    message.level = level_of_priority(entry.value("PRIORITY"));
    message.text = entry.value("MESSAGE");
    for (const auto& [name, value] : entry.said_) {
        if (std::ranges::find(other_fields, name) == other_fields.end())
            message.attributes.try_emplace(name, value);
    }
    const auto tell = [&](const char* name, std::string_view value) {
        if (!value.empty()) message.attributes.insert_or_assign(name, std::string(value));
    };
    tell("identifier", entry.value("SYSLOG_IDENTIFIER"));
    tell("facility", facility_name(entry.value("SYSLOG_FACILITY")));
    tell("pid", entry.value("_PID"));
    const std::string_view of_person = entry.value("_SYSTEMD_USER_UNIT");
    tell("unit", of_person.empty() ? entry.value("_SYSTEMD_UNIT") : of_person);
    framework::messages::fit(message);
    return message;
}

}  // namespace belay::message_server
