#pragma once
// A restore point of data: the used blocks of a device in a repository of its own, in restic's format, made
// and read by `belay backup`, which is asked as any other tool is.
//
//     FOLDER/data         the repository; FOLDER/password is its password
//     FOLDER/data.json    the snapshot, and the fingerprints of the device and of its tree of files; put
//     there
//                         last
//     FOLDER/tree         where the filesystem is mounted, read-only, for as long as its tree is read

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::data_point {

/// A filesystem that nobody has mounted, and where what it holds is kept. `folder` may stand for the
/// operation's own.
struct Source {
    std::string device;
    std::string folder;
};

/// Saves it; whole is what a check of the repository finds whole, all its data read back. Back: what was cut
/// short goes.
operation::Act keep(const Source& source);
/// What an operation restores by; the commands are for the undo of the step that destroys.
operation::Act put_back(const Source& source);
/// The used content of the device, in one line: bit by bit the same.
operation::Question proof(const Source& source);
/// The tree of files is the one that was saved, wherever its blocks are now. Looked at by a mount of its own.
operation::Act compare_tree(const Source& source);

/// For actions that change the device: nobody has it mounted, nor had since it was saved. Errors: refused.
Result<void> unchanged_since(host::Host& host, const nlohmann::json& source);
/// Unmounts it wherever it is mounted: a boot does that by itself.
Result<void> unmount_everywhere(host::Host& host, const std::string& device);

void fill_data_point(operation::Catalogue& catalogue);

}  // namespace belay::storage::data_point
