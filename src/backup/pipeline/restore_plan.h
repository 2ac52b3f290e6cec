#pragma once
// What a restore has to do, read from the trees before anything is written.

#include "backup/pipeline/restoring.h"

#include <deque>

namespace belay::backup {

/// A file whose content comes from packs.
struct FileToRestore {
    std::string path;          ///< on this machine
    Node node;                 ///< its content is in the pieces
    uint32_t pieces_left = 0;  ///< that are not yet in it; whoever restores guards this and the next
    bool was_opened = false, had_content = false;
    std::atomic<bool> failed = false;
    FileToRestore(std::string where, Node what) : path(std::move(where)), node(std::move(what)) {}
};

/// A blob's place in a file.
struct Piece {
    uint32_t file = 0;    ///< of RestorePlan::files
    uint32_t blob = 0;    ///< of the blobs of its pack
    uint64_t offset = 0;  ///< in the file
};

/// What is needed of one pack, and where it goes.
struct PackToRead {
    Id id;
    std::vector<PackedBlob> blobs;  ///< by their offsets
    std::vector<Piece> pieces;      ///< by their blobs
};

/// A folder or another thing without content, and its path on this machine.
struct OtherToRestore {
    std::string path;
    Node node;
    std::string link_to;  ///< another name of the same file: restored as a hard link to it
};

struct RestorePlan {
    std::deque<FileToRestore> files;
    std::vector<PackToRead> packs;
    std::vector<OtherToRestore> folders;  ///< those above before those below
    std::vector<OtherToRestore> others;   ///< links, devices, fifos, sockets, and further names of files

    /// Walks the trees. Errors: those of reading the root's tree; those below are told, and what hangs under
    /// them is left out.
    static Result<RestorePlan> make(const Repository& repository, const Id& tree,
                                    const RestoringOptions& options, RestoringObserver& observer,
                                    RestoringSummary& summary);
};

}  // namespace belay::backup
