#pragma once
// Folders that are listed before anything is known but what shall be saved: while a password becomes a key,
// which is slow by intent, and the index is read, processors and disks have nothing else to do.

#include "backup/pipeline/listing.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

namespace belay::backup {

/// Threads: its owner's; any for take() and stop(). It has one of its own.
class EarlyListing {
  public:
    struct Options {
        std::vector<std::string> paths = {};
        bool one_file_system = false;
        /// Whether an entry is left out: what is below it is not looked at.
        std::function<bool(const std::string& path, bool is_folder, uint64_t size)> is_excluded = {};
    };

    /// So many entries are kept until they are taken, 12 MiB or so; then no more are listed.
    static constexpr size_t most_entries = 1 << 16;
    /// What was found is of no use after this time: a file may have been changed since.
    static constexpr std::chrono::seconds lasts{10};

    /// Begins at once. A path is listed as it is written.
    explicit EarlyListing(Options options);
    ~EarlyListing();
    EarlyListing(const EarlyListing&) = delete;
    EarlyListing& operator=(const EarlyListing&) = delete;

    /// What was found in a folder, once: nothing unless it is still the same folder, and no entry has come,
    /// gone or got another name since. `folder` is open.
    std::optional<Listing> take(const std::string& path, int folder);
    /// No more is listed, but for the folder that is under way; what was found stays.
    void stop() { stops_ = true; }

  private:
    void walk();
    /// Keeps what was found in a folder; false where there is no more room.
    bool keep(const std::string& path, Listing listing);

    Options options_;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::unordered_map<std::string, Listing> found_;
    size_t entries_ = 0;
    std::atomic<bool> stops_ = false;
    std::thread thread_;  ///< last: it begins when the rest is there
};

}  // namespace belay::backup
