#pragma once
// Files and devices of this machine, as Host speaks of them; the contracts are there.

#include "host/host.h"

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

/// Every path is absolute and without zero bytes, else: usage. Threads: any, but one replace() of a file at a
/// time.
namespace belay::host::files {

Result<std::string> read(std::string_view path, Bytes limit);
Result<void> write(std::string_view path, std::string_view text);

/// Goes by ".<name>.belay" beside the file; one that a power cut left there is written anew. A symbolic link
/// is followed and stays. Owner and mode of an existing file are kept; a new one gets `mode_of_new`. Errors
/// besides those of the system: lost (the file was replaced, but its folder could not be synced).
Result<void> replace(std::string_view path, std::string_view text, mode_t mode_of_new = 0644);
Result<void> remove(std::string_view path);

Result<std::vector<std::string>> list(std::string_view path);
Result<std::string> resolve(std::string_view path);

Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size);
Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes);

Result<Space> space(std::string_view path);

}  // namespace belay::host::files
