#include "framework/configuration/handover_source.h"

namespace belay::framework::configuration {
namespace {

constexpr size_t entries_at_once = 100;
/// More objects than these are handed over whole.
constexpr size_t most_composed_objects = 20'000;

/// Several changes as one.
class Composite {
  public:
    void add(const Delta& delta)
    {
        for (const ObjectDelta& one : delta.objects) {
            const auto [place, is_new] = objects_.try_emplace(one.id(), one);
            if (!is_new) place->second.after = one.after;
        }
    }
    size_t size() const { return objects_.size(); }
    Delta delta() const
    {
        Delta delta;
        for (const auto& [id, one] : objects_) {
            const bool same =
                one.before == one.after || (one.before && one.after && *one.before == *one.after);
            if (!same) delta.objects.push_back(one);
        }
        return delta;
    }

  private:
    std::map<Id, ObjectDelta> objects_;
};

}  // namespace

Result<Point> HandoverSource::newest()
{
    const Head head = TRY(read_head(store_));
    if (head.version == 0) return Point();
    const Result<HistoryEntry> entry = read_history(store_, head.version);
    if (!entry) return std::unexpected(entry.error());
    return point_of(*entry);
}

Result<std::optional<Step>> HandoverSource::step_from(const Point& from)
{
    if (from.version == 0) return std::optional<Step>();
    Step step{.from = from, .to = from};
    Composite composite;
    // The version itself comes first: whether it is the same one here as there.
    Version next = from.version;
    while (true) {
        const std::vector<HistoryEntry> entries = TRY(read_history_after(store_, next - 1, entries_at_once));
        for (const HistoryEntry& entry : entries) {
            if (entry.version != next++) return std::optional<Step>();
            if (entry.version > from.version) {
                composite.add(entry.delta);
                step.to = point_of(entry);
            } else if (point_of(entry) != from) {
                return std::optional<Step>();
            }
        }
        if (composite.size() > most_composed_objects) return std::optional<Step>();
        if (entries.size() < entries_at_once) break;
    }
    if (step.to == from) return std::optional<Step>();
    step.delta = composite.delta();
    return std::optional<Step>(std::move(step));
}

Result<std::shared_ptr<const Whole>> HandoverSource::whole()
{
    const Loaded loaded = TRY(load(store_));
    Point at;
    if (loaded.head.version > 0) {
        const Result<HistoryEntry> entry = read_history(store_, loaded.head.version);
        if (!entry) return std::unexpected(entry.error());
        at = point_of(*entry);
    }
    return std::make_shared<const Whole>(TRY(whole_of(loaded.configuration, at)));
}

}  // namespace belay::framework::configuration
