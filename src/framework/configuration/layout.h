#pragma once
// How the configuration lies in the store; all values are JSON.
//
//   config/head                  {version, next_id, oldest, placing}; every change of the configuration
//   rewrites
//                                it, under the comparison that nobody else did since: this alone keeps
//                                writers from overwriting each other
//   config/object/TYPE/ID        {name, disabled, attributes}
//   config/history/VVVVVVVVVVVV  who changed what, with every object before and after; written once, under a
//                                number without a hole. Watchers follow these: since no two changes share a
//                                key, none can be delivered as one with another
//   config/made/KEY              {version, back}: the change of that key was made, and taken back if `back`
//   is
//                                there. A key is made with the plan, so nothing is done twice
//   config/pending/KEY           {version}: made, and neither confirmed nor taken back
//
// A change that fits one transaction is written with all its objects. A larger one (128 writes are the limit)
// is made by the transaction of its history entry and head: from then on it is so, and `placing` says that
// its objects are still on their way from the history entry to their places. Who reads meanwhile lays the
// entry over what is there; who writes finishes the placing first.
//
// Refused: an index of names (the head's comparison and the check of the whole guard names already), and
// generations of the whole that are switched (a change of one object would copy ten thousand).

#include "framework/configuration/delta.h"
#include "store/store.h"

namespace belay::framework::configuration {

constexpr std::string_view head_key = "config/head";
constexpr std::string_view history_prefix = "config/history/";
constexpr std::string_view object_prefix = "config/object/";
constexpr std::string_view pending_prefix = "config/pending/";
constexpr Version remembered_versions = 1000;  ///< how many changes of the past can be looked at

std::string history_key(Version version);
std::string object_key(const Object& object);
std::string made_key(std::string_view key);
std::string pending_key(std::string_view key);

struct Head {
    Version version = 0;
    Id next_id = 1;
    Version oldest = 1;            ///< of the history entries
    bool placing = false;          ///< the objects of `version` are not all in their places yet
    store::Revision modified = 0;  ///< of the key itself
};
Result<Head> read_head(store::Store& store);
std::string head_text(const Head& head);

/// Who changes something, and why.
struct Author {
    std::string who = {};
    std::string origin = {};
    std::string why = {};
    std::string operation = {};  ///< its id; empty: none
    int64_t at_ms = 0;           ///< wall clock
};

/// One change of the past.
struct HistoryEntry {
    Version version = 0;
    Author author = {};
    std::string key = {};
    Version takes_back = 0;    ///< the version that it takes back; 0: none
    std::string summary = {};  ///< "1 changed"
    Delta delta = {};
};
Result<std::string> history_text(const HistoryEntry& entry);
/// Errors: corrupt, version.
Result<HistoryEntry> history_entry_from(std::string_view text);
/// {version, at_ms, who, origin, why, operation, takes_back, summary}: without the change itself.
Json head_line_of(const HistoryEntry& entry);

struct Made {
    Version version = 0;
    Version back = 0;  ///< the version that took it back; 0: none
    store::Revision modified = 0;
};
/// Nothing: the change of that key was never made.
Result<std::optional<Made>> read_made(store::Store& store, std::string_view key);
std::string made_text(const Made& made);

/// Changes that are not confirmed yet: version by key.
Result<std::map<std::string, Version>> read_pending(store::Store& store);

/// Errors: not_found, where it is older than what is kept, or not made yet.
Result<HistoryEntry> read_history(store::Store& store, Version version);
/// The entries after a version, oldest first, at most `limit`. The first may be later than the next one: what
/// was between is forgotten.
Result<std::vector<HistoryEntry>> read_history_after(store::Store& store, Version version, size_t limit);

/// A version and all of its objects, whatever is written meanwhile. Errors: busy, where others write without
/// a pause.
struct Loaded {
    Head head;
    Configuration configuration;
};
Result<Loaded> load(store::Store& store);

}  // namespace belay::framework::configuration
