#include "backup/block/device_restoring.h"
#include "backup/view/chosen_tree.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"
#include "cli/backup/progress.h"

namespace belay::cli {
namespace {

using backup::DeviceRestoringSummary;

class DeviceRestoreReport final : public backup::DeviceRestoringObserver {
  public:
    explicit DeviceRestoreReport(BackupContext& context) : context_(context) {}

    void problem(const Error& error) override { context_.problem(error); }

  private:
    BackupContext& context_;
};

class RestoreDeviceCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.value("-t,--target", options_.target, "DEVICE", "a block device, or a new file");
        options.value("--file", file_, "PATH",
                      "of the image in the snapshot, where it is not the only one there");
        options.flag("--target-is-zero", options_.target_is_zero,
                     "it reads as zeros: these need not be written");
        options.flag("--compare", options_.compare,
                     "write only what differs: to go on after a restore was cut short");
        options.flag("--verify", options_.verify, "read everything back");
        options.flag("--allow-in-use", options_.allow_in_use, "write to a device that is in use");
        options.flag("--overwrite", options_.overwrite_file, "write into a file that is there");
        options.flag("--yes", yes_, "do not ask");
        options.word("snapshot", said_, "the beginning of its id, or latest");
    }

    Result<int> run(BackupContext& context) override
    {
        if (said_.empty() || options_.target.empty())
            return fail(ErrorKind::usage, "a snapshot and a target are wanted",
                        "belay backup restore-device latest --target /dev/vg/new");
        const backup::Repository* repository = TRY(context.open_with_index());
        const std::vector<backup::Snapshot> all = TRY(context.snapshots());
        const backup::ChosenTree chosen = TRY(choose_tree(*repository, all, said_, TRY(filter_.filter())));
        const backup::Node image = TRY(file_.empty() ? image_in(*repository, chosen.tree)
                                                     : find_entry(*repository, chosen.tree, file_));
        const std::string what =
            fmt::format("{}, {}, of {}", clean(context.style(), image.name), to_text(Bytes{image.size}),
                        snapshot_text(context.style(), chosen.snapshot));
        if (!yes_) {
            if (!context.console().can_ask())
                return fail(ErrorKind::usage,
                            fmt::format("{} would be overwritten, and nobody can be asked", options_.target),
                            "--yes, where that is meant");
            const auto answer =
                context.console().ask(fmt::format("Write {}\nover all that is on {}? Type yes: ", what,
                                                  clean(context.style(), options_.target)));
            if (answer != "yes") return fail(ErrorKind::refused, "nothing was written");
        }
        return restore(context, *repository, image, what);
    }

  private:
    Result<int> restore(BackupContext& context, const backup::Repository& repository,
                        const backup::Node& image, const std::string& what) const
    {
        DeviceRestoringSummary summary;
        DeviceRestoreReport report(context);
        Milliseconds passed{0};
        Result<void> restored;
        {
            const ProgressView view(context, [&] {
                return Progress{.doing = "restoring " + options_.target,
                                .bytes_done = summary.bytes_done,
                                .bytes_total = summary.bytes_total,
                                .totals_are_known = summary.bytes_total > 0,
                                .problems = summary.problems};
            });
            restored = restore_device(repository, image, options_, report, summary);
            passed = view.passed();
        }
        if (!restored) return std::unexpected(std::move(restored).error());
        if (context.options().json)
            context.json({{"message_type", "summary"},
                          {"total_bytes", summary.bytes_total.load()},
                          {"bytes_written", summary.bytes_written.load()},
                          {"bytes_skipped", summary.bytes_there.load()},
                          {"bytes_verified", summary.bytes_verified.load()},
                          {"error_count", summary.problems.load()}});
        context.note(fmt::format("restored {}\n  to {} in {}: {} written, {} was there, {} verified\n", what,
                                 clean(context.style(), options_.target), to_text(passed),
                                 to_text(Bytes{summary.bytes_written}), to_text(Bytes{summary.bytes_there}),
                                 to_text(Bytes{summary.bytes_verified})));
        return static_cast<int>(summary.problems > 0 ? BackupExit::failed : BackupExit::done);
    }

    FilterOptions filter_;
    backup::DeviceRestoringOptions options_;
    std::string said_, file_;
    bool yes_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_restore_device_command()
{
    return std::make_unique<RestoreDeviceCommand>();
}

}  // namespace belay::cli
