#pragma once
// The media server: a folder of repositories, those who may come to it, and the door.

#include "base/json.h"
#include "site/log.h"
#include "site/media/http/http_server.h"
#include "site/media/rest_protocol.h"
#include "site/media/state_files.h"

namespace belay::media {

struct MediaOptions {
    std::string listen = "[::]:8000";                 ///< HOST:PORT; port 0: any
    std::string data_folder = default_data_folder;    ///< a folder for each space
    std::string state_folder = default_state_folder;  ///< accounts, and the authority of its certificates
    std::vector<std::string> names = {};  ///< by which it is reached, besides its host name and addresses
    std::string certificate_file = {}, key_file = {};  ///< PEM, in place of a certificate of its own
    bool without_tls = false;                          ///< on loopback alone
    unsigned most_connections = 16'384;
    unsigned most_of_one_address = 0;  ///< 0: no limit but that
};

/// Threads: that which has opened it, but for status().
class MediaServer {
  public:
    /// The log outlives it. Errors: usage, busy (another serves the data folder), those of the system.
    static Result<std::unique_ptr<MediaServer>> open(const MediaOptions& options, Milliseconds wall,
                                                     site::Log& log);
    ~MediaServer();

    /// HOST:PORT at which it listens.
    const std::string& address() const { return address_; }
    /// Shows a certificate from elsewhere as its files have it now, or one of its own that is made anew, to
    /// those who come from then on. One that is no good is not taken, which the log says, and status().
    void renew_certificate();
    /// {address, data, tls, certificate: {file, until_ms, problem}, connections, most_connections, requests,
    /// ..., spaces: [{name, used, quota, ...}], free, total}.
    Result<Json> status() const;
    /// Takes no new connections, and ends what is under way within this time.
    void stop(std::chrono::milliseconds patience);

  private:
    MediaServer(MediaOptions options, Milliseconds wall, site::Log& log);
    Result<void> begin();
    Result<std::shared_ptr<const Certificate>> read_certificate() const;
    Json certificate_status() const;

    const MediaOptions options_;
    const Milliseconds started_;
    site::Log& log_;
    std::string address_;
    unsigned most_connections_ = 0;  ///< that the system lets it have
    Counters counters_;
    mutable Doorkeeper doorkeeper_;
    std::unique_ptr<Spaces> spaces_;
    std::unique_ptr<FolderWatch> watch_;
    std::unique_ptr<RestProtocol> protocol_;
    /// Those that check passwords are few: a flood of wrong ones must not take all processors.
    std::unique_ptr<Jobs> quick_, slow_;
    std::unique_ptr<HttpServer> http_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Certificate> certificate_;  ///< that is shown; guarded by the mutex
    std::string problem_;                             ///< of the one that is not; guarded by the mutex
};

}  // namespace belay::media
