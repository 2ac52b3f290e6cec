#pragma once
// The spaces of a media server, and how much lies in each. What counts is what is on the disk: it is counted
// when somebody wants to know, kept up from then on, and counted anew before somebody is refused.

#include "site/media/repository_folder.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace belay::media {

class Space;

/// So many bytes that somebody is about to fill; given back unless they are kept. Threads: one.
class Reserved {
  public:
    explicit Reserved(std::shared_ptr<Space> space) : space_(std::move(space)) {}
    Reserved(Reserved&&) noexcept = default;
    Reserved& operator=(Reserved&&) = delete;
    ~Reserved();

    /// So many more. `quota`: of the space; nothing: without limit. Errors: no_space.
    Result<void> add(uint64_t bytes, std::optional<uint64_t> quota);
    /// They are filled; what was `given_back` besides is free.
    void keep(uint64_t given_back);

  private:
    std::shared_ptr<Space> space_;
    uint64_t bytes_ = 0;
};

/// Threads: any.
class Space {
  public:
    Space(std::string name, SpaceFolder folder) : name_(std::move(name)), folder_(std::move(folder)) {}

    const std::string& name() const { return name_; }
    const SpaceFolder& folder() const { return folder_; }
    /// Counts where it was not counted yet. Errors: those of the system.
    Result<uint64_t> used();
    /// Waits for the disk. Errors: those of the system.
    Result<void> count();
    void given_back(uint64_t bytes);

  private:
    friend class Reserved;
    Result<void> reserve(uint64_t bytes, std::optional<uint64_t> quota);
    bool fits(uint64_t bytes, std::optional<uint64_t> quota);

    const std::string name_;
    const SpaceFolder folder_;
    std::mutex mutex_;
    std::mutex counting_;  ///< one at a time
    bool is_counted_ = false;
    int64_t used_ = 0;         ///< since the last count it may be below zero, where others remove files
    int64_t changed_ = 0;      ///< of it, since that began
    Milliseconds counted_{0};  ///< when, on the boot clock
};

/// Threads: any.
class Spaces {
  public:
    /// Makes the data folder where it is not there, and keeps other servers out of it. Errors: busy, those of
    /// the system.
    static Result<std::unique_ptr<Spaces>> open(const std::string& data_folder);

    /// Makes it where it is not there. Errors: usage (the name), those of the system.
    Result<std::shared_ptr<Space>> find(const std::string& name);
    /// Those that there are on the disk. Errors: those of the system.
    Result<std::vector<std::string>> names() const;

  private:
    Spaces(std::string data_folder, host::Descriptor lock)
        : data_folder_(std::move(data_folder)), lock_(std::move(lock))
    {
    }

    const std::string data_folder_;
    const host::Descriptor lock_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Space>, std::less<>> spaces_;
};

}  // namespace belay::media
