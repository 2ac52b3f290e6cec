#pragma once
// The configuration of a site in its store: reads it, changes it, and knows its past.
//
// Every change is checked against the rules of the whole at the very instant at which it is made. It is also
// checked against each way back that is still open: whatever others have changed and not confirmed may return
// at any time, and must find a site that it fits.

#include "framework/configuration/checks.h"
#include "framework/configuration/layout.h"

#include <mutex>

namespace belay::framework::configuration {

/// A version of the configuration with all its objects; never changes.
struct Snapshot {
    Version version = 0;
    std::shared_ptr<const Configuration> configuration;
};

/// Whether a change counts at once, or may still be taken back.
enum class Confirmation { at_once, later };

/// Threads: any. Several registers may work on one store.
class Register {
  public:
    /// The store must outlive it.
    explicit Register(store::Store& store) : store_(store) {}

    Result<Snapshot> snapshot();

    /// What would keep a change from being made now. Changes nothing. Errors: as of make().
    Result<void> check_change(const Delta& delta, std::string_view key = {});

    /// Makes a change, once for each key: where it was made already its version comes back. New objects get
    /// their ids. Errors: busy (somebody else has changed the same since, or is about to: who, what and
    /// when); refused (it breaks a rule of the whole, or somebody's way back); usage (too large); those of
    /// the store.
    Result<Version> make(const Delta& delta, const std::string& key, const Author& author,
                         Confirmation confirmation = Confirmation::at_once);

    /// Takes back what was made by that key, as a change of its own; once. That it was never made is no
    /// error. Errors: as of make().
    Result<void> take_back(const std::string& key, const Author& author);

    /// The change of that key can be taken back no more. Errors: those of the store.
    Result<void> confirm(const std::string& key);

    /// How far the change of that key is.
    struct Progress {
        enum class Is { not_made, placing, made, confirmed, taken_back } is = Is::not_made;
        Version version = 0;
    };
    Result<Progress> progress_of(const std::string& key);

    /// Who changed these objects after a version: one sentence each, newest first.
    Result<std::vector<std::string>> changes_since(Version version, const std::set<Id>& ids);

    /// The newest `limit` changes, newest first. Errors: those of the store.
    Result<std::vector<HistoryEntry>> history(size_t limit = 100);
    /// The change that brings back what was at a version. Errors: not_found.
    Result<Delta> back_to(Version version);

  private:
    struct Pending {
        std::string key;
        HistoryEntry entry;
    };

    Result<void> refresh();
    Result<void> refresh_pending();
    Result<void> finish_placing();
    Result<Delta> numbered(const Delta& delta, Id& next_id) const;
    Result<void> fits_what_is_there(const Delta& delta);
    Result<void> leaves_ways_back(const Delta& delta, std::string_view key);
    Result<void> keeps_rules(const Delta& delta, std::string_view key);
    Result<bool> commit(const HistoryEntry& entry, Id next_id, std::vector<store::Compare> when,
                        std::vector<store::Write> then);
    Result<void> forget(store::Transaction& transaction, Head& head);
    std::string who_changed(Id id);

    store::Store& store_;
    std::mutex mutex_;
    bool loaded_ = false;
    Head head_;
    Configuration configuration_;
    std::vector<Pending> pending_;
    std::shared_ptr<const Configuration> shared_;  ///< a copy to give away; null where it is outdated
};

}  // namespace belay::framework::configuration
