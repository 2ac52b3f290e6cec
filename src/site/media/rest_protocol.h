#pragma once
// restic's REST protocol, versions 1 and 2: what each request does to the repositories here.
//
//   POST   /R/?create=true            makes a repository
//   HEAD, GET, POST, DELETE /R/config
//   HEAD, GET /R/KIND/                names; with Accept: application/vnd.x.restic.rest.v2 also sizes
//   HEAD, GET /R/snapshots/           also ETag; If-None-Match, and beside it Prefer: wait=SECONDS
//   HEAD, GET, POST, DELETE /R/KIND/ID
//
// A file is on the disk for good, and what its name says, before 200 says so. It may be sent again: the same
// content is well. Sources: restic's documentation, "REST Backend"; for notices of change RFC 9110 and RFC
// 7240.

#include "site/log.h"
#include "site/media/doorkeeper.h"
#include "site/media/folder_watch.h"
#include "site/media/http.h"
#include "site/media/spaces.h"

#include <atomic>

namespace belay::media {

/// What was done since the server started.
struct Counters {
    std::atomic<uint64_t> requests = 0, refused = 0, files_kept = 0, files_removed = 0;
    std::atomic<uint64_t> bytes_received = 0, bytes_sent = 0;
    std::atomic<uint64_t> uploads = 0;  ///< under way
};

/// Threads: any. What it is given outlives it.
class RestProtocol final : public Handler {
  public:
    /// Larger files are refused.
    static constexpr uint64_t largest_file = uint64_t{1} << 30;

    struct Parts {
        Doorkeeper& doorkeeper;
        Spaces& spaces;
        site::Log& log;
        Counters& counters;
        FolderWatch& watch;
    };
    explicit RestProtocol(const Parts& parts) : parts_(parts) {}

    bool is_slow(const Request& request) override;
    Begun begin(const Request& request) override;

  private:
    /// What a request works on, once it is known who may.
    struct Ground {
        RequestPath path;
        std::shared_ptr<Space> space;
        std::optional<uint64_t> quota;
        Access access = Access::read;
        std::string user;
    };
    struct ListType {
        const char* name;
        bool with_sizes;
    };
    class Upload;
    class SnapshotsAwaited;

    Result<Ground> ground_of(const Request& request) const;
    static ListType list_type_of(const Request& request);
    Result<void> check_password(const Request& request);
    Result<Answer> create(const Ground& ground) const;
    Result<Answer> read(const Ground& ground, const Request& request) const;
    Result<Answer> list(const Ground& ground, const Request& request) const;
    /// With an entity tag; where the client knows the list and would wait, when there is another one.
    Result<Begun> list_snapshots(const Ground& ground, const Request& request) const;
    Result<Answer> remove(const Ground& ground) const;
    Result<std::unique_ptr<Body>> receive(Ground ground, const Request& request) const;
    Answer refusal(const Error& error, const Request& request) const;

    const Parts parts_;
};

}  // namespace belay::media
