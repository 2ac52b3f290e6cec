#include "backup/block/base_keeper.h"

#include "backup/block/device_restoring.h"
#include "backup/block/thin_metadata.h"

#include <algorithm>

namespace belay::backup {

void leave_out_unmapped(UsedBlocks& used, const ThinMappings& volume, uint64_t size)
{
    if (!used.is_whole()) return;
    used.extents = mapped(volume, size);
    used.is_what_is_mapped = true;
}

void BaseKeeper::prepare(const LvmSnapshot& snapshot, UsedBlocks& used)
{
    if (const Result<void> compared = compare(snapshot, used); !compared) {
        parent_.reset();
        next_.reset();
        note_(fmt::format("all is read, and no base is kept: {}", compared.error().what));
    }
}

Result<void> BaseKeeper::compare(const LvmSnapshot& snapshot, UsedBlocks& used)
{
    if (!options_.dry_run) next_ = TRY(LvmSnapshot::freeze(host_, snapshot.volume()));
    const std::optional<KeptBase> base = TRY(usable_base());
    std::unique_ptr<ActiveBase> active;
    if (base) active = TRY(ActiveBase::activate(host_, base->volume));

    const std::unique_ptr<ThinMetadata> metadata = TRY(ThinMetadata::take(host_, snapshot.volume()));
    const ThinMappings now = TRY(metadata->mappings(snapshot.path()));
    std::optional<ThinMappings> before;
    if (base) before = TRY(metadata->mappings(base->volume.path));
    TRY(metadata->give_back());

    leave_out_unmapped(used, now, origin_.size.count);
    mark_ = {.name = origin_.name,
             .uuid = origin_.uuid,
             .repository = repository_.config().id,
             .snapshot = {},
             .used = used_digest(used.extents),
             .blocks = now.blocks};
    if (!base) return {};
    Result<ImageParent> parent = image_of(*base);
    Result<Extents> changed =
        parent ? changed_since(*base, *before, now, used) : std::unexpected(parent.error());
    if (!changed) {
        note_(fmt::format("all is read: {}", changed.error().what));
        return {};
    }
    parent->changed = *std::move(changed);
    parent_ = *std::move(parent);
    note_(fmt::format("read is what has changed since the snapshot {}", parent_->snapshot.short_hex()));
    return {};
}

/// The last base that is of this volume and repository. What is wrong with others is noted where there is
/// none.
Result<std::optional<KeptBase>> BaseKeeper::usable_base()
{
    bases_ = TRY(kept_bases(host_, origin_.full_name()));
    std::string why = "no base was kept";
    std::optional<KeptBase> found;
    Timestamp newest;
    for (const KeptBase& base : bases_) {
        const std::string name = base.volume.full_name();
        if (base.mark.uuid != origin_.uuid) {
            why = fmt::format("the base {} is of a volume {} that is gone", name, base.mark.name);
            continue;
        }
        if (base.mark.repository != repository_.config().id) {
            why = fmt::format("the base {} is of another repository", name);
            continue;
        }
        const Result<std::string> text = repository_.load_text({FileKind::snapshot, base.mark.snapshot});
        const Result<Snapshot> snapshot = text ? Snapshot::from_text(*text) : std::unexpected(text.error());
        if (!snapshot) {
            why = fmt::format("the snapshot {} of the base {} cannot be had: {}",
                              base.mark.snapshot.short_hex(), name, snapshot.error().what);
            continue;
        }
        if (base.volume.size != origin_.size) {
            why = fmt::format("{} has another size than its base {}", origin_.full_name(), name);
            continue;
        }
        if (found && snapshot->time <= newest) continue;
        newest = snapshot->time;
        found = base;
    }
    if (!found) note_("all is read: " + why);
    return found;
}

/// Where the image of a base lies.
Result<ImageParent> BaseKeeper::image_of(const KeptBase& base) const
{
    const std::string text = TRY(repository_.load_text({FileKind::snapshot, base.mark.snapshot}));
    const Node image = TRY(image_in(repository_, TRY(Snapshot::from_text(text)).tree));
    if (image.size != origin_.size.count)
        return fail(ErrorKind::refused, fmt::format("the image in the snapshot {} has another size",
                                                    base.mark.snapshot.short_hex()));
    ImageParent parent;
    parent.snapshot = base.mark.snapshot;
    parent.chunks = TRY(ImagePlan::make(repository_, image)).chunks;
    return parent;
}

/// Where blocks are not shared with the base, or are used now and were not then, or the other way round: a
/// file that had no name when the base was kept may have got one without a block of it being written.
Result<Extents> BaseKeeper::changed_since(const KeptBase& base, const ThinMappings& before,
                                          const ThinMappings& now, const UsedBlocks& used)
{
    const uint64_t size = origin_.size.count;
    const std::string name = base.volume.full_name();
    if (!before.is_as_created() || before.blocks != base.mark.blocks || before.block_size != now.block_size)
        return fail(ErrorKind::refused, fmt::format("somebody has written to the base {}", name));
    UsedBlocks used_before =
        options_.all_blocks ? all_blocks(size, "all") : TRY(used_blocks(host_, base.volume.path, size));
    leave_out_unmapped(used_before, before, size);
    if (used_digest(used_before.extents) != base.mark.used)
        return fail(ErrorKind::refused, fmt::format("other blocks of the base {} were saved", name));
    return united(unshared(before, now, size), difference(used_before.extents, used.extents));
}

Result<void> BaseKeeper::keep(const Id& snapshot)
{
    if (!next_) return {};
    mark_.snapshot = snapshot;
    TRY(next_->keep(mark_.tags()));
    for (const KeptBase& base : bases_) TRY(drop_base(host_, base));
    return {};
}

}  // namespace belay::backup
