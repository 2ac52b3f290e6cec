#include "storage/md_settings.h"

#include "storage/parse/mdstat.h"
#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;

constexpr std::string_view of_the_system = "system";

std::string uuid_in(const Json& arguments)
{
    return arguments.value("array", "");
}

/// The folder of sysfs in which md keeps the array's settings, under its name of now.
Result<std::string> settings_of(Host& host, const std::string& uuid)
{
    const Array array = TRY(read_array(host, uuid));
    return fmt::format("/sys/block/{}/md", array.name);
}

/// "200000 (local)" is 200000; "1000 (system)" is "system", for md then follows the host's limit.
std::string setting_in(std::string text)
{
    while (!text.empty() && text.back() == '\n') text.pop_back();
    if (text.ends_with("(system)")) return std::string(of_the_system);
    return text.substr(0, text.find(' '));
}

Result<std::string> read_setting(Host& host, const std::string& uuid, const std::string& name)
{
    const std::string folder = TRY(settings_of(host, uuid));
    return setting_in(TRY(host.read(fmt::format("{}/{}", folder, name))));
}

Result<void> write_setting(Host& host, const std::string& uuid, const std::string& name,
                           const std::string& value)
{
    const std::string folder = TRY(settings_of(host, uuid));
    return host.write(fmt::format("{}/{}", folder, name), value);
}

/// {array, setting, value}
class SetSetting final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(value_now(host, arguments));
        return Inspection{now == wanted(arguments) ? Inspection::Found::done : Inspection::Found::absent,
                          now};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(value_now(host, arguments));
        return Json{{"value", now}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        return write_setting(host, uuid_in(arguments), name_in(arguments), wanted(arguments));
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string now = TRY(value_now(host, arguments));
        if (now != wanted(arguments) || now == before(remembered)) return std::string();
        return fmt::format("{} at {}", name_in(arguments), now);
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        return write_setting(host, uuid_in(arguments), name_in(arguments), before(remembered));
    }

  private:
    static std::string name_in(const Json& arguments) { return arguments.at("setting"); }
    static std::string wanted(const Json& arguments) { return arguments.at("value"); }
    static std::string before(const Json& remembered) { return remembered.value("value", ""); }
    static Result<std::string> value_now(Host& host, const Json& arguments)
    {
        return read_setting(host, uuid_in(arguments), name_in(arguments));
    }
};

/// --force: mdadm leaves the file where it is when the array lets it go, and overwrites it only then.
Command bitmap_command(const std::string& uuid, const std::string& bitmap)
{
    Command command{.argv = {"mdadm", "--grow", "/dev/disk/by-id/md-uuid-" + uuid, "--bitmap=" + bitmap},
                    .effect = Effect::changes};
    if (bitmap.starts_with('/')) command.argv.emplace_back("--force");
    return command;
}

/// {array, bitmap}
class SetBitmap final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(bitmap_now(host, arguments));
        return Inspection{now == wanted(arguments) ? Inspection::Found::done : Inspection::Found::absent,
                          "bitmap: " + now};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(bitmap_now(host, arguments));
        return Json{{"had", now}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, bitmap_command(uuid_in(arguments), wanted(arguments))));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string now = TRY(bitmap_now(host, arguments));
        return now == had(arguments, remembered) ? "" : "bitmap: " + now;
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        TRY(run_checked(host, bitmap_command(uuid_in(arguments), had(arguments, remembered))));
        return {};
    }

  private:
    static std::string wanted(const Json& arguments) { return arguments.at("bitmap"); }
    static std::string had(const Json& arguments, const Json& remembered)
    {
        return remembered.value("had", arguments.at("before").get<std::string>());
    }
    static Result<std::string> bitmap_now(Host& host, const Json& arguments)
    {
        const Array array = TRY(read_array(host, uuid_in(arguments)));
        return read_bitmap(host, array);
    }
};

constexpr const char* sync_action = "sync_action";
constexpr const char* held = "frozen";  // md: nothing begins, and what was on its way has stopped
constexpr const char* free_again = "idle";

/// {array}
class HoldSync final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(read_setting(host, uuid_in(arguments), sync_action));
        return Inspection{now == held ? Inspection::Found::done : Inspection::Found::absent, now};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        return write_setting(host, uuid_in(arguments), sync_action, held);
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        const std::string now = TRY(read_setting(host, uuid_in(arguments), sync_action));
        return now == held ? "the array's copying held" : std::string();
    }

    Result<void> revert(Host& host, const Json& arguments, const Json&) const override
    {
        return write_setting(host, uuid_in(arguments), sync_action, free_again);
    }
};

/// {array}
class ReleaseSync final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const std::string now = TRY(read_setting(host, uuid_in(arguments), sync_action));
        return Inspection{now == held ? Inspection::Found::absent : Inspection::Found::done, now};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        return write_setting(host, uuid_in(arguments), sync_action, free_again);
    }

    Result<std::string> remains(Host&, const Json&, const Json&) const override { return std::string(); }
    Result<void> revert(Host&, const Json&, const Json&) const override { return {}; }
};

Result<Finding> ask_runs(Host& host, const Json& arguments)
{
    const Array array = TRY(read_array(host, uuid_in(arguments)));
    const bool runs = array.state != "inactive" && array.state != "clear" && !array.level.empty();
    return Finding{runs ? Verdict::pass : Verdict::fail, array.state, "a running array",
                   fmt::format("mdadm --detail /dev/{}", array.name)};
}

