#pragma once
// A repository in a folder of this machine, laid out as restic does it: config, keys/, locks/, snapshots/,
// index/, and data/ in 256 folders by the first byte of the id.

#include "backup/backend/backend.h"

namespace belay::backup {

/// Files have mode 0400, folders 0700; a folder that others may read keeps them so for what is new.
class LocalBackend final : public Backend {
  public:
    /// `folder` need not be there yet. It may be relative.
    explicit LocalBackend(std::string folder) : folder_(std::move(folder)) {}

    std::string location() const override { return folder_; }
    Result<void> create() override;
    Result<void> save(const FileName& name, std::string_view content) override;
    Result<std::string> load(const FileName& name, uint64_t offset, uint64_t length) override;
    Result<uint64_t> size(const FileName& name) override;
    Result<void> remove(const FileName& name) override;
    Result<std::vector<ListedFile>> list(FileKind kind) override;
    /// On a filesystem that is this host's own. Others may reach it by NFS: who has made a file in a folder
    /// there looks at the folder anew.
    bool lists_what_is_there() const override;

  private:
    /// The folder of a file, without a slash at its end.
    std::string folder_of_file(const FileName& name) const;
    std::string path_of(const FileName& name) const;
    Result<void> list_folder(const std::string& folder, std::vector<ListedFile>& all) const;

    std::string folder_;
};

}  // namespace belay::backup
