#pragma once
// Media servers on loopback, with TLS by the same certificate and one account, that files are sent to and
// fetched from.

#include "base/result.h"
#include "program.h"

#include <memory>
#include <string>
#include <vector>

namespace belay::bench {

struct MediaPrograms {
    std::string belay, belayd_media;
};

/// Serves one repository, "bench/r". Ends with its owner.
class BenchServer {
  public:
    enum class Kind { belay, rclone };

    /// In a new folder `folder`. Errors: failed, where it does not serve.
    static Result<std::unique_ptr<BenchServer>> start(Kind kind, const MediaPrograms& programs,
                                                      const std::string& folder);

    /// "https://127.0.0.1:PORT/bench/r/".
    const std::string& url() const { return url_; }
    const std::string& certificate() const { return certificate_; }
    static constexpr const char* account = "bench:open sesame";

  private:
    BenchServer(Program program, std::string url, std::string certificate)
        : program_(std::move(program)), url_(std::move(url)), certificate_(std::move(certificate))
    {
    }

    Program program_;
    std::string url_, certificate_;
};

/// A pack as clients send them.
struct Pack {
    std::string id, content;
};

enum class Direction { upload, download };

/// Sends or fetches all packs, shared out to so many clients, each of which keeps its connection; what came
/// is held against its name. How long it took. Errors: failed.
Result<double> transfer(const BenchServer& server, Direction direction, const std::vector<Pack>& packs,
                        unsigned clients);

/// What the machine does by itself, MB/s.
struct MediaLimits {
    double tls = 0;                 ///< AES-256-GCM sealed, one thread
    double sha256 = 0;              ///< one thread
    double disk_1 = 0, disk_8 = 0;  ///< files of the size of a pack, written and synced, by one and by eight
};
Result<MediaLimits> measure_media_limits(const std::vector<Pack>& packs, const std::string& folder);

}  // namespace belay::bench
