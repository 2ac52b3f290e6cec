#include "message_server/journal_entry.h"

#include "base/utf8.h"
#include "message_server/journal_numbers.h"

#include <doctest/doctest.h>

namespace belay::message_server {
namespace {

using framework::messages::MessageLimits;

constexpr Milliseconds noon{1'790'000'000'000};

JournalEntry entry_of(const std::vector<std::string>& fields)
{
    JournalEntry entry(noon);
    for (const std::string& field : fields) entry.add(field);
    return entry;
}

Identity as_pinger()
{
    Identity identity{.speaker = {.name = "pinger", .application = "pinger"}, .otherwise = {}};
    identity.otherwise.host = "web1";
    identity.otherwise.application = "pinger";
    return identity;
}

TEST_CASE("an entry is a message of who has written it, whatever its fields claim")
{
    const JournalEntry entry = entry_of(
        {"MESSAGE=listens\nat two ports", "PRIORITY=4", "SYSLOG_IDENTIFIER=ping", "SYSLOG_FACILITY=3",
         "_PID=4711", "_SYSTEMD_UNIT=belay-supervisor.service", "_COMM=ping", "SYSLOG_PID=1",
         "_HOSTNAME=elsewhere", "PORT=7260", "MESSAGE=the second of this name", "=no name", "no value"});
    const Message message = message_of(entry, as_pinger());
    CHECK(message.text == "listens\nat two ports");
    CHECK(message.level == Level::standard);
    CHECK(message.at == noon);
    CHECK(message.host == "web1");
    CHECK(message.application == "pinger");
    CHECK(to_text(message.id) == "00-00000");
    CHECK(message.attributes == std::map<std::string, std::string>{{"PORT", "7260"},
                                                                   {"facility", "daemon"},
                                                                   {"identifier", "ping"},
                                                                   {"pid", "4711"},
                                                                   {"unit", "belay-supervisor.service"}});
}

TEST_CASE("what syslog calls it is its level; what it calls nothing is information")
{
    const std::vector<std::pair<std::string, Level>> levels = {
        {"0", Level::alarm},    {"1", Level::alarm},    {"2", Level::alarm}, {"3", Level::standard},
        {"4", Level::standard}, {"5", Level::standard}, {"6", Level::trace}, {"7", Level::debug},
        {"", Level::trace},     {"8", Level::trace},    {"-1", Level::trace}};
    for (const auto& [priority, level] : levels) {
        INFO(priority);
        CHECK(level_of_priority(priority) == level);
    }
}

TEST_CASE("its service is told by systemd alone; those of persons and logins are told by who they are")
{
    CHECK(entry_of({"_SYSTEMD_UNIT=ssh.service"}).service() == "ssh.service");
    CHECK(entry_of({"SYSTEMD_UNIT=ssh.service", "UNIT=ssh.service"}).service().empty());
    CHECK(entry_of({"_SYSTEMD_UNIT=user@1000.service"}).service().empty());
    CHECK(entry_of({"_SYSTEMD_UNIT=session-3.scope"}).service().empty());
    CHECK(entry_of({"_TRANSPORT=kernel"}).service() == "kernel");
}

TEST_CASE("an entry of any size and of any bytes is a message within all limits, and who it was stays in it")
{
    JournalEntry entry(noon);
    entry.add("MESSAGE=" + std::string(MessageLimits::text + 100, '\xff'));
    for (int i = 0; i < 200; ++i)
        entry.add(fmt::format("FIELD_{}={}", i, std::string(MessageLimits::attribute + 100, 'x')));
    entry.add(std::string(10'000, 'N') + "=long");
    entry.add("SYSLOG_IDENTIFIER=\xff\xfe");
    entry.add("SYSLOG_FACILITY=14");
    entry.add("_PID=4711");
    const Message message = message_of(entry, as_pinger());
    CHECK(is_utf8(message.text));
    CHECK(message.text.size() <= MessageLimits::text);
    CHECK(message.text.size() > MessageLimits::text - 4);
    CHECK(message.attributes.size() <= MessageLimits::attributes);
    CHECK(message.attributes.at("FIELD_0").size() == MessageLimits::attribute);
    CHECK(message.attributes.at("pid") == "4711");
    CHECK(message.attributes.at("facility") == "14");
    CHECK(message.attributes.at("identifier") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("a cursor of systemd's tells a number; another one tells none")
{
    const auto number = number_in(
        "s=0639c6e2f8a94c8d9c1d8f2a4b6e7f10;i=1f;b=0123456789abcdef0123456789abcdef;m=2a;t=6418d58f8e0f8;x="
        "1");
    REQUIRE(number);
    CHECK(number->series == "0639c6e2f8a94c8d9c1d8f2a4b6e7f10");
    CHECK(number->number == 31);
    CHECK(number->boot == "0123456789abcdef0123456789abcdef");
    CHECK(number->at == Milliseconds(0x6418d58f8e0f8 / 1000));
    for (const char* other : {"", "head", "s=;i=1;b=2;t=3", "s=1;i=x;b=2;t=3", "s=1;b=2;t=3", "i=1",
                              ";;;=", "s=1;i=11111111111111111;b=2;t=3"})
        CHECK_FALSE(number_in(other));
}

TEST_CASE("what is missing is counted over files that have numbers of one row and series of their own")
{
    JournalNumbers numbers;
    const auto missing = [&](const char* series, uint64_t number) {
        return numbers.missing_before(
            {.series = series, .number = number, .at = Milliseconds(0), .boot = "b"});
    };
    numbers.begin_behind({.series = "system", .number = 9, .at = Milliseconds(0), .boot = "b"});
    CHECK(missing("system", 10) == 0);
    CHECK(missing("person", 11) == 0);
    CHECK(missing("person", 12) == 0);
    CHECK(missing("system", 13) == 0);
    CHECK(missing("system", 16) == 2);
    CHECK(missing("person", 17) == 0);
    // A series that was begun anew.
    CHECK(missing("system", 1) == 0);
    CHECK(missing("another", 1000) == 0);
    for (size_t i = 0; i < 3 * JournalNumbers::most_series; ++i)
        CHECK(missing(std::to_string(i).c_str(), 5) == 0);
}

}  // namespace
}  // namespace belay::message_server
