#include "storage/locate.h"

#include "base/json.h"

namespace belay::storage::locate {
namespace {

using LocateJson = operation::Json;
using operation::Finding;
using operation::Inspection;
using operation::Verdict;

host::Command light_command(const std::string& disk, bool on)
{
    return {.argv = {"ledctl", fmt::format("{}={}", on ? "locate" : "locate_off", disk)},
            .effect = host::Effect::changes};
}

/// One logical sector after the other and past the page cache, at most 20,000 of them (10 MB of 512-byte
/// sectors): the light is on, and whoever else wants the disk waits for one small read at most.
host::Command burst_command(const std::string& disk, uint64_t sector)
{
    return {.argv = {"timeout", "1", "dd", "if=" + disk, "of=/dev/null", fmt::format("bs={}", sector),
                     "count=20000", "iflag=direct", "status=none"},
            .limit = std::chrono::seconds(30)};
}

Result<void> read_for_a_second(host::Host& host, const LocateJson& arguments)
{
    const host::Command command = burst_command(arguments.at("disk"), arguments.at("sector"));
    const host::Outcome outcome = TRY(host.run(command));
    constexpr int time_is_over = 124;  // timeout(1)
    if (outcome.exit_code == 0 || outcome.exit_code == time_is_over) return {};
    return std::unexpected(
        Error{.what = fmt::format("{} cannot be read", arguments.at("disk").get<std::string>()),
              .argv = command.argv,
              .exit_code = outcome.exit_code,
              .output = outcome.err.substr(0, 4096)});
}

/// {disk, on}: nothing tells whether a bay is lit, so what ledctl says has to do, and dark is made darker.
class Light final : public operation::Action {
  public:
    Result<Inspection> inspect(host::Host&, const LocateJson&) const override
    {
        return Inspection{Inspection::Found::unseen};
    }
    Result<void> apply(host::Host& host, const LocateJson& arguments) const override
    {
        TRY(run_checked(host, light_command(arguments.at("disk"), arguments.at("on"))));
        return {};
    }
    Result<std::string> remains(host::Host&, const LocateJson& arguments, const LocateJson&) const override
    {
        return std::string(arguments.at("on").get<bool>() ? "a lit bay" : "");
    }
    bool sees_remains(const LocateJson&) const override { return false; }
    Result<void> revert(host::Host& host, const LocateJson& arguments, const LocateJson&) const override
    {
        if (!arguments.at("on").get<bool>()) return {};
        TRY(run_checked(host, light_command(arguments.at("disk"), false)));
        return {};
    }
};

/// {disk, sector}
class Blink final : public operation::Action {
  public:
    Result<Inspection> inspect(host::Host&, const LocateJson&) const override
    {
        return Inspection{Inspection::Found::unseen};
    }
    Result<void> apply(host::Host& host, const LocateJson& arguments) const override
    {
        return read_for_a_second(host, arguments);
    }
    Result<std::string> remains(host::Host&, const LocateJson&, const LocateJson&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const LocateJson&, const LocateJson&) const override { return {}; }
};

Result<Finding> ask_blinks(host::Host& host, const LocateJson& arguments)
{
    TRY(read_for_a_second(host, arguments));
    return Finding{Verdict::pass, "it was read for a second", "a disk that answers"};
}

LocateJson told_to_read(const Disk& disk)
{
    return {{"disk", disk.by_id}, {"sector", disk.logical_sector}};
}

operation::Act light_act(const Disk& disk, bool on)
{
    operation::Act act{"locate.light", {{"disk", disk.by_id}, {"on", on}}, {}};
    act.commands = {light_command(disk.by_id, on).to_text()};
    if (on) act.undo_commands = {light_command(disk.by_id, false).to_text()};
    return act;
}

}  // namespace

Result<bool> has_light(host::Host& host, const Disk& disk)
{
    const Result<host::Outcome> listed = host.run({.argv = {"ledctl", "--list-controllers"}});
    if (!listed && listed.error().kind == ErrorKind::not_found) return false;
    if (!listed) return std::unexpected(listed.error());
    const Result<std::string> place = host.resolve("/sys/block/" + disk.name);
    if (!place) return false;
    // "/sys/devices/pci0000:00/0000:00:17.0 (AHCI)"
    const std::string& text = listed->out;
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
        end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        const std::string controller = line.substr(0, line.find(' '));
        if (controller.starts_with("/sys/") && place->starts_with(controller + "/")) return true;
    }
    return false;
}

operation::Act light(const Disk& disk)
{
    return light_act(disk, true);
}

operation::Act darken(const Disk& disk)
{
    return light_act(disk, false);
}

operation::Act blink(const Disk& disk)
{
    return {"locate.blink",
            told_to_read(disk),
            {burst_command(disk.by_id, disk.logical_sector).to_text() + "   # and again every 2 s"}};
}

operation::Question blinks(const Disk& disk)
{
    return {"locate.blinks", told_to_read(disk)};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("locate.light", std::make_unique<Light>());
    catalogue.add("locate.blink", std::make_unique<Blink>());
    catalogue.add_condition("locate.blinks", ask_blinks);
}

}  // namespace belay::storage::locate
