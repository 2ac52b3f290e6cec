#pragma once
// What PostgreSQL's tools and its server say of a cluster, read.

#include "base/result.h"
#include "upgrade/driver/driver.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::driver::postgresql {

/// A place in the write-ahead log, in bytes.
struct Place {
    uint64_t byte = 0;
    auto operator<=>(const Place&) const = default;
};

/// "0/3000148": two hexadecimal numbers of at most 8 digits. Errors: corrupt.
Result<Place> parse_place(std::string_view text);
std::string to_text(Place place);

/// One of Debian's clusters. Source: pg_lsclusters(1), --json.
struct DebianCluster {
    std::string version;  ///< "15"
    std::string name;     ///< "main"
    std::string data;
    std::string socket_folder;
    uint32_t port = 0;
    uint32_t user = 0, group = 0;  ///< who owns it, as numbers
    bool starts_by_itself = false;
    std::string configuration;  ///< its postgresql.conf
};

/// Errors: corrupt.
Result<std::vector<DebianCluster>> parse_clusters(std::string_view json);

/// What stands on the disk of a server that does not run. Source: pg_controldata(1).
struct Control {
    std::string state;  ///< "shut down", "in production", "shut down in recovery", ...
    std::string system;
    Place checkpoint;  ///< where the last checkpoint's record begins; where `state` is "shut down": the last
                       ///< record

    bool operator==(const Control&) const = default;
};

/// Errors: corrupt.
Result<Control> parse_control(std::string_view text);

/// What a server that runs says of itself; `server_question` is what it is asked.
struct Server {
    bool is_standby = false;
    std::string system;                  ///< its identifier: the same on both
    std::string version;                 ///< "15.18"
    std::optional<Place> written = {};   ///< of a primary
    std::optional<Place> received = {};  ///< of a standby; nothing before it has received anything
    std::optional<Place> replayed = {};  ///< of a standby
    std::optional<Place> told = {};      ///< of a standby: the end that the primary told it of last
    bool is_streaming = false;           ///< of a standby: its receiver streams
    bool is_paused = false;              ///< of a standby: somebody has paused what it replays
    std::string from = {};               ///< of a standby: whom it follows, "10.0.0.1:5432"
    struct Follower {
        bool is_streaming = false;
        std::optional<Place> replayed = {};
        bool is_synchronous = false;
    };
    std::vector<Follower> followers = {};
    std::string slot = {};          ///< primary_slot_name
    bool timeline_is_kept = false;  ///< of a primary: its disk names the timeline on which it writes
    uint32_t logical_slots = 0;     ///< logical slots
    bool may_promote = false;       ///< the role that asked may call pg_promote()
};

extern const char* const server_question;

/// The answer to it. Errors: corrupt.
Result<Server> parse_server(std::string_view json);

/// Of the answer to IDENTIFY_SYSTEM, "7298...|1|0/3000148|": the system. Errors: corrupt.
Result<std::string> parse_identity(std::string_view text);

}  // namespace belay::upgrade::driver::postgresql
