#include "site/identity/authority_file.h"

#include "base/json.h"
#include "host/files.h"
#include "site/identity/private_file.h"
#include "site/identity/secret.h"

#include <optional>

namespace belay::site {
namespace {

constexpr std::string_view site_key = "site/site";
constexpr Bytes max_authority_file = {64 << 10};

std::string path_in(const std::string& state_folder)
{
    return state_folder + "/site/authority.json";
}

/// Nothing where there is no file. Errors: corrupt.
Result<std::optional<SiteAuthority>> read(const std::string& path)
{
    const Result<std::string> text = host::files::read(path, max_authority_file);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<SiteAuthority>();
    if (!text) return std::unexpected(text.error());
    const auto wrong = [&](std::string_view why) {
        return fail(ErrorKind::corrupt, fmt::format("{} is damaged: {}", path, why),
                    "take it back from a backup, or from another controller");
    };
    const Result<Json> json = parse_json(*text);
    if (!json) return wrong(json.error().what);
    try {
        Result<Authority> authority = Authority::open(json->at("certificate"), json->at("key"));
        if (!authority) return wrong(authority.error().what);
        return SiteAuthority{json->at("site"), *std::move(authority)};
    } catch (const Json::exception& problem) {
        return wrong(problem.what());
    }
}

}  // namespace

Result<void> keep_authority(const std::string& state_folder, const std::string& site,
                            const Authority& authority)
{
    TRY(make_private_folder(state_folder + "/site"));
    const Json json = {
        {"site", site}, {"certificate", authority.certificate_pem()}, {"key", authority.key_pem()}};
    return write_private(path_in(state_folder), json.dump(1) + "\n");
}

Result<SiteAuthority> open_authority(const std::string& state_folder, store::Store& store, Milliseconds now)
{
    std::optional<SiteAuthority> kept = TRY(read(path_in(state_folder)));
    std::optional<store::Entry> entry = TRY(store.get(site_key));
    if (!entry) {
        if (!kept) {
            const std::string site = digest_of_secret(new_secret(32)).substr(0, site_digits);
            Authority authority = TRY(Authority::make(site, now));
            kept = SiteAuthority{site, std::move(authority)};
            // First: a site whose key nobody has would be lost.
            TRY(keep_authority(state_folder, site, kept->authority));
        }
        const Json json = {{"id", kept->site}, {"authority", kept->authority.certificate_pem()}};
        TRY(store.commit({.when = {{.key = std::string(site_key), .revision = 0}},
                          .then = {{.key = std::string(site_key), .value = json_text(json)}}}));
        entry = TRY(store.get(site_key));
        if (!entry) return fail(ErrorKind::corrupt, "the store forgets what was just written to it");
    }
    const Json json = TRY(parse_json(entry->value));
    if (!kept || kept->authority.certificate_pem() != json.value("authority", ""))
        return fail(ErrorKind::permission,
                    fmt::format("this machine has not the key of the site {}", json.value("id", "")),
                    "belay host invite --role controller, on a controller of it, and belayd join here");
    return *std::move(kept);
}

}  // namespace belay::site
