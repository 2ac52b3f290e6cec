#pragma once
// Bodies of answers that are made while they are sent: a part of a file, a list of files.

#include "site/media/http.h"
#include "site/media/repository_folder.h"

namespace belay::media {

/// `length` bytes of a file from `offset` on. Whoever sends does not wait for the disk: what does not lie in
/// memory is brought there before. Source: preadv2(2), RWF_NOWAIT.
std::unique_ptr<Stream> stream_of(StoredFile file, uint64_t offset, uint64_t length);

/// A file in a list of such: its name as JSON, or with its size as version 2 of the protocol has it.
std::string listed_as_json(std::string_view name, uint64_t size, bool with_sizes);

/// The files of a kind as JSON.
std::unique_ptr<Stream> list_of(RepositoryFolder repository, Kind kind, bool with_sizes);

}  // namespace belay::media
