#include "framework/configuration/reader.h"

#include <charconv>

namespace belay::framework::configuration {
namespace {

constexpr size_t most_at_once = 100;

/// 0: the key is no history entry's.
Version version_of(std::string_view key)
{
    const std::string_view digits = key.substr(history_prefix.size());
    Version version = 0;
    const char* begin = digits.data();
    std::from_chars(begin, begin + digits.size(), version);
    return version;
}

}  // namespace

Error Follower::too_old() const
{
    return Error{.kind = ErrorKind::not_found,
                 .what = fmt::format(
                     "the changes of the configuration after version {} are not all remembered", version_),
                 .next = "read it anew"};
}

Result<void> Follower::watch()
{
    // In this order: what comes between the two is delivered by the watch.
    const store::Revision now = TRY(store_.revision());
    watch_ = TRY(store_.watch(history_prefix, now));
    behind_ = true;
    return {};
}

Result<std::vector<HistoryEntry>> Follower::catch_up()
{
    std::vector<HistoryEntry> entries = TRY(read_history_after(store_, version_, most_at_once));
    if (!entries.empty() && entries.front().version != version_ + 1) return std::unexpected(too_old());
    if (entries.empty()) {
        const Head head = TRY(read_head(store_));
        // Since the list was read another may have come: the watch tells of it.
        if (head.version < version_ || head.oldest > version_ + 1) return std::unexpected(too_old());
    }
    behind_ = entries.size() == most_at_once;
    if (!entries.empty()) version_ = entries.back().version;
    return entries;
}

Result<std::vector<HistoryEntry>> Follower::next(std::chrono::milliseconds patience)
{
    if (behind_) {
        std::vector<HistoryEntry> entries = TRY(catch_up());
        if (!entries.empty()) return entries;
    }
    std::vector<HistoryEntry> entries;
    const std::vector<store::Change> changes = TRY(watch_->next(patience));
    for (const store::Change& change : changes) {
        const Version version = version_of(change.entry.key);
        if (change.deleted || version <= version_) continue;
        if (version != version_ + 1) {
            // One that was forgotten before it was delivered, or that stands further back in the store.
            if (entries.empty()) return catch_up();
            behind_ = true;
            break;
        }
        auto entry = history_entry_from(change.entry.value);
        if (!entry) return std::unexpected(std::move(entry).error());
        entries.push_back(*std::move(entry));
        version_ = version;
    }
    return entries;
}

Result<Snapshot> ConfigurationReader::snapshot()
{
    Loaded loaded = TRY(load(store_));
    return Snapshot{loaded.head.version,
                    std::make_shared<const Configuration>(std::move(loaded.configuration))};
}

Result<std::unique_ptr<Follower>> ConfigurationReader::follow(Version from)
{
    std::unique_ptr<Follower> follower(new Follower(store_, from));
    TRY(follower->watch());
    const Head head = TRY(read_head(store_));
    if (from < 0 || from > head.version || from < head.oldest - 1)
        return std::unexpected(follower->too_old());
    return follower;
}

}  // namespace belay::framework::configuration
