#include "backup/maintenance/statistics.h"
#include "cli/backup/command.h"

namespace belay::cli {
namespace {

using backup::CountMode;

class StatsCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.value("--mode", mode_, "MODE",
                      "restore-size, unless said; files-by-contents, blobs-per-file, raw-data");
        options.words("snapshots", said_, "these alone: ids or latest");
    }

    Result<int> run(BackupContext& context) override
    {
        const CountMode mode = TRY(backup::count_mode_from_text(mode_));
        const backup::Repository* repository = TRY(context.open_with_index());
        const std::vector<backup::Snapshot> chosen =
            TRY(choose_snapshots(TRY(context.snapshots()), said_, TRY(filter_.filter())));
        const backup::Statistics counts = TRY(count_snapshots(*repository, chosen, mode, 0));
        const bool has_blobs = mode == CountMode::blobs_per_file || mode == CountMode::raw_data;
        const bool has_files = mode != CountMode::raw_data;
        if (context.options().json) {
            Json json = {{"total_size", counts.bytes}, {"snapshots_count", counts.snapshots}};
            json["total_file_count"] = has_files ? counts.files : 0;
            if (has_blobs) json["total_blob_count"] = counts.blobs;
            if (mode == CountMode::raw_data) {
                json["total_uncompressed_size"] = counts.content_bytes;
                json["compression_ratio"] = counts.compression_ratio();
            }
            context.json(json);
        }
        std::string text = fmt::format("{} of {} snapshots\n", mode_, counts.snapshots);
        if (has_files) text += fmt::format("  files: {}\n", counts.files);
        if (has_blobs) text += fmt::format("  blobs: {}\n", counts.blobs);
        text += fmt::format("  size:  {}\n", to_text(Bytes{counts.bytes}));
        if (mode == CountMode::raw_data)
            text += fmt::format("  before compression: {}, {:.2f} times as much\n",
                                to_text(Bytes{counts.content_bytes}), counts.compression_ratio());
        context.out(text);
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    FilterOptions filter_;
    std::string mode_ = "restore-size";
    std::vector<std::string> said_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_stats_command()
{
    return std::make_unique<StatsCommand>();
}

}  // namespace belay::cli
