#pragma once
// Programs by their names: the one that this process runs, those that lie beside it, those of the system.

#include "base/result.h"

#include <string>

namespace belay::host {

/// The path of this program; empty where the system does not say.
std::string own_program();

/// Becomes the program beside this one that is called like it with `ending`, with these arguments and all
/// that this process has open. Comes back with the error where it could not: not_found, or those of the
/// system.
Error become_sibling(std::string_view ending, char** argv);

/// The program that this word names: a path, or a bare name in the system's folders. Errors: not_found,
/// permission. Threads: any.
Result<std::string> program_path(const std::string& word);

}  // namespace belay::host
