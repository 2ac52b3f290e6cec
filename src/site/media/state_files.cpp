#include "site/media/state_files.h"

#include "host/files.h"
#include "site/identity/private_file.h"

#include <array>
#include <unistd.h>

namespace belay::media {
namespace {

constexpr Bytes largest_authority{64 << 10};

}  // namespace

std::string account_book_in(const std::string& state_folder)
{
    return state_folder + "/accounts.json";
}

std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

Result<site::Authority> open_media_authority(const std::string& state_folder, Milliseconds wall)
{
    const std::string path = state_folder + "/authority.pem";
    const Result<std::string> kept = host::files::read(path, largest_authority);
    if (kept) {
        // The certificate first, then its key.
        constexpr std::string_view end = "-----END CERTIFICATE-----\n";
        const size_t border = kept->find(end);
        if (border != std::string::npos)
            return site::Authority::open(kept->substr(0, border + end.size()),
                                         kept->substr(border + end.size()));
        return fail(ErrorKind::corrupt, fmt::format("{} is no certificate with its key", path),
                    "take it back from a backup; clients know this server by it");
    }
    if (kept.error().kind != ErrorKind::not_found) return std::unexpected(kept.error());
    site::Authority made = TRY(site::Authority::make("media server " + host_name(), wall));
    TRY(site::make_private_folder(state_folder));
    TRY(site::write_private(path, made.certificate_pem() + made.key_pem()));
    return made;
}

}  // namespace belay::media
