#pragma once
// The folder of one repository, laid out as restic does it: config, keys/, locks/, snapshots/, index/, and
// data/ in 256 folders by the first byte of the id. Names come from strangers, so every way into it is by the
// descriptor of its space, below that, and by no symbolic link. Source: openat2(2).

#include "base/digest.h"
#include "host/descriptor.h"
#include "site/media/request_path.h"

#include <functional>
#include <optional>

namespace belay::media {

/// A space: a folder beside others in the data folder, which may be a mount of its own. What is being written
/// lies in ".incoming" in it. Threads: any.
class SpaceFolder {
  public:
    /// Makes it where it is not there; what an earlier server has left half-written goes. Errors: those of
    /// the system.
    static Result<SpaceFolder> open(const std::string& path);

    /// What all files in it take, of half-written ones too. Errors: those of the system.
    Result<uint64_t> bytes_of_all_files() const;

    const host::Descriptor& folder() const { return folder_; }
    const host::Descriptor& incoming() const { return incoming_; }

  private:
    SpaceFolder(host::Descriptor folder, host::Descriptor incoming)
        : folder_(std::move(folder)), incoming_(std::move(incoming))
    {
    }

    host::Descriptor folder_, incoming_;
};

/// A file of a repository that is open for reading.
struct StoredFile {
    host::Descriptor file;
    uint64_t size = 0;
};

/// What comes of a file that was received whole.
enum class Kept {
    now,
    before,    ///< the same was there already
    replaced,  ///< what was there was not what its name says
};

class IncomingFile;

/// Whether this account has made the file, as far as the filesystem can say; where it has no extended
/// attributes every account has.
bool is_owner(const StoredFile& file, const std::string& account);

/// Threads: any. Errors of all besides those named: those of the system.
class RepositoryFolder {
  public:
    /// Errors: not_found, permission (a symbolic link on the way).
    static Result<RepositoryFolder> open(const SpaceFolder& space, const RequestPath& path);
    /// Makes it with all of its folders, for good; what is there already stays.
    static Result<RepositoryFolder> create(const SpaceFolder& space, const RequestPath& path);

    /// The config, or a file. Errors: not_found; corrupt (it is no file).
    Result<StoredFile> read(const RequestPath& path) const;
    /// For good; its size, nothing where it was not there.
    Result<std::optional<uint64_t>> remove(const RequestPath& path) const;

    /// Errors: not_found.
    Result<host::Descriptor> folder_of_kind(Kind kind) const;
    /// In how many parts files of a kind are listed.
    static size_t parts_of(Kind kind);
    using Listed = std::function<void(std::string_view name, uint64_t size)>;
    /// All files of one part whose names are ids; a folder that is not there has none.
    Result<void> list(Kind kind, size_t part, const Listed& listed) const;

  private:
    friend class IncomingFile;
    explicit RepositoryFolder(host::Descriptor folder) : folder_(std::move(folder)) {}

    host::Descriptor folder_;
};

/// A file that is being received. Where it is not kept, nothing of it stays. Threads: one.
class IncomingFile {
  public:
    static Result<IncomingFile> open(const SpaceFolder& space);
    IncomingFile(IncomingFile&& other) noexcept;
    IncomingFile& operator=(IncomingFile&&) = delete;
    ~IncomingFile();

    /// Errors: no_space, io.
    Result<void> add(std::string_view bytes);
    uint64_t size() const { return size_; }

    /// Writes down whose it is, for is_owner().
    Result<void> note_owner(const std::string& account);
    /// Gives it its name in the repository, for good: when this returns a power cut does not take it away.
    /// What is there already stays, and is as good where it is the same; else it is replaced where `path` is
    /// no config and `may_replace`. Errors: corrupt (its content is not what its name says), refused
    /// (something else is there).
    Result<Kept> keep(const RepositoryFolder& repository, const RequestPath& path, bool may_replace);

  private:
    IncomingFile(host::Descriptor file, int incoming, std::string name)
        : file_(std::move(file)), incoming_(incoming), name_(std::move(name))
    {
    }

    host::Descriptor file_;
    int incoming_;      ///< the folder's, which outlives it
    std::string name_;  ///< in it; empty: it has gone from there
    uint64_t size_ = 0;
    Sha256 digest_;
};

}  // namespace belay::media
