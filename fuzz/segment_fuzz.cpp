// Whatever a segment of messages may be: it is refused with a sentence, or it is searched in every way and
// written anew, and that is a segment as well.

#include "base/invariant.h"
#include "framework/messages/store/sealing.h"
#include "framework/messages/store/segment_search.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace belay;
using namespace belay::framework::messages;

/// A folder for the databases, in memory where there is one.
std::string segment_fuzz_folder()
{
    std::string pattern = "/dev/shm/belay-segment-fuzz-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        pattern = "/tmp/belay-segment-fuzz-XXXXXX";
        INVARIANT(::mkdtemp(pattern.data()) != nullptr);
    }
    return pattern;
}

Result<size_t> search_all(const std::string& path)
{
    const auto connection = TRY(read_segment(path, SegmentState::sealed));
    const SegmentSummary summary = TRY(summary_of(*connection));
    TRY(positions_of(*connection));
    size_t count = 0;
    for (const Query& query : {Query{}, Query{.newest = false, .after = 3}, Query{.text = "clerk"},
                               Query{.since = Milliseconds(1'700'000'000'003), .level = Level::alarm},
                               Query{.ids = {EventId{.component = 20, .number = 3}}, .host = "web1"},
                               Query{.application = "Shop 2", .interaction = "call-3", .text = "er"}}) {
        Room room{.messages = query.limit, .bytes = query.bytes};
        std::vector<StoredMessage> found;
        TRY(search_segment(*connection, SegmentState::sealed, summary, query, TextFinder(query.text), room,
                           found));
        INVARIANT(found.size() <= query.limit);
        count += found.size();
    }
    return count;
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static const std::string folder = segment_fuzz_folder();
    const std::string path = folder + "/1.sealed", again = folder + "/again.sealed";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    INVARIANT(file >= 0 && ::write(file, data, size) == static_cast<ssize_t>(size));
    ::close(file);
    const Result<size_t> found = search_all(path);
    if (!found) INVARIANT(!found.error().what.empty());
    const LevelSet stay = {true, true, true, true, false};
    if (write_sealed(path, SegmentState::sealed, again, stay)) {
        const Result<size_t> left = search_all(again);
        // An event or an attribute that cannot be is found by whoever reads it.
        if (!left) INVARIANT(left.error().kind == ErrorKind::corrupt);
    }
    return 0;
}
