#pragma once
// A message as one word that a person carries: a mark that says what it is and in which version, and the
// message in URL-safe base64 without padding.

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace belay::site {

std::string pack_word(std::string_view mark, std::string_view bytes);
/// Blanks and line breaks in it do not count. At most 8 KiB. Errors: usage, with why it is no such word.
Result<std::string> unpack_word(std::string_view mark, std::string_view word);

/// DER, as such words have a certificate, and back. Errors: corrupt.
Result<std::string> der_of_pem(const std::string& pem);
Result<std::string> pem_of_der(std::string_view der);

/// 1 to 16 addresses, none of them empty or longer than 300 bytes, and a site's name.
bool names_a_site(const std::string& site, const std::vector<std::string>& controllers);

}  // namespace belay::site
