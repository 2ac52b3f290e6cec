#pragma once
// Secrets that a person carries: made at random, and known to the other side by their digest alone.

#include <string>
#include <string_view>

namespace belay::site {

/// So many random bytes. Threads: any, as all here.
std::string new_secret(size_t bytes);
/// The same as text that stands in a URL and in a header: 4 characters for 3 bytes, without padding.
std::string as_text(std::string_view secret);

/// SHA-256, 64 hexadecimal digits: what is kept of a secret.
std::string digest_of_secret(std::string_view secret);
/// In a time that does not depend on where they differ.
bool is_same_digest(std::string_view a, std::string_view b);

}  // namespace belay::site
