#pragma once
// Where a repository lies: whole files by name, nothing more. What a place must promise is little, so that
// many places can, and one conformance suite holds all of them to it.

#include "backup/repository/id.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace belay::backup {

enum class FileKind : uint8_t { config, key, lock, snapshot, index, pack };

/// The folder of a kind, as "snapshots"; "config" of the config, which is a file.
std::string_view folder_of(FileKind kind);

/// A file of a repository; there is one config, which has no id.
struct FileName {
    FileKind kind = FileKind::config;
    Id id = {};

    /// As people see it: "snapshot 1f2e3d4c", "config".
    std::string text() const;
    auto operator<=>(const FileName&) const = default;
};

struct ListedFile {
    Id id;
    uint64_t size = 0;
};

/// Their ids, in order.
std::vector<Id> ids_of(const std::vector<ListedFile>& files);

/// Threads: any. Files are written once and never changed.
class Backend {
  public:
    virtual ~Backend() = default;

    /// Where it is, for people; without passwords.
    virtual std::string location() const = 0;

    /// Makes room for a new repository. Errors: refused, where there is one; those of the place.
    virtual Result<void> create() = 0;

    /// Writes a file. When it returns the file is there, whole and for good; after an error, or a crash, it
    /// is there whole or not at all. One that is there already is left as it is: it has the same content, for
    /// its name says so; but of the config, which may not be replaced: refused. Errors: no_space, permission,
    /// unavailable, io.
    virtual Result<void> save(const FileName& name, std::string_view content) = 0;

    /// `length` bytes from `offset`, exactly; 0: all that follow. Errors: not_found, corrupt (it ends
    /// before, is no file, or larger than 1 GiB), permission, unavailable, io.
    virtual Result<std::string> load(const FileName& name, uint64_t offset = 0, uint64_t length = 0) = 0;

    /// Errors: not_found, corrupt (it is no file, or of no size), permission, unavailable, io.
    virtual Result<uint64_t> size(const FileName& name) = 0;

    /// One that is not there is no error. Errors: permission, unavailable, io.
    virtual Result<void> remove(const FileName& name) = 0;

    /// Whether whoever lists files finds all that anybody had made before he began, and none that had been
    /// removed. Then of two that each write a lock, and look for others' after that, one at least sees the
    /// other's, and neither has to wait before he looks.
    virtual bool lists_what_is_there() const { return false; }

    /// All files of a kind but the config, in no order. A file with a name that is no id is passed over: it
    /// is nobody's, or one that is still being written. Errors: permission, unavailable, io.
    virtual Result<std::vector<ListedFile>> list(FileKind kind) = 0;
};

}  // namespace belay::backup
