#pragma once
// A place that is written and read no faster than was said.

#include "backup/backend/backend.h"
#include "backup/backend/rate_limit.h"

namespace belay::backup {

/// Threads: any, as the place itself.
class LimitedBackend final : public Backend {
  public:
    /// Bytes a second, of the contents of files; 0: as fast as it goes.
    LimitedBackend(std::unique_ptr<Backend> place, uint64_t save_limit, uint64_t load_limit)
        : place_(std::move(place)), saves_(save_limit), loads_(load_limit)
    {
    }

    std::string location() const override { return place_->location(); }
    Result<void> create() override { return place_->create(); }
    Result<void> save(const FileName& name, std::string_view content) override;
    Result<std::string> load(const FileName& name, uint64_t offset, uint64_t length) override;
    Result<uint64_t> size(const FileName& name) override { return place_->size(name); }
    Result<void> remove(const FileName& name) override { return place_->remove(name); }
    bool lists_what_is_there() const override { return place_->lists_what_is_there(); }
    Result<std::vector<ListedFile>> list(FileKind kind) override { return place_->list(kind); }

  private:
    std::unique_ptr<Backend> place_;
    RateLimit saves_, loads_;
};

}  // namespace belay::backup
