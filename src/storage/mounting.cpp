#include "storage/mounting.h"

#include "base/json.h"
#include "storage/mounts.h"
#include "storage/probe.h"

namespace belay::storage::mounting {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Verdict;
using MountJson = operation::Json;
using Found = Inspection::Found;

constexpr Milliseconds as_long_as_writing_back = std::chrono::minutes(30);

Command changing(std::vector<std::string> argv)
{
    return {.argv = std::move(argv), .effect = Effect::changes, .limit = as_long_as_writing_back};
}

MountJson json_of(const Mounted& mounted)
{
    return {{"device", mounted.device},
            {"path", mounted.path},
            {"type", mounted.type},
            {"options", mounted.options}};
}

Mounted mounted_in(const MountJson& arguments)
{
    return {arguments.at("device"), arguments.at("path"), arguments.at("type"), arguments.at("options")};
}

/// The options, with ro in the place of rw.
std::string read_only_options(std::string options)
{
    const std::string all = "," + options + ",";
    const size_t at = all.find(",rw,");
    if (at == std::string::npos) return all.find(",ro,") == std::string::npos ? "ro," + options : options;
    return options.replace(at, 2, "ro");
}

Command mount_command(const Mounted& mounted, const std::string& options)
{
    return changing({"mount", "-t", mounted.type, "-o", options, mounted.device, mounted.path});
}

Command unmount_command(const Mounted& mounted)
{
    return changing({"umount", mounted.path});
}

Command remount_command(const Mounted& mounted)
{
    return changing({"mount", "-o", "remount," + mounted.options, mounted.path});
}

/// As it is mounted there now; nothing: it is not.
Result<std::optional<Mount>> mount_of(Host& host, const Mounted& mounted)
{
    const std::optional<std::string> name = TRY(device_if_there(host, mounted.device));
    if (!name) return std::optional<Mount>();
    for (const Mount& mount : TRY(read_mounts(host)))
        if (mount.device == *name && mount.path == mounted.path) return std::optional<Mount>(mount);
    return std::optional<Mount>();
}

class TakeAway final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const MountJson& arguments) const override
    {
        const bool there = TRY(mount_of(host, mounted_in(arguments))).has_value();
        return Inspection{there ? Found::absent : Found::done, there ? "mounted" : "not mounted"};
    }
    Result<void> apply(Host& host, const MountJson& arguments) const override
    {
        TRY(host::run_checked(host, unmount_command(mounted_in(arguments))));
        return {};
    }
    Result<std::string> remains(Host& host, const MountJson& arguments, const MountJson&) const override
    {
        const Mounted mounted = mounted_in(arguments);
        const std::optional<Mount> now = TRY(mount_of(host, mounted));
        if (!now) return "nothing is mounted on " + mounted.path;
        return now->is_read_only() == mounted.is_read_only() ? "" : mounted.path + " cannot be written";
    }
    Result<void> revert(Host& host, const MountJson& arguments, const MountJson&) const override
    {
        const Mounted mounted = mounted_in(arguments);
        const bool there = TRY(mount_of(host, mounted)).has_value();
        TRY(host::run_checked(host,
                              there ? remount_command(mounted) : mount_command(mounted, mounted.options)));
        return {};
    }
};

class GiveReadOnly final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const MountJson& arguments) const override
    {
        const std::optional<Mount> now = TRY(mount_of(host, mounted_in(arguments)));
        if (!now) return Inspection{Found::absent, "not mounted"};
        return now->is_read_only() ? Inspection{Found::done, "mounted read-only"}
                                   : Inspection{Found::partial, "mounted, and may be written"};
    }
    Result<void> apply(Host& host, const MountJson& arguments) const override
    {
        const Mounted mounted = mounted_in(arguments);
        const bool there = TRY(mount_of(host, mounted)).has_value();
        if (there) TRY(host::run_checked(host, unmount_command(mounted)));
        TRY(host::run_checked(host, mount_command(mounted, read_only_options(mounted.options))));
        return {};
    }
    Result<std::string> remains(Host& host, const MountJson& arguments, const MountJson&) const override
    {
        const Mounted mounted = mounted_in(arguments);
        return TRY(mount_of(host, mounted)) ? "it is mounted on " + mounted.path : "";
    }
    Result<void> revert(Host& host, const MountJson& arguments, const MountJson&) const override
    {
        TRY(host::run_checked(host, unmount_command(mounted_in(arguments))));
        return {};
    }
};

