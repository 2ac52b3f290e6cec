#pragma once
// An invitation into a site, as one word that a person carries to the new machine. It names the controllers
// and holds the authority's certificate, so that the new machine knows whom it talks to from the first byte
// on, and a secret that is good for one enrolment.
//
// The word is "belay1." and proto/belay/v1/invitation.proto in URL-safe base64.

#include "site/identity/identity.h"

#include <vector>

namespace belay::site {

/// Of the secret of an invitation.
constexpr size_t secret_bytes = 16;

struct Invitation {
    std::string site;
    std::string authority_pem;
    std::vector<std::string> controllers;  ///< HOST:PORT or [ADDRESS]:PORT, 1 to 16
    uint64_t number = 0;                   ///< by which the controller finds what it knows of it
    std::string secret;                    ///< 16 bytes
    Role role = Role::agent;
};

/// The word. Errors: corrupt (no certificate).
Result<std::string> to_word(const Invitation& invitation);
/// Blanks and line breaks in it do not count. At most 8 KiB. Errors: usage, where it is no invitation;
/// version.
Result<Invitation> read_invitation(std::string_view word);

/// What a person needs to know of a site beside an account: whom to ask, and how they are known. No secret.
struct RemoteSite {
    std::string site;                      ///< 16 hexadecimal digits
    std::string authority_pem;             ///< by which its controllers are known
    std::vector<std::string> controllers;  ///< HOST:PORT, tried in this order
};

constexpr std::string_view site_mark = "belaysite1.";

/// As a word of its own: "belaysite1." and SiteAddress of the same file. Errors: corrupt (no certificate).
Result<std::string> to_word(const RemoteSite& site);
/// Errors: usage.
Result<RemoteSite> read_site(std::string_view word);

}  // namespace belay::site
