// Whatever a repository may hold, a server say, or a user of restic write: each text is refused, or it is one
// that reads the same again.

#include "backup/backend/rest_listing.h"
#include "backup/filter/exclusion.h"
#include "backup/maintenance/prune_plan.h"
#include "backup/maintenance/snapshot_groups.h"
#include "backup/maintenance/span_back.h"
#include "backup/repository/compression.h"
#include "backup/repository/config.h"
#include "backup/repository/go_text.h"
#include "backup/repository/index_file.h"
#include "backup/repository/key_file.h"
#include "backup/repository/lock_file.h"
#include "backup/repository/node.h"
#include "backup/repository/pack.h"
#include "backup/repository/snapshot.h"
#include "base/invariant.h"
#include "base/units.h"

#include <cstddef>
#include <cstdint>

using namespace belay::backup;

namespace {

void read_again(std::string_view text)
{
    if (const auto tree = read_tree(text)) {
        const auto again = read_tree(tree_text(*tree));
        INVARIANT(again && again->size() == tree->size());
    }
    if (const auto snapshot = Snapshot::from_text(text))
        INVARIANT(Snapshot::from_text(snapshot->to_text()).has_value());
    if (const auto config = Config::from_text(text))
        INVARIANT(Config::from_text(config->to_text()).has_value());
    if (const auto lock = LockFile::from_text(text))
        INVARIANT(LockFile::from_text(lock->to_text()).has_value());
    if (const auto key = KeyFile::from_text(text)) INVARIANT(KeyFile::from_text(key->to_text()).has_value());
    for (const bool is_version_2 : {true, false}) {
        const auto listing = read_rest_listing(text, is_version_2);
        INVARIANT(!listing || (is_version_2 ? listing->names.empty() : listing->files.empty()));
    }
    std::vector<IndexedPack> packs;
    if (read_index(text, [&](IndexedPack pack) { packs.push_back(std::move(pack)); })) {
        size_t count = 0;
        INVARIANT(read_index(index_text(packs), [&](const IndexedPack&) { ++count; }).has_value());
        INVARIANT(count == packs.size());
    }
}

/// Spans, sizes, groups and marks as they stand on a command line.
void read_words(std::string_view text)
{
    if (const auto span = SpanBack::from_text(text)) {
        const auto again = SpanBack::from_text(span->text());
        INVARIANT(span->is_nothing() || (again && *again == *span));
        const Timestamp now{.seconds = 1'700'000'000};
        INVARIANT(span->before(now) <= now);
    }
    if (const auto unused = MaxUnused::from_text(text))
        INVARIANT(unused->kind == MaxUnused::Kind::unlimited || unused->beside(0) <= unused->beside(1 << 30));
    static_cast<void>(belay::parse_bytes(text).has_value());
    static_cast<void>(GroupBy::from_text(text).has_value());
    if (const auto mark = FolderMark::from_text(text)) INVARIANT(!mark->name.empty());
}

/// The first line is a pattern, the others are paths.
void match(std::string_view text)
{
    const size_t end = std::min(text.find('\n'), text.size());
    static_cast<void>(name_matches(text.substr(0, end), text.substr(end)).has_value());
    for (const bool ignores_case : {false, true}) {
        PatternList list;
        if (!list.add(text.substr(0, end), ignores_case)) continue;
        for (size_t at = end; at < text.size();) {
            const size_t next = std::min(text.find('\n', at + 1), text.size());
            const std::string path = "/" + std::string(text.substr(at + 1, next - at - 1));
            const PatternList::Verdict verdict = list.judge(path);
            // The same, asked again: nothing is kept from one to the next.
            INVARIANT(list.judge(path).matches == verdict.matches);
            at = next;
        }
    }
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_again(text);
    read_words(text);
    match(text);
    const auto unquoted = go_unquoted(go_quoted(text));
    INVARIANT(unquoted && *unquoted == text);
    static_cast<void>(decompress_at_most(text, 1 << 20).has_value());
    if (size < 8) return 0;
    static_cast<void>(decompress(text.substr(4), data[0] | data[1] << 8).has_value());
    // A header that was sealed by the right key, and says anything.
    static const MasterKey key;
    const auto sealed = seal(key, text);
    static_cast<void>(
        read_header(key, *sealed, sealed->size() + header_length_size + (data[0] | data[1] << 8))
            .has_value());
    return 0;
}
