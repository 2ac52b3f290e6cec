#pragma once
// Whole files that Belay puts on a host: the hooks that keep EFI system partitions in step.

#include "operation/act.h"

#include <string>

namespace belay::storage {

struct PlacedFile {
    std::string path;
    std::string text;
    bool executable = false;
};

/// Puts a file in its place. Back: it goes, or is again what it was.
operation::Act place(const PlacedFile& file);

void fill_placed_file(operation::Catalogue& catalogue);

}  // namespace belay::storage
