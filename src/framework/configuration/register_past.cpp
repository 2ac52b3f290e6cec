// The register looks: at what is there, and at what was.

#include "framework/configuration/register.h"
#include "framework/configuration/rules.h"

#include <algorithm>

namespace belay::framework::configuration {

Result<void> Register::refresh()
{
    const Head head = TRY(read_head(store_));
    const bool is_known = loaded_ && head.modified == head_.modified;
    if (!is_known) {
        shared_ = nullptr;
        std::vector<HistoryEntry> news;
        constexpr Version most_by_deltas = 20;
        const bool near =
            loaded_ && head.version >= head_.version && head.version - head_.version <= most_by_deltas;
        loaded_ = false;
        if (near) news = TRY(read_history_after(store_, head_.version, most_by_deltas));
        // Others may have gone on since the head was read: what comes after it is for the next time.
        std::erase_if(news, [&](const HistoryEntry& entry) { return entry.version > head.version; });
        if (near && head.version - head_.version == static_cast<Version>(news.size())) {
            for (const HistoryEntry& entry : news) apply(configuration_, entry.delta);
            head_ = head;
        } else {
            Loaded loaded = TRY(load(store_));
            head_ = loaded.head;
            configuration_ = std::move(loaded.configuration);
        }
        configuration_.set_next_id(head_.next_id);
        loaded_ = true;
    }
    return refresh_pending();
}

Result<void> Register::refresh_pending()
{
    const std::map<std::string, Version> now = TRY(read_pending(store_));
    std::erase_if(pending_, [&](const Pending& one) {
        const auto found = now.find(one.key);
        return found == now.end() || found->second != one.entry.version;
    });
    for (const auto& [key, version] : now) {
        // One that was made since the head was read: what is made now will not be written, and is thought
        // over.
        if (version > head_.version) continue;
        if (std::ranges::find(pending_, key, &Pending::key) != pending_.end()) continue;
        auto entry = read_history(store_, version);
        // Taken back between the two reads; of a version that is kept as long as it is pending.
        if (!entry && entry.error().kind == ErrorKind::not_found) continue;
        if (!entry) return std::unexpected(std::move(entry).error());
        pending_.push_back({key, *std::move(entry)});
    }
    return {};
}

Result<Snapshot> Register::snapshot()
{
    const std::lock_guard lock(mutex_);
    TRY(refresh());
    if (!shared_) shared_ = std::make_shared<const Configuration>(configuration_);
    return Snapshot{head_.version, shared_};
}

std::string Register::who_changed(Id id)
{
    const auto entries = read_history_after(store_, std::max<Version>(head_.version - remembered_versions, 0),
                                            static_cast<size_t>(remembered_versions) + 1);
    if (entries) {
        for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
            if (entry->delta.ids().contains(id)) return told(*entry);
        }
    }
    return "somebody";
}

Result<Register::Progress> Register::progress_of(const std::string& key)
{
    const auto made = TRY(read_made(store_, key));
    if (!made) return Progress{};
    if (made->back != 0) return Progress{Progress::Is::taken_back, made->back};
    const Head head = TRY(read_head(store_));
    if (head.placing && head.version == made->version) return Progress{Progress::Is::placing, made->version};
    const std::optional<store::Entry> pending = TRY(store_.get(pending_key(key)));
    return Progress{pending ? Progress::Is::made : Progress::Is::confirmed, made->version};
}

Result<std::vector<std::string>> Register::changes_since(Version version, const std::set<Id>& ids)
{
    std::vector<std::string> changes;
    const std::vector<HistoryEntry> entries =
        TRY(read_history_after(store_, version, static_cast<size_t>(remembered_versions) + 1));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        for (const ObjectDelta& one : entry->delta.objects) {
            if (ids.contains(one.id()))
                changes.push_back(fmt::format("{} was changed by {}", title_of(one.object()), told(*entry)));
        }
    }
    return changes;
}

Result<std::vector<HistoryEntry>> Register::history(size_t limit)
{
    const Head head = TRY(read_head(store_));
    const Version after =
        std::max<Version>(head.version - static_cast<Version>(std::min<size_t>(limit, 1 << 20)), 0);
    std::vector<HistoryEntry> entries = TRY(read_history_after(store_, after, limit));
    std::ranges::reverse(entries);
    return entries;
}

Result<Delta> Register::back_to(Version version)
{
    const std::lock_guard lock(mutex_);
    TRY(refresh());
    if (version < 0 || version > head_.version || version < head_.oldest - 1)
        return fail(ErrorKind::not_found,
                    fmt::format("the configuration has no version {}: those from {} to {} are kept", version,
                                head_.oldest - 1, head_.version),
                    "belay config history");
    std::map<Id, ObjectPointer> then_there;
    const std::vector<HistoryEntry> entries =
        TRY(read_history_after(store_, version, static_cast<size_t>(head_.version - version)));
    for (const HistoryEntry& entry : entries) {
        for (const ObjectDelta& one : entry.delta.objects) then_there.try_emplace(one.id(), one.before);
    }
    Delta delta;
    for (const auto& [id, object] : then_there) {
        const ObjectPointer now = configuration_.share(id);
        const bool same = now == object || (now && object && *now == *object);
        if (!same) delta.objects.push_back({now, object});
    }
    return delta;
}

}  // namespace belay::framework::configuration
