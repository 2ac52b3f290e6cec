#pragma once
// Mounts that a change takes away and gives back.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::mounting {

/// One that is to be there again: device by a path that lasts.
struct Mounted {
    std::string device, path, type, options;
    bool is_read_only() const;
};

/// Unmounts it. Back: it is mounted as it was.
operation::Act take_away(const Mounted& mounted);
/// Mounts it, but read-only: what is on it stays as it is, so that going back loses nothing. Back: unmounted.
operation::Act give_read_only(const Mounted& mounted);
/// Lets it be written again.
operation::Act let_write(const Mounted& mounted);

/// No process has a file or folder of it open.
operation::Question is_idle(const Mounted& mounted);

void fill_mounting(operation::Catalogue& catalogue);

}  // namespace belay::storage::mounting
