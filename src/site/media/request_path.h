#pragma once
// What a request of restic's REST protocol is about, by its path: /SPACE/FOLDER.../config, /SPACE/data/ID.
// Source: restic's documentation, "REST Backend".

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace belay::media {

/// The folders of a repository, as restic names them.
enum class Kind : uint8_t { data, keys, locks, snapshots, index };
inline constexpr Kind all_kinds[] = {Kind::data, Kind::keys, Kind::locks, Kind::snapshots, Kind::index};
/// "data", "keys"...
std::string_view name_of(Kind kind);

struct RequestPath {
    enum class What : uint8_t {
        repository,  ///< the whole
        config,
        list,  ///< of all files of a kind
        file,
    };

    static constexpr size_t most_folders = 8;

    std::string space;
    std::vector<std::string> folders = {};  ///< of the repository below its space
    What what = What::repository;
    Kind kind = Kind::data;
    std::string name = {};  ///< of a file: 64 hexadecimal digits, the SHA-256 of what it holds

    /// The repository, for people: "anna/laptop".
    std::string repository() const;
};

/// `path` as it stands in the request, before '?': percent signs and all. Errors: usage, where it can be of
/// no repository: an empty name, one that begins with a dot, is no UTF-8 or has control characters, a
/// slash or a zero byte behind a percent sign, a file with a name that is no id.
Result<RequestPath> parse_request_path(std::string_view path);

/// Whether it is a SHA-256 as restic writes it: 64 digits.
bool is_id(std::string_view name);

/// Whether a space may have this name: as above, and no name of a folder of repositories.
bool is_name_of_space(std::string_view name);

}  // namespace belay::media
