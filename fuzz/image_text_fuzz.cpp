// Whatever image.toml, manifest.toml, packages.conf, files.mtree, a version and a range of versions may say:
// it is refused with a sentence, or it keeps the rules, and what is written of it is read as the same. The
// first byte says which of them it is.

#include "base/invariant.h"
#include "upgrade/image/listing.h"
#include "upgrade/image/manifest.h"
#include "upgrade/image/packages.h"
#include "upgrade/image/paths.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::upgrade::image;

template <typename T>
bool is_refused(const Result<T>& result)
{
    if (result) return false;
    INVARIANT(!result.error().what.empty());
    return true;
}

void manifest(std::string_view text)
{
    const Result<Manifest> read = read_manifest(text);
    if (is_refused(read)) return;
    const std::string written = manifest_text(*read);
    const Result<Manifest> again = read_manifest(written);
    INVARIANT(again && manifest_text(*again) == written);
    INVARIANT(check_name(read->name) && parse_version(read->version.text));
    static_cast<void>(may_replace(*read, *again).has_value());
}

void draft(std::string_view text)
{
    const Result<Draft> read = read_draft(text);
    if (!is_refused(read)) INVARIANT(check_name(read->manifest.name));
}

void packages(std::string_view text)
{
    const Result<Packages> read = packages_of(text);
    if (is_refused(read)) return;
    const Result<Packages> again = packages_of(packages_text(*read));
    INVARIANT(again && *again == *read);
    INVARIANT(summary({}, *read).size() >= read->size());
}

void listing(std::string_view text)
{
    const Result<Listing> read = read_listing(text);
    if (is_refused(read)) return;
    INVARIANT(!read->entries.empty() && read->content() <= read->room());
    for (const ListedEntry& entry : read->entries) {
        INVARIANT(check_path(entry.path) && read->find(entry.path) == &entry);
        INVARIANT(entry.mode <= 0777);
        if (entry.type == EntryType::link) INVARIANT(check_link(entry.path, entry.target));
        const std::string_view parent = parent_of(entry.path);
        INVARIANT(parent.empty() || read->find(parent)->type == EntryType::folder);
    }
}

/// Two versions and a range, a line each.
void versions(std::string_view text)
{
    const size_t end = std::min(text.find('\n'), text.size());
    const size_t second = std::min(text.find('\n', std::min(end + 1, text.size())), text.size());
    const Result<Version> one = parse_version(text.substr(0, end));
    const Result<Version> two =
        parse_version(text.substr(std::min(end + 1, second), second - std::min(end + 1, second)));
    const Result<VersionRanges> ranges =
        VersionRanges::of({std::string(text.substr(std::min(second + 1, text.size())))});
    if (is_refused(one) || is_refused(two)) return;
    INVARIANT(compare(*one, *one) == 0);
    INVARIANT((compare(*one, *two) < 0) == (compare(*two, *one) > 0));
    INVARIANT((compare(*one, *two) == 0) == (compare(*two, *one) == 0));
    if (is_refused(ranges)) return;
    // Those that are equivalent fit the same ranges.
    if (compare(*one, *two) == 0) INVARIANT(ranges->admit(*one) == ranges->admit(*two));
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    constexpr void (*readers[])(std::string_view) = {manifest, draft, packages, listing, versions};
    readers[data[0] % std::size(readers)](text);
    return 0;
}
