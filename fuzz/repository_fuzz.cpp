// Whatever a repository may hold, or a server say: each of its texts is refused, or it is one that reads the
// same again.

#include "backup/backend/rest_listing.h"
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

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_again(text);
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
