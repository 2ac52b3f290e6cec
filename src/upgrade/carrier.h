#pragma once
// Brings images to this host: fetches the file, holds it against its digest and its signature, and puts the
// version into the library. Each in a thread of its own; what a restart of the daemon cuts short is gone on
// with where it was.

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace belay::upgrade {

/// What is to be brought.
struct Delivery {
    std::string image, version;
    std::string file;    ///< SHA-256 of the image's file
    std::string files;   ///< SHA-256 of its listing: what the plan was made for
    uint64_t bytes = 0;  ///< of the file
};

/// Threads: any.
class Carrier {
  public:
    struct Options {
        std::string images;  ///< the folder of the installed images
        std::string keys;    ///< of the public keys whose images are taken
        /// Where the file is on this host already. Errors: not_found.
        std::function<Result<std::string>(const std::string& file)> here;
        /// Gives the bytes of the file from `offset` on to `take`. Errors: those of `take`, why it cannot.
        std::function<Result<void>(const std::string& file, uint64_t offset,
                                   const std::function<Result<void>(std::string_view)>& take,
                                   const std::stop_token& stop)>
            fetch;
    };
    explicit Carrier(Options options) : options_(std::move(options)) {}
    /// What is on its way stops where it is.
    ~Carrier();
    Carrier(const Carrier&) = delete;
    Carrier& operator=(const Carrier&) = delete;

    const std::string& images() const { return options_.images; }

    /// How far one is.
    struct Way {
        uint64_t done = 0, total = 0;  ///< bytes that were fetched, and then as many again unpacked
        bool has_ended = false;
        std::optional<Error> problem = {};  ///< it has ended with that
    };
    /// Nothing: it was not begun.
    std::optional<Way> way_of(const std::string& file) const;
    /// Some of the file has come, now or before this daemon began.
    bool has_part_of(const std::string& file) const;
    /// Begins, or goes on, unless it is on its way.
    void begin(const Delivery& delivery);
    /// Ends it, and what has come of the file goes.
    void give_up(const std::string& file);
    /// What has come of the file goes for good, where it is not on its way. Errors: those of the system.
    Result<void> clear_away(const std::string& file) const;

  private:
    struct Work {
        Way way;
        std::jthread thread;
    };

    Result<void> bring(const Delivery& delivery, const std::stop_token& stop);
    Result<std::string> fetch(const Delivery& delivery, const std::stop_token& stop);
    void say(const std::string& file, uint64_t done);
    std::string incoming(const std::string& file) const;

    const Options options_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Work>> works_;  ///< by their files
};

}  // namespace belay::upgrade
