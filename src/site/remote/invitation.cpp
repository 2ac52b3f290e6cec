#include "site/remote/invitation.h"

#include "site/remote/word.h"

#include <belay/v1/invitation.pb.h>

namespace belay::site {
namespace {

constexpr std::string_view invitation_mark = "belay1.";

std::unexpected<Error> no_invitation(std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("this is no invitation to a site: {}", why),
                "belay host invite, on a controller");
}

bool is_of_another_version(std::string_view word)
{
    return word.starts_with("belay") && !word.starts_with(invitation_mark) && !word.starts_with(site_mark) &&
           word.find('.') != std::string_view::npos;
}

}  // namespace

Result<std::string> to_word(const Invitation& invitation)
{
    v1::Invitation message;
    message.set_site(invitation.site);
    message.set_authority(TRY(der_of_pem(invitation.authority_pem)));
    for (const std::string& address : invitation.controllers) message.add_controllers(address);
    message.set_number(invitation.number);
    message.set_secret(invitation.secret);
    message.set_role(std::string(name_of(invitation.role)));
    return pack_word(invitation_mark, message.SerializeAsString());
}

Result<Invitation> read_invitation(std::string_view word)
{
    if (is_of_another_version(word))
        return fail(ErrorKind::version, "this invitation was made by another version of Belay");
    const Result<std::string> bytes = unpack_word(invitation_mark, word);
    if (!bytes) return no_invitation(bytes.error().what);
    v1::Invitation message;
    if (!message.ParseFromString(*bytes)) return no_invitation("it was cut or mistyped");
    Invitation invitation{.site = message.site(),
                          .authority_pem = {},
                          .controllers = {message.controllers().begin(), message.controllers().end()},
                          .number = message.number(),
                          .secret = message.secret()};
    const Result<Role> role = role_named(message.role());
    const Result<std::string> authority = pem_of_der(message.authority());
    const bool makes_sense =
        names_a_site(invitation.site, invitation.controllers) && invitation.secret.size() == secret_bytes;
    if (!makes_sense || !role || !authority) return no_invitation("it was cut or mistyped");
    invitation.role = *role;
    invitation.authority_pem = *authority;
    return invitation;
}

Result<std::string> to_word(const RemoteSite& site)
{
    v1::SiteAddress message;
    message.set_site(site.site);
    message.set_authority(TRY(der_of_pem(site.authority_pem)));
    for (const std::string& address : site.controllers) message.add_controllers(address);
    return pack_word(site_mark, message.SerializeAsString());
}

Result<RemoteSite> read_site(std::string_view word)
{
    const auto wrong = [](std::string_view why) {
        return fail(ErrorKind::usage, fmt::format("this is no word of a site: {}", why),
                    "belay account list, on a controller, shows it");
    };
    const Result<std::string> bytes = unpack_word(site_mark, word);
    if (!bytes) return wrong(bytes.error().what);
    v1::SiteAddress message;
    if (!message.ParseFromString(*bytes)) return wrong("it was cut or mistyped");
    RemoteSite site{.site = message.site(),
                    .authority_pem = {},
                    .controllers = {message.controllers().begin(), message.controllers().end()}};
    const Result<std::string> authority = pem_of_der(message.authority());
    if (!names_a_site(site.site, site.controllers) || !authority) return wrong("it was cut or mistyped");
    site.authority_pem = *authority;
    return site;
}

}  // namespace belay::site