class LetWrite final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const MountJson& arguments) const override
    {
        const std::optional<Mount> now = TRY(mount_of(host, mounted_in(arguments)));
        const bool writable = now && !now->is_read_only();
        return Inspection{writable ? Found::done : Found::absent, writable ? "may be written" : "read-only"};
    }
    Result<void> apply(Host& host, const MountJson& arguments) const override
    {
        const Mounted mounted = mounted_in(arguments);
        const bool there = TRY(mount_of(host, mounted)).has_value();
        TRY(host::run_checked(host,
                              there ? remount_command(mounted) : mount_command(mounted, mounted.options)));
        return {};
    }
    Result<std::string> remains(Host& host, const MountJson& arguments, const MountJson&) const override
    {
        const Mounted mounted = mounted_in(arguments);
        const std::optional<Mount> now = TRY(mount_of(host, mounted));
        return now && !now->is_read_only() ? mounted.path + " may be written" : "";
    }
    Result<void> revert(Host& host, const MountJson& arguments, const MountJson&) const override
    {
        TRY(host::run_checked(host, changing({"mount", "-o", "remount,ro", mounted_in(arguments).path})));
        return {};
    }
};

/// fuser(1): 0 where somebody uses it, 1 where nobody does.
Result<Finding> ask_is_idle(Host& host, const MountJson& arguments)
{
    const Mounted mounted = mounted_in(arguments);
    const std::string wanted = "no process with a file of it open";
    const Result<host::Outcome> asked = host.run({.argv = {"fuser", "--mount", mounted.path}});
    if (!asked && asked.error().kind == ErrorKind::not_found)
        return Finding{Verdict::warn, "there is no fuser(1) to ask", wanted, "apt install psmisc"};
    const host::Outcome outcome = TRY(Result<host::Outcome>(asked));
    if (outcome.exit_code == 1) return Finding{Verdict::pass, "nobody uses " + mounted.path, wanted};
    return Finding{Verdict::fail, fmt::format("{} is in use by the processes{}", mounted.path, outcome.out),
                   wanted, fmt::format("end them: fuser --verbose --mount {}", mounted.path)};
}

}  // namespace

bool Mounted::is_read_only() const
{
    return ("," + options + ",").find(",ro,") != std::string::npos;
}

operation::Act take_away(const Mounted& mounted)
{
    return {"mount.take-away",
            json_of(mounted),
            {unmount_command(mounted).to_text()},
            {mount_command(mounted, mounted.options).to_text()}};
}

operation::Act give_read_only(const Mounted& mounted)
{
    return {"mount.give-read-only",
            json_of(mounted),
            {mount_command(mounted, read_only_options(mounted.options)).to_text()},
            {unmount_command(mounted).to_text()}};
}

operation::Act let_write(const Mounted& mounted)
{
    return {"mount.let-write",
            json_of(mounted),
            {remount_command(mounted).to_text()},
            {fmt::format("mount -o remount,ro {}", mounted.path)}};
}

operation::Question is_idle(const Mounted& mounted)
{
    return {"mount.is-idle", json_of(mounted)};
}

void fill_mounting(operation::Catalogue& catalogue)
{
    catalogue.add("mount.take-away", std::make_unique<TakeAway>());
    catalogue.add("mount.give-read-only", std::make_unique<GiveReadOnly>());
    catalogue.add("mount.let-write", std::make_unique<LetWrite>());
    catalogue.add_condition("mount.is-idle", ask_is_idle);
}

}  // namespace belay::storage::mounting
