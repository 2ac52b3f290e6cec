#pragma once
// What a name in an image may be. The rules are told in docs/images.md, "files.mtree".

#include "base/result.h"

#include <string_view>

namespace belay::upgrade::image {

/// A path below the root of an image: relative, "bin/shop". Errors: refused, naming the path and what is
/// wrong with it.
Result<void> check_path(std::string_view path);

/// Where the symbolic link `path` leads to must be inside the root. Errors: refused.
Result<void> check_link(std::string_view path, std::string_view target);

/// The folder that holds it; empty: the root.
std::string_view parent_of(std::string_view path);

}  // namespace belay::upgrade::image
