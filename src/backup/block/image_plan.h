#pragma once
// Where every chunk of an image lies in the repository, and where it goes.

#include "backup/repository/node.h"
#include "backup/repository/repository.h"

namespace belay::backup {

struct ImageChunk {
    Id id;
    uint64_t offset = 0, length = 0;  ///< in the image
    bool is_zeros = false;            ///< known from its id, without reading it
};

/// The chunks of one pack that are read, by where they lie in it.
struct ImagePack {
    Id id;
    struct Part {
        PackedBlob blob;
        size_t chunk = 0;  ///< of ImagePlan::chunks
    };
    std::vector<Part> parts;
};

struct ImagePlan {
    std::vector<ImageChunk> chunks;  ///< in the order of the image
    std::vector<ImagePack> packs;    ///< of all chunks but the first and those of zeros

    /// Errors: corrupt, where a chunk is in no index, or they do not make the size of the image.
    static Result<ImagePlan> make(const Repository& repository, const Node& image);
};

}  // namespace belay::backup
