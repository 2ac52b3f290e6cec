#pragma once
// What a query finds in one segment.

#include "framework/messages/store/segment_file.h"
#include "framework/messages/store/trigram_index.h"

namespace belay::framework::messages {

/// How much more a query may give.
struct Room {
    size_t messages = 0;
    size_t bytes = 0;
};

/// Appends what is found to `found`, the newest first where the query asks for the newest, else the oldest
/// first, and takes it from the room. False: there is no room for what would come next. Errors: corrupt, io;
/// `found` may have got something even so.
Result<bool> search_segment(const store::SqliteConnection& connection, SegmentState state,
                            const SegmentSummary& summary, const Query& query, const TextFinder& text,
                            Room& room, std::vector<StoredMessage>& found);

}  // namespace belay::framework::messages