Result<Finding> ask_is_quiet(Host& host, const Json& arguments)
{
    const Array array = TRY(read_array(host, uuid_in(arguments)));
    const bool quiet = array.sync.action == "idle" || array.sync.action.empty();
    return Finding{quiet ? Verdict::pass : Verdict::fail,
                   array.sync.action.empty() ? "idle" : array.sync.action, "nothing being copied",
                   fmt::format("wait: mdadm --wait /dev/{}", array.name)};
}

Result<Finding> ask_is_not_held(Host& host, const Json& arguments)
{
    const Array array = TRY(read_array(host, uuid_in(arguments)));
    return Finding{array.sync.action == held ? Verdict::fail : Verdict::pass, array.sync.action,
                   "copying that nobody holds",
                   fmt::format("let it go on first: echo idle > /sys/block/{}/md/sync_action", array.name)};
}

Result<Finding> ask_has_all_members(Host& host, const Json& arguments)
{
    const Array array = TRY(read_array(host, uuid_in(arguments)));
    return Finding{array.degraded == 0 ? Verdict::pass : Verdict::warn,
                   fmt::format("{} of {} members in sync", array.members_in_sync(), array.legs),
                   "all members in sync; while it is held, the array does not mend itself", ""};
}

std::string name_of(SpeedLimit limit)
{
    return limit == SpeedLimit::minimum ? "sync_speed_min" : "sync_speed_max";
}

Result<operation::Fingerprint> describe(Host& host, const Json& arguments)
{
    const std::string uuid = uuid_in(arguments);
    const Array array = TRY(read_array(host, uuid));
    operation::Fingerprint lines;
    // Where in the superblock's neighbourhood it lies is md's affair, and may be another place after it was
    // made anew.
    lines[fmt::format("array {} bitmap", uuid)] = TRY(read_bitmap(host, array));
    for (const SpeedLimit limit : {SpeedLimit::minimum, SpeedLimit::maximum})
        lines[fmt::format("array {} {}", uuid, name_of(limit))] =
            TRY(read_setting(host, uuid, name_of(limit)));
    lines[fmt::format("array {} held", uuid)] = array.sync.action == held ? "yes" : "no";
    return lines;
}

std::string echo(const Array& array, std::string_view setting, std::string_view value)
{
    return fmt::format("echo {} > /sys/block/{}/md/{}", value, array.name, setting);
}

Json just(const Array& array)
{
    return {{"array", array.uuid}};
}

}  // namespace

Result<std::string> read_speed(Host& host, const Array& array, SpeedLimit limit)
{
    return read_setting(host, array.uuid, name_of(limit));
}

operation::Act set_speed(const Array& array, SpeedLimit limit, uint64_t kib_per_second,
                         const std::string& before)
{
    const std::string value = fmt::format("{}", kib_per_second);
    return {"md.set_setting",
            {{"array", array.uuid}, {"setting", name_of(limit)}, {"value", value}},
            {echo(array, name_of(limit), value)},
            {echo(array, name_of(limit), before)}};
}

Result<std::string> read_bitmap(Host& host, const Array& array)
{
    if (array.bitmap.empty() || array.bitmap == "none") return std::string("none");
    if (array.bitmap != "file") return std::string("internal");  // "+8": so many sectors from the superblock
    // Only here does the kernel tell its path.
    const parse::Mdstat mdstat = TRY(parse::parse_mdstat(TRY(host.read("/proc/mdstat"))));
    const auto found = std::ranges::find(mdstat.arrays, array.name, &parse::MdstatArray::name);
    if (found == mdstat.arrays.end() || !found->bitmap || !found->bitmap->file.starts_with('/'))
        return fail(
            ErrorKind::corrupt,
            fmt::format("the kernel does not tell in which file the bitmap of /dev/{} is", array.name),
            "cat /proc/mdstat");
    return found->bitmap->file;
}

operation::Act set_bitmap(const Array& array, const std::string& bitmap, const std::string& before)
{
    return {"md.set_bitmap",
            {{"array", array.uuid}, {"bitmap", bitmap}, {"before", before}},
            {bitmap_command(array.uuid, bitmap).to_text()},
            {bitmap_command(array.uuid, before).to_text()}};
}

operation::Act hold_sync(const Array& array)
{
    return {"md.hold_sync",
            just(array),
            {echo(array, sync_action, held)},
            {echo(array, sync_action, free_again)}};
}

operation::Act release_sync(const Array& array)
{
    return {"md.release_sync", just(array), {echo(array, sync_action, free_again)}};
}

operation::Question runs(const Array& array)
{
    return {"md.runs", just(array)};
}

operation::Question is_quiet(const Array& array)
{
    return {"md.is_quiet", just(array)};
}

operation::Question is_not_held(const Array& array)
{
    return {"md.is_not_held", just(array)};
}

operation::Question has_all_members(const Array& array)
{
    return {"md.has_all_members", just(array)};
}

operation::Question settings_fingerprint(const Array& array)
{
    return {"md.settings", just(array)};
}

void fill_settings(operation::Catalogue& catalogue)
{
    catalogue.add("md.set_setting", std::make_unique<SetSetting>());
    catalogue.add("md.set_bitmap", std::make_unique<SetBitmap>());
    catalogue.add("md.hold_sync", std::make_unique<HoldSync>());
    catalogue.add("md.release_sync", std::make_unique<ReleaseSync>());
    catalogue.add_condition("md.runs", ask_runs);
    catalogue.add_condition("md.is_quiet", ask_is_quiet);
    catalogue.add_condition("md.is_not_held", ask_is_not_held);
    catalogue.add_condition("md.has_all_members", ask_has_all_members);
    catalogue.add_fingerprint("md.settings", describe);
}

}  // namespace belay::storage::md
