#pragma once
// A repository that is open: its files unsealed, its blobs by their ids.

#include "backup/backend/backend.h"
#include "backup/repository/blob_table.h"
#include "backup/repository/compression.h"
#include "backup/repository/config.h"
#include "backup/repository/index_file.h"
#include "backup/repository/key_file.h"
#include "backup/repository/snapshot.h"

#include <mutex>

namespace belay::backup {

/// A blob made ready for a pack.
struct SealedBlob {
    Id id;
    BlobType type = BlobType::data;
    std::string bytes;
    uint32_t plain_size = 0;  ///< 0: not compressed
};

/// Threads: any for const functions and the loading and saving of files; load_index() alone.
class Repository {
  public:
    struct NewRepository {
        unsigned version = Config::newest_version;
        ScryptCost cost = {};
        std::optional<Polynomial> polynomial = {};  ///< of the chunker; else one by chance
    };

    /// Makes a new repository with one key, and opens it. The config comes last: before it there is no
    /// repository. Errors: refused, where there is one; those of the place; failed.
    static Result<Repository> create(std::unique_ptr<Backend> backend, std::string_view password,
                                     const NewRepository& wanted);

    /// `key_hint` is the beginning of the id of the key to try first; a key that is not there is no error.
    /// Errors: not_found, where there is no repository; refused, where the password opens no key; version;
    /// corrupt; those of the place, none of which is refused.
    static Result<Repository> open(std::unique_ptr<Backend> backend, std::string_view password,
                                   std::string_view key_hint = {});

    const Config& config() const { return config_; }
    const MasterKey& key() const { return key_; }
    /// The key that the password has opened.
    const Id& key_id() const { return key_id_; }
    Backend& backend() const { return *backend_; }

    /// The text of a config, key, lock, snapshot or index: unsealed and unpacked. Errors: not_found; corrupt,
    /// where it is not what its id says; those of the place.
    Result<std::string> load_text(const FileName& name) const;
    /// Seals and writes a text; its id. Errors: those of the place.
    Result<Id> save_text(FileKind kind, std::string_view text) const;

    /// Reads all index files. Those that are damaged, or gone meanwhile, are told to `problem` and passed
    /// over. Errors: those of the place.
    Result<void> load_index(const std::function<void(const Id&, const Error&)>& problem);
    /// The same of those that have come since; alone, too.
    Result<void> load_newer_index(const std::function<void(const Id&, const Error&)>& problem);
    /// The index files that were there then, in order.
    const std::vector<Id>& index_files() const { return index_files_; }
    const BlobTable& blobs() const { return blobs_; }
    BlobTable& blobs() { return blobs_; }

    /// All snapshots, oldest first; damaged ones are told to `problem` and left out. Those that are `known`
    /// are not read again.
    Result<std::vector<Snapshot>> snapshots(const std::function<void(const Id&, const Error&)>& problem,
                                            std::span<const Snapshot> known = {}) const;

    /// Makes a blob ready for a pack. Errors: failed.
    Result<SealedBlob> seal_blob(BlobType type, const Id& id, std::string_view content,
                                 Compression level) const;
    /// The content of a blob, from any of the packs that it lies in. Errors: not_found, where no index knows
    /// it; corrupt and those of the place, of the last of its packs.
    Result<std::string> load_blob(BlobType type, const Id& id) const;

  private:
    Repository(std::unique_ptr<Backend> backend, Config config, const MasterKey& key, Id key_id)
        : backend_(std::move(backend)), config_(config), key_(key), key_id_(key_id)
    {
    }

    /// Adds what an index file says to the table, pack by pack, each under `mutex`.
    void load_index_file(const std::string& text, std::mutex& mutex,
                         const std::function<void(const Error&)>& problem);

    std::unique_ptr<Backend> backend_;
    Config config_;
    MasterKey key_;
    Id key_id_;
    BlobTable blobs_;
    std::vector<Id> index_files_;
};

}  // namespace belay::backup
