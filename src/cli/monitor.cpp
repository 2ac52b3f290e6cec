#include "cli/monitor.h"

#include "base/json.h"
#include "cli/fields.h"
#include "cli/signals.h"

#include <atomic>
#include <csignal>

namespace belay::cli {
namespace {

Tone tone_of(std::string_view severity)
{
    if (severity == "critical") return Tone::bad;
    return severity == "warning" ? Tone::warn : Tone::dim;
}

std::string array_line(const Style& style, const Json& array)
{
    const uint64_t wanted = array.value("wanted", uint64_t{0}), in_sync = array.value("in_sync", uint64_t{0});
    const bool runs = array.value("runs", false);
    const bool good = runs && in_sync >= wanted;
    std::string state = runs ? raw_text(array, "level") : "does not run";
    if (wanted > 0) state += fmt::format(", {} of {} members in sync", in_sync, wanted);
    const std::string sync = raw_text(array, "sync");
    if (!sync.empty()) state += ", " + sync;
    const Marks& marks = marks_of(style);
    return fmt::format("{} {}  {}\n",
                       paint(style, good ? Tone::good : Tone::bad, good ? marks.pass : marks.fail),
                       clean(style, raw_text(array, "name")), clean(style, state));
}

/// The alarms of an answer that were not shown yet, and the number of the last one.
class Shown {
  public:
    Shown(const Invocation& asked, Console& console, const Style& style)
        : json_(asked.json), console_(console), style_(style)
    {
    }

    void show(const Json& answer)
    {
        for (const Json& alarm : answer.value("alarms", Json::array())) {
            const uint64_t number = alarm.value("number", uint64_t{0});
            if (number <= last_) continue;
            last_ = number;
            console_.out(json_ ? json_text(alarm) + '\n' : alarm_line(style_, alarm));
        }
    }

  private:
    bool json_;
    Console& console_;
    const Style& style_;
    uint64_t last_ = 0;
};

Result<int> follow_alarms(const Invocation& asked, Console& console, const Style& style, site::Client& client)
{
    Shown shown(asked, console, style);
    std::atomic<int> ended_by{0};
    const auto on_signal = [&](int number) {
        if (ended_by.exchange(number) != 0) ::_exit(128 + number);
        client.interrupt();
    };
    const Ticker ticker(std::chrono::hours(1), {SIGINT, SIGTERM, SIGHUP, SIGQUIT}, [] {}, on_signal);
    const Result<void> streamed =
        client.stream("Alarms", {{"limit", asked.limit.value_or(10)}}, [&](const Json& answer) {
            shown.show(answer);
            return ended_by == 0;
        });
    if (ended_by != 0) return 128 + ended_by;
    TRY(streamed);
    return 0;
}

}  // namespace

std::string alarm_line(const Style& style, const Json& alarm)
{
    const std::string severity = raw_text(alarm, "severity");
    const Milliseconds at{alarm.value("at_ms", int64_t{0})};
    return fmt::format("{}  {}  {}  {}\n", style.clock(at), paint(style, tone_of(severity), pad(severity, 8)),
                       pad(clean(style, raw_text(alarm, "event")), 16),
                       clean(style, raw_text(alarm, "text")));
}

std::string alarms_text(const Style& style, const Json& answer)
{
    std::string text;
    for (const Json& array : answer.value("arrays", Json::array())) text += array_line(style, array);
    if (!answer.value("watching", false)) text += "nothing is watched: the kernel's md is not loaded\n";
    const Json alarms = answer.value("alarms", Json::array());
    if (alarms.empty()) return text + "no alarm yet\n";
    text += '\n';
    for (const Json& alarm : alarms) text += alarm_line(style, alarm);
    return text;
}

std::string ports_text(const Style& style, const Json& answer)
{
    std::vector<std::vector<std::string>> rows = {{"ATA", "SCSI", "CONTROLLER", "DEVICE", "DISK"}};
    for (const Json& port : answer.value("ports", Json::array())) {
        const auto cell = [&](const char* field) {
            const std::string value = clean(style, raw_text(port, field));
            return value.empty() ? std::string("-") : value;
        };
        std::string disk = raw_text(port, "model");
        const std::string serial = raw_text(port, "serial");
        if (!serial.empty()) disk += (disk.empty() ? "" : " ") + serial;
        if (raw_text(port, "device").empty()) disk = "empty";
        rows.push_back(
            {cell("ata"), cell("address"), cell("controller"), cell("device"), clean(style, disk)});
    }
    return table(style, rows, 0);
}

Result<int> monitor_command(const Invocation& asked, Console& console, const Style& style,
                            site::Client& client)
{
    if (asked.test) {
        const Json answer = TRY(client.call("AlarmTest", Json::object()));
        Shown(asked, console, style).show(answer);
        return 0;
    }
    if (asked.follow) return follow_alarms(asked, console, style, client);
    Json parameters = Json::object();
    if (asked.limit) parameters["limit"] = *asked.limit;
    const Json answer = TRY(client.call("Alarms", parameters));
    console.out(asked.json ? json_text(answer) + '\n' : alarms_text(style, answer));
    return 0;
}

}  // namespace belay::cli
