#include "cli/backup/prune_run.h"

#include "cli/backup/progress.h"

namespace belay::cli {
namespace {

using backup::PruneFigures;
using backup::PrunePhase;

const char* text_of_phase(PrunePhase phase)
{
    switch (phase) {
        case PrunePhase::index:
            return "reading the index";
        case PrunePhase::trees:
            return "reading trees";
        case PrunePhase::repack:
            return "writing packs anew";
        case PrunePhase::rewrite_index:
            return "writing the index anew";
        case PrunePhase::wait:
            return "waiting for others";
        case PrunePhase::remove_index:
            return "removing old index files";
        case PrunePhase::remove_packs:
            return "removing packs";
    }
    return "";
}

std::string figures_text(const PruneFigures& figures, bool dry_run)
{
    const auto size = [](uint64_t bytes) { return to_text(Bytes{bytes}); };
    const std::string_view would = dry_run ? "would be " : "";
    return fmt::format(
        "used:      {} in {} blobs\n"
        "unused:    {} in {} blobs, and {} twice\n"
        "packs:     {} stay, {} {}written anew, {} {}removed, {} that no index knows\n"
        "freed:     {}; {} unused stays\n",
        size(figures.used.bytes), figures.used.blobs, size(figures.unused.bytes), figures.unused.blobs,
        size(figures.duplicate.bytes), figures.packs_keep, figures.packs_repack, would, figures.packs_remove,
        would, figures.packs_unindexed, size(figures.freed_bytes()), size(figures.unused_bytes_after()));
}

Json figures_json(const PruneFigures& figures)
{
    return {{"used_blobs", figures.used.blobs},
            {"used_bytes", figures.used.bytes},
            {"unused_blobs", figures.unused.blobs},
            {"unused_bytes", figures.unused.bytes},
            {"duplicate_bytes", figures.duplicate.bytes},
            {"packs_keep", figures.packs_keep},
            {"packs_repack", figures.packs_repack},
            {"packs_remove", figures.packs_remove},
            {"packs_unindexed", figures.packs_unindexed},
            {"freed_bytes", figures.freed_bytes()},
            {"unused_bytes_after", figures.unused_bytes_after()}};
}

class PruneReport final : public backup::PruneObserver {
  public:
    PruneReport(BackupContext& context, bool dry_run) : context_(context), dry_run_(dry_run) {}

    void begins(PrunePhase phase, uint64_t total) override
    {
        const std::lock_guard lock(mutex_);
        phase_ = phase;
        total_ = total;
        done_ = 0;
        if (context_.options().verbose > 0) context_.note(fmt::format("{}\n", text_of_phase(phase)));
    }
    void advanced(PrunePhase, uint64_t by) override { done_ += by; }
    void waits_for(const Error& busy) override
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(waited_for_, busy.what) == busy.what) return;
        if (context_.options().json)
            context_.json({{"message_type", "waiting"}, {"for", busy.what}});
        else
            context_.note(fmt::format("waiting: {}\n", clean(context_.style(), busy.what)));
    }
    void planned(const PruneFigures& figures) override { context_.note(figures_text(figures, dry_run_)); }

    Progress progress()
    {
        const std::lock_guard lock(mutex_);
        return {.doing = text_of_phase(phase_),
                .unit = "steps",
                .files_done = done_,
                .files_total = total_,
                .totals_are_known = total_ > 0};
    }

  private:
    BackupContext& context_;
    bool dry_run_;
    std::mutex mutex_;
    PrunePhase phase_ = PrunePhase::index;
    uint64_t total_ = 0;
    std::atomic<uint64_t> done_ = 0;
    std::string waited_for_;
};

}  // namespace

void PruneWords::declare(OptionTable& options)
{
    options.value("--max-unused", max_unused, "LIMIT",
                  "leave so much unused: 5%, 10G, unlimited; 5% unless said");
    options.value("--max-repack-size", max_repack_size, "SIZE", "write no more than so much anew");
    options.flag("--repack-cacheable-only", cacheable_only, "write only packs of trees anew");
    options.flag("--repack-small", small, "put packs below 80 % of the usual size together");
    options.flag("--repack-uncompressed", uncompressed, "compress what is not");
    options.value("--patience", patience, "TIME",
                  "wait so long for those who hold a lock: 10min unless said");
}

Result<backup::PruneOptions> PruneWords::read(const BackupContext& context) const
{
    backup::PruneOptions options;
    if (!max_unused.empty()) options.limits.max_unused = TRY(backup::MaxUnused::from_text(max_unused));
    if (!max_repack_size.empty())
        options.limits.max_repack_size = TRY(read_size("--max-repack-size", max_repack_size));
    options.limits.repack_cacheable_only = cacheable_only;
    options.limits.repack_small = small;
    options.limits.repack_uncompressed = uncompressed;
    options.limits.pack_size = TRY(context.pack_size());
    const std::string& wait = patience.empty() ? context.options().retry_lock : patience;
    if (!wait.empty())
        options.patience = std::chrono::duration_cast<std::chrono::seconds>(TRY(parse_span(wait)));
    return options;
}

Result<int> run_prune(BackupContext& context, backup::Repository& repository,
                      const backup::PruneOptions& options)
{
    backup::PruneSummary summary;
    PruneReport report(context, options.dry_run);
    context.catch_signals();
    Milliseconds passed{0};
    Result<void> pruned;
    {
        const ProgressView view(context, [&report] { return report.progress(); });
        pruned = prune_repository(repository, options, report, summary);
        passed = view.passed();
    }
    if (!pruned) {
        if (pruned.error().kind == ErrorKind::busy) context.fails_with(BackupExit::locked);
        return std::unexpected(std::move(pruned).error());
    }
    if (context.options().json) {
        Json json = figures_json(summary.figures);
        json["message_type"] = "prune_summary";
        json["dry_run"] = options.dry_run;
        json["packs_removed"] = summary.packs_removed;
        json["index_files_removed"] = summary.index_files_removed;
        json["alone_ms"] = summary.alone.count();
        context.json(json);
    }
    if (!options.dry_run)
        context.note(fmt::format("removed {} packs in {}; others were kept waiting for {}\n",
                                 summary.packs_removed, to_text(passed), to_text(summary.alone)));
    return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
}

}  // namespace belay::cli
