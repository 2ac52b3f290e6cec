#pragma once
// A repository in memory, for tests: with accidents at any contact.

#include "backup/backend/backend.h"

#include <map>
#include <mutex>
#include <optional>

namespace belay::backup {

class MemoryBackend final : public Backend {
  public:
    /// What goes wrong at a contact that changes something, counted from 1.
    struct Accident {
        enum class Kind {
            refused,   ///< nothing happened, and it says so
            lost,      ///< it happened, and it says that it did not
            dead,      ///< nothing happened, and nothing will: the process or the place is gone
            dead_late  ///< it happened, and nothing more will
        } kind = Kind::refused;
        size_t at = 1;
        ErrorKind error = ErrorKind::io;
    };

    std::string location() const override { return "memory"; }
    Result<void> create() override;
    Result<void> save(const FileName& name, std::string_view content) override;
    Result<std::string> load(const FileName& name, uint64_t offset, uint64_t length) override;
    Result<uint64_t> size(const FileName& name) override;
    Result<void> remove(const FileName& name) override;
    Result<std::vector<ListedFile>> list(FileKind kind) override;

    void plan(std::optional<Accident> accident);
    /// How many contacts have changed something since plan() or the beginning.
    size_t changes() const;
    /// The files as they are; for damage, and to compare.
    std::map<FileName, std::string>& files() { return files_; }
    const std::map<FileName, std::string>& files() const { return files_; }

  private:
    /// Counts a change and does it, unless the accident says otherwise.
    Result<void> change(const std::function<void()>& act);

    mutable std::mutex mutex_;
    std::map<FileName, std::string> files_;
    std::optional<Accident> accident_;
    size_t changes_ = 0;
    bool is_dead_ = false;
};

}  // namespace belay::backup
