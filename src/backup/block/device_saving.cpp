#include "backup/block/device_saving.h"

#include "backup/block/base_keeper.h"
#include "backup/block/journal_replay.h"
#include "backup/block/thin_metadata.h"

namespace belay::backup {
namespace {

Result<void> always_valid()
{
    return {};
}

class DeviceSaver {
  public:
    DeviceSaver(host::Host& host, Repository& repository, const DeviceSavingOptions& options,
                DeviceSavingObserver& observer, DeviceSavingSummary& summary)
        : host_(host), repository_(repository), options_(options), observer_(observer), summary_(summary)
    {
    }

    Result<void> run()
    {
        if (options_.keep_base) return save_snapshot(TRY(thin_volume()));
        if (options_.volume_snapshot == VolumeSnapshot::always) return save_snapshot(TRY(volume()));
        Result<std::unique_ptr<DeviceSource>> source =
            DeviceSource::open(options_.device, Sharing::exclusive);
        if (source) return save_unused(**source);
        if (source.error().kind != ErrorKind::busy) return std::unexpected(source.error());
        // No snapshot is needed of it, which would only hold the memory of programs.
        if (TRY(content_name(options_.device)) == "swap") return save_swap();
        if (options_.volume_snapshot == VolumeSnapshot::when_in_use) {
            const std::optional<LogicalVolume> found = TRY(logical_volume_of(host_, options_.device));
            if (found) return save_snapshot(*found);
        }
        if (options_.allow_in_use) return save_shared();
        return std::unexpected(source.error());
    }

  private:
    Result<LogicalVolume> volume()
    {
        const std::optional<LogicalVolume> found = TRY(logical_volume_of(host_, options_.device));
        if (found) return *found;
        return fail(ErrorKind::refused, fmt::format("{} is no logical volume", options_.device),
                    "save it without a snapshot of it, when nothing uses it");
    }

    Result<LogicalVolume> thin_volume()
    {
        LogicalVolume found = TRY(volume());
        if (found.is_thin()) return found;
        return fail(ErrorKind::refused,
                    fmt::format("{} is no thin volume, and so no base of it can be kept", options_.device),
                    "save it without");
    }

    Result<void> save_unused(const DeviceSource& source)
    {
        UsedBlocks used = TRY(blocks_of(source));
        if (used.is_whole()) {
            const std::optional<LogicalVolume> found = TRY(logical_volume_of(host_, options_.device));
            if (found && found->is_thin()) {
                TRY(source.sync());
                leave_out_what_is_not_mapped(*found, used);
            }
        }
        return save(source, used, always_valid);
    }

    /// What cannot be found out is noted, and all is read.
    void leave_out_what_is_not_mapped(const LogicalVolume& thin, UsedBlocks& used)
    {
        const Result<ThinMappings> mappings = mappings_of(thin);
        if (mappings)
            leave_out_unmapped(used, *mappings, thin.size.count);
        else
            observer_.note(fmt::format("what is mapped of {} cannot be told: {}", thin.full_name(),
                                       mappings.error().what));
    }

    Result<ThinMappings> mappings_of(const LogicalVolume& thin)
    {
        const std::unique_ptr<ThinMetadata> metadata = TRY(ThinMetadata::take(host_, thin));
        ThinMappings mappings = TRY(metadata->mappings(thin.path));
        TRY(metadata->give_back());
        return mappings;
    }

    /// Of a swap area in use the header does not change.
    Result<void> save_swap()
    {
        const auto source = TRY(DeviceSource::open(options_.device, Sharing::shared));
        return save_unused(*source);
    }

    /// Of anything else that is in use nothing can be trusted.
    Result<void> save_shared()
    {
        const auto source = TRY(DeviceSource::open(options_.device, Sharing::shared));
        return save(
            *source,
            all_blocks(source->size(), fmt::format("{} is in use: the image may be no state that it ever had",
                                                   options_.device)),
            always_valid);
    }

    Result<void> save_snapshot(const LogicalVolume& origin)
    {
        const std::unique_ptr<LvmSnapshot> snapshot = TRY(LvmSnapshot::take(host_, origin, options_.lvm));
        observer_.note(
            fmt::format("{} is saved from its snapshot {}", options_.device, snapshot->volume().full_name()));
        const Result<void> saved = save_from(origin, *snapshot);
        if (const Result<void> removed = snapshot->remove(); !removed) {
            ++summary_.problems;
            observer_.problem(removed.error());
        }
        return saved;
    }

    Result<void> save_from(const LogicalVolume& origin, const LvmSnapshot& snapshot)
    {
        std::unique_ptr<DeviceSource> source = TRY(DeviceSource::open(snapshot.path(), Sharing::exclusive));
        UsedBlocks used = TRY(blocks_of(*source));
        if (used.needs_recovery) {
            source.reset();
            const Result<void> replayed = replay_journal(host_, snapshot.path(), used.content);
            TRY(snapshot.check());
            observer_.note(replayed ? std::string("its journal is replayed on the snapshot")
                                    : fmt::format("its journal is not replayed on the snapshot: {}",
                                                  replayed.error().what));
            source = TRY(DeviceSource::open(snapshot.path(), Sharing::exclusive));
            used = TRY(blocks_of(*source));
        }
        const auto still_valid = [&] { return snapshot.check(); };
        if (options_.keep_base) return save_changes(origin, snapshot, *source, std::move(used), still_valid);
        if (used.is_whole() && origin.is_thin()) leave_out_what_is_not_mapped(snapshot.volume(), used);
        return save(*source, used, still_valid);
    }

    Result<void> save_changes(const LogicalVolume& origin, const LvmSnapshot& snapshot,
                              const DeviceSource& source, UsedBlocks used,
                              const std::function<Result<void>()>& still_valid)
    {
        BaseKeeper keeper(host_, repository_, origin,
                          {.all_blocks = options_.all_blocks, .dry_run = options_.writer.dry_run},
                          [this](const std::string& what) { observer_.note(what); });
        keeper.prepare(snapshot, used);
        TRY(save(source, used, still_valid, keeper.parent()));
        if (!summary_.snapshot) return {};
        if (summary_.problems > 0) {
            observer_.note("no base is kept, for not all could be read");
            return {};
        }
        if (const Result<void> kept = keeper.keep(*summary_.snapshot); !kept) {
            ++summary_.problems;
            observer_.problem(kept.error());
        }
        return {};
    }

    Result<UsedBlocks> blocks_of(const DeviceSource& source)
    {
        if (options_.all_blocks) return all_blocks(source.size(), "all of its blocks were asked for");
        return used_blocks(host_, source.name(), source.size());
    }

    Result<void> save(const DeviceSource& source, const UsedBlocks& used,
                      const std::function<Result<void>()>& still_valid, const ImageParent* parent = nullptr)
    {
        if (used.is_whole())
            observer_.note(fmt::format("all {} are saved: {}",
                                       used.is_what_is_mapped ? "mapped blocks" : "blocks", used.why_whole));
        return save_blocks(repository_, source, used, options_, still_valid, observer_, summary_, parent);
    }

    host::Host& host_;
    Repository& repository_;
    const DeviceSavingOptions& options_;
    DeviceSavingObserver& observer_;
    DeviceSavingSummary& summary_;
};

}  // namespace

Result<void> save_device(host::Host& host, Repository& repository, const DeviceSavingOptions& options,
                         DeviceSavingObserver& observer, DeviceSavingSummary& summary)
{
    return DeviceSaver(host, repository, options, observer, summary).run();
}

}  // namespace belay::backup
