#include "site/identity/membership_file.h"

#include "base/json.h"
#include "host/files.h"
#include "site/identity/private_file.h"

namespace belay::site {
namespace {

namespace files = host::files;

constexpr Bytes max_membership_file = {256 << 10};

}  // namespace

Result<std::optional<Membership>> MembershipFile::read() const
{
    const std::string path = folder_ + "/membership.json";
    const Result<std::string> text = files::read(path, max_membership_file);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<Membership>();
    if (!text) return std::unexpected(text.error());
    const auto wrong = [&](std::string_view why) {
        return fail(ErrorKind::corrupt, fmt::format("{} is damaged: {}", path, why),
                    "belayd leave, and join again with a new invitation");
    };
    const Result<Json> json = parse_json(*text);
    if (!json) return wrong(json.error().what);
    try {
        const Result<Identity> identity = identity_of(json->at("identity").get<std::string>());
        if (!identity) return wrong(identity.error().what);
        auto controllers = json->at("controllers").get<std::vector<std::string>>();
        if (controllers.empty()) return wrong("it names no controller");
        return Membership{.identity = *identity,
                          .name = json->at("name"),
                          .controllers = std::move(controllers),
                          .authority_pem = json->at("authority"),
                          .certificate_pem = json->at("certificate"),
                          .key_pem = json->at("key")};
    } catch (const Json::exception& problem) {
        return wrong(problem.what());
    }
}

Result<void> MembershipFile::write(const Membership& membership) const
{
    TRY(make_private_folder(folder_));
    const Json json = {{"identity", to_uri(membership.identity)},   {"name", membership.name},
                       {"controllers", membership.controllers},     {"authority", membership.authority_pem},
                       {"certificate", membership.certificate_pem}, {"key", membership.key_pem}};
    TRY(write_private(folder_ + "/membership.json", json.dump(1) + "\n"));
    const std::string next = folder_ + "/next-key.pem";
    const Result<std::string> kept = files::read(next, max_membership_file);
    if (kept && *kept == membership.key_pem) return files::remove(next);
    return {};
}

Result<std::string> MembershipFile::next_key() const
{
    TRY(make_private_folder(folder_));
    const std::string path = folder_ + "/next-key.pem";
    const Result<std::string> kept = files::read(path, max_membership_file);
    // A power cut may have left a file without content.
    if (kept && make_request(*kept)) return *kept;
    if (!kept && kept.error().kind != ErrorKind::not_found) return std::unexpected(kept.error());
    std::string key = TRY(make_key());
    TRY(write_private(path, key));
    return key;
}

Result<void> MembershipFile::remove() const
{
    TRY(files::remove(folder_ + "/membership.json"));
    return files::remove(folder_ + "/next-key.pem");
}

}  // namespace belay::site
