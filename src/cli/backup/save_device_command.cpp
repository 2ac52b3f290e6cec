#include "backup/block/device_saving.h"
#include "backup/block/kept_base.h"
#include "backup/repository/this_process.h"
#include "cli/backup/command.h"
#include "cli/backup/identity_options.h"
#include "cli/backup/progress.h"
#include "cli/backup/times.h"
#include "host/real.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::DeviceSavingOptions;
using backup::DeviceSavingSummary;
using backup::VolumeSnapshot;

class DeviceReport final : public backup::DeviceSavingObserver {
  public:
    explicit DeviceReport(BackupContext& context) : context_(context) {}

    void problem(const Error& error) override
    {
        if (context_.options().json)
            context_.error_line({{"message_type", "error"}, {"error", {{"message", error.what}}}});
        else
            context_.problem(error);
    }
    void note(const std::string& what) override
    {
        if (context_.options().json)
            context_.json({{"message_type", "note"}, {"message", what}});
        else
            context_.note(clean(context_.style(), what) + '\n');
    }

  private:
    BackupContext& context_;
};

class SaveDeviceCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.value("--snapshot", snapshot_, "WHEN",
                      "save from a snapshot of the logical volume: in-use, unless said; always or never");
        options.value("--snapshot-size", snapshot_size_, "SIZE",
                      "room for what is written to the volume meanwhile");
        options.flag(
            "--keep-base", keep_base_,
            "of a thin volume: read what has changed since the last save with this option, and leave "
            "a snapshot of the volume in its pool for the next one");
        options.flag("--drop-base", drop_base_, "remove that snapshot, and save nothing");
        options.flag("--all-blocks", all_blocks_, "unused blocks, too");
        options.flag("--allow-in-use", allow_in_use_,
                     "save a device that others write to: it may be no state it ever had");
        options.flag("--clean", clean_,
                     "remove snapshots of volumes that an earlier run has left behind, and save nothing");
        options.flag("-n,--dry-run", dry_run_, "read and count, and write nothing");
        options.value("-H,--host", host_, "HOST", "the name of the host, for the snapshot");
        options.values("--tag", tags_, "TAG,...", "tags of the snapshot; may be repeated");
        options.value("--time", time_, "TIME", "the time of the snapshot: now, unless said");
        identity_.declare(options);
        options.value("--name", name_, "NAME",
                      "of the image in the snapshot: vg-data.img of /dev/vg/data, unless said");
        options.word("device", device_, "a block device, a logical volume, or an image file");
    }

    Result<int> run(BackupContext& context) override
    {
        const std::unique_ptr<host::Host> host = host::real_host();
        if (clean_) return clean_up(context, *host);
        if (device_.empty())
            return fail(ErrorKind::usage, "no device is named", "belay backup save-device /dev/vg/data");
        if (drop_base_) return drop_base(context, *host);
        DeviceSavingOptions options = TRY(read_options(context));
        TRY(identity_.add_to(options.tags));
        backup::Repository* repository = TRY(context.open_with_index());
        DeviceSavingSummary summary;
        DeviceReport report(context);
        Milliseconds passed{0};
        Result<void> saved;
        {
            const ProgressView view(context, [&summary, this] {
                return Progress{.doing = "saving " + device_,
                                .bytes_done = summary.bytes_done,
                                .bytes_total = summary.bytes_used,
                                .totals_are_known = summary.bytes_used > 0,
                                .problems = summary.problems};
            });
            saved = save_device(*host, *repository, options, report, summary);
            passed = view.passed();
        }
        if (!saved) return std::unexpected(std::move(saved).error());
        finish(context, summary, passed);
        return static_cast<int>(summary.problems > 0 ? BackupExit::incomplete : BackupExit::done);
    }

  private:
    Result<DeviceSavingOptions> read_options(const BackupContext& context) const
    {
        DeviceSavingOptions options{.device = device_,
                                    .image_name = name_,
                                    .keep_base = keep_base_,
                                    .all_blocks = all_blocks_,
                                    .allow_in_use = allow_in_use_,
                                    .hostname = host_.empty() ? backup::host_name() : host_,
                                    .username = backup::user_name(),
                                    .program_version = "belay " BELAY_VERSION};
        if (snapshot_ == "always" || snapshot_ == "never")
            options.volume_snapshot = snapshot_ == "always" ? VolumeSnapshot::always : VolumeSnapshot::never;
        else if (snapshot_ != "in-use")
            return fail(ErrorKind::usage, fmt::format("--snapshot: \"{}\" says not when", snapshot_),
                        "in-use, always or never");
        if (keep_base_ && snapshot_ == "never")
            return fail(ErrorKind::usage, "--keep-base needs a snapshot of the volume",
                        "leave out --snapshot never");
        if (!snapshot_size_.empty())
            options.lvm.room = Bytes{TRY(read_size("--snapshot-size", snapshot_size_))};
        for (const auto& list : tag_lists(tags_)) std::ranges::copy(list, std::back_inserter(options.tags));
        if (!time_.empty()) options.time = TRY(read_time("--time", time_));
        options.writer.compression = TRY(context.compression());
        options.writer.pack_size = TRY(context.pack_size());
        options.writer.dry_run = dry_run_;
        return options;
    }

    static Result<int> clean_up(BackupContext& context, host::Host& host)
    {
        const auto left = TRY(backup::leftover_snapshots(host));
        for (const auto& volume : left) {
            TRY(backup::remove_leftover_snapshot(host, volume));
            context.note(fmt::format("removed {}\n", clean(context.style(), volume.path)));
        }
        if (left.empty()) context.note("nothing was left behind\n");
        return 0;
    }

    /// Also of a volume that is gone.
    Result<int> drop_base(BackupContext& context, host::Host& host) const
    {
        std::string name = device_;
        if (const auto volume = backup::logical_volume_of(host, device_); volume && *volume)
            name = (*volume)->full_name();
        else if (name.starts_with("/dev/"))
            name = name.substr(5);
        const auto bases = TRY(backup::kept_bases(host, name));
        for (const auto& base : bases) {
            TRY(backup::drop_base(host, base));
            context.note(fmt::format("removed {}\n", clean(context.style(), base.volume.full_name())));
        }
        if (bases.empty()) context.note(fmt::format("no base of {} is kept\n", clean(context.style(), name)));
        return 0;
    }

    void finish(BackupContext& context, const DeviceSavingSummary& summary, Milliseconds passed) const
    {
        if (context.options().json) {
            Json json = {{"message_type", "summary"},
                         {"content", summary.content},
                         {"total_bytes", summary.bytes_total.load()},
                         {"bytes_used", summary.bytes_used.load()},
                         {"bytes_read", summary.bytes_read.load()},
                         {"bytes_lost", summary.bytes_lost.load()},
                         {"data_added", summary.written.content},
                         {"data_added_packed", summary.written.stored},
                         {"total_duration", static_cast<double>(passed.count()) / 1000},
                         {"dry_run", dry_run_}};
            if (!summary.why_whole.empty()) json["why_whole"] = summary.why_whole;
            if (summary.parent) json["parent"] = summary.parent->hex();
            if (summary.snapshot) json["snapshot_id"] = summary.snapshot->hex();
            return context.json(json);
        }
        const auto size = [](uint64_t bytes) { return to_text(Bytes{bytes}); };
        const std::string read =
            summary.parent ? fmt::format(", {} of it read", size(summary.bytes_read)) : std::string();
        context.note(fmt::format("{}, {} of {} in use{}, in {}\n{}: {} new, {} stored\n",
                                 summary.content.empty() ? "unknown content" : summary.content,
                                 size(summary.bytes_used), size(summary.bytes_total), read, to_text(passed),
                                 dry_run_ ? "would add" : "added", size(summary.written.content),
                                 size(summary.written.stored)));
        if (summary.bytes_lost > 0)
            context.say_on_error(
                fmt::format("{} could not be read, and are zeros in the image\n", size(summary.bytes_lost)));
        if (summary.snapshot) context.note(fmt::format("snapshot {} saved\n", summary.snapshot->short_hex()));
    }

    std::string device_, snapshot_ = "in-use", snapshot_size_, host_, time_, name_;
    std::vector<std::string> tags_;
    IdentityOptions identity_;
    bool keep_base_ = false, drop_base_ = false;
    bool all_blocks_ = false, allow_in_use_ = false, clean_ = false, dry_run_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_save_device_command()
{
    return std::make_unique<SaveDeviceCommand>();
}

}  // namespace belay::cli
